//! Lowering: types, names, and texts that are not SQL.

use plinth::sql::catalog::Catalog;
use plinth::sql::lower::{self, Scope};
use plinth::sql::{Schema, sqlstate};
use proptest::prelude::*;

fn schema() -> Schema {
    Schema::build(Catalog::default()).expect("an empty schema")
}

fn type_of(text: &str) -> String {
    match lower::expression(text, &schema(), &Scope::default()) {
        Ok(expr) => expr.ty.to_string(),
        Err(fault) => fault.code.to_owned(),
    }
}

#[test]
fn expressions_have_postgresqls_types() {
    let cases = [
        ("1", "integer"),
        ("3000000000", "bigint"),
        ("1.5", "numeric"),
        ("1 + 1.5", "numeric"),
        ("1::real + 1", "double precision"),
        ("'a' || 1", "text"),
        ("now() - interval '1 day'", "timestamp with time zone"),
        ("current_date + 1", "date"),
        ("current_date - date '2026-01-01'", "integer"),
        ("coalesce(null, 1, 2.5)", "numeric"),
        ("case when true then 1 end", "integer"),
        ("array[1, 2.5]", "numeric[]"),
        ("array[1] || 2", "integer[]"),
        ("'{\"a\": 1}'::jsonb -> 'a'", "jsonb"),
        ("'{\"a\": 1}'::jsonb ->> 'a'", "text"),
        ("auth.jwt() -> 'app_metadata' ->> 'role'", "text"),
        ("(select auth.uid())", "uuid"),
        ("extract(year from now())", "numeric"),
        ("round(1.5)", "numeric"),
        ("ceil(1)", "double precision"),
        ("1 = any('{1,2}')", "boolean"),
        ("(1, 'a') < (2, 'b')", "boolean"),
        ("to_tsvector('simple', 'a') @@ plainto_tsquery('simple', 'a')", "boolean"),
        ("1 + 'x'", "22P02"),
        ("true + 1", "42883"),
        ("interval '1 day'", "0A000"),
        ("'{}'::json = '{}'::json", "42883"),
        ("date '2026-02-30'", "22008"),
        ("nothing", "42703"),
        ("nothing()", "42883"),
        ("count(*)", "42803"),
        ("(select row_number() over (order by 1))", "bigint"),
        ("(select lag('a') over ())", "text"),
        ("(select sum(1.5) over (rows 3 preceding))", "numeric"),
        ("row_number() over ()", "42P20"),
        ("(select 1 where row_number() over () = 1)", "42P20"),
        ("(select rank() over (order by rank() over ()))", "42P20"),
        ("(select count(*) over (groups 1 preceding))", "42P20"),
        ("(select count(*) over (rows between current row and 1 preceding))", "42P20"),
        ("(select count(*) over (order by 1 range 1 preceding))", "0A000"),
        ("(select count(distinct 1) over ())", "0A000"),
        ("(select array_agg(1) over ())", "0A000"),
        ("(select upper('a') over ())", "42809"),
        ("row_number()", "42809"),
        ("(select ntile() over ())", "42883"),
        ("auth.jwt() -> 'user_metadata'", "0A000"),
    ];
    for (text, expected) in cases {
        assert_eq!(type_of(text), expected, "{text}");
    }
}

#[test]
fn depth_and_length_have_limits() {
    let deep = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    let long = format!("1{}", " + 1".repeat(100_000));
    let unions = format!("select 1{}", " union select 1, 2".repeat(5_000));
    assert_eq!(type_of(&deep), sqlstate::TOO_COMPLEX);
    assert!([sqlstate::TOO_COMPLEX, sqlstate::PROGRAM_LIMIT].contains(&&*type_of(&long)));
    let fault = lower::query(&unions, &schema(), &Scope::default()).expect_err("too many unions");
    assert_eq!(fault.code, sqlstate::TOO_COMPLEX);
}

proptest! {
    #[test]
    fn no_text_ends_the_process(text in ".{0,200}") {
        let schema = schema();
        let _ = lower::expression(&text, &schema, &Scope::default());
        let _ = lower::query(&text, &schema, &Scope::default());
    }

    #[test]
    fn no_row_of_words_ends_the_process(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let text = words.join(" ");
        let schema = schema();
        let _ = lower::expression(&text, &schema, &Scope::default());
        for parsed in lower::parse(&text).into_iter().flatten() {
            let _ = lower::statement(&parsed.statement, &schema, &Scope::default());
        }
    }
}

const WORDS: &[&str] = &[
    "select",
    "from",
    "auth.users",
    "where",
    "id",
    "email",
    "=",
    "<>",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "1",
    "1.5",
    "'x'",
    "null",
    "in",
    "any",
    "case",
    "when",
    "then",
    "else",
    "end",
    "::",
    "text",
    "int",
    "numeric(3,1)",
    "jsonb",
    "->",
    "->>",
    "||",
    "+",
    "-",
    "*",
    "/",
    "group by",
    "order by",
    "limit",
    "union",
    "all",
    "join",
    "left join",
    "on",
    "using",
    "as",
    "a",
    "b",
    "count",
    "sum",
    "max",
    "coalesce",
    "with",
    "insert into",
    "values",
    "update",
    "set",
    "delete",
    "exists",
    "between",
    "like",
    "is",
    "distinct",
    "interval",
    "now()",
    "array[",
    "]",
    "auth.uid()",
    ";",
    "unnest",
    "lower",
    "$1",
    "having",
    "returning",
    "row_number()",
    "over (",
    "partition by",
    "rows 1 preceding",
    "distinct on (",
];
