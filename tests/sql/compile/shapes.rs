//! What a statement's text holds: keywords, names of the catalogue, placeholders, and nothing that came with a request.

use plinth::db::Dialect;
use proptest::prelude::*;

use super::fixture::{Both, SERVICE, table};
use plinth::sql::Schema;
use plinth::sql::catalog::Catalog;
use plinth::values::Type;

/// What is left of a text when names in quotes, words, numbers and operators are taken out must be nothing; gives the quoted names
/// and the strings.
fn lexed(sql: &str) -> (Vec<String>, Vec<String>) {
    let (mut names, mut strings) = (Vec::new(), Vec::new());
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '"' || c == '\'' {
            let mut text = String::new();
            loop {
                match chars.next() {
                    Some(next) if next == c && chars.peek() == Some(&c) => {
                        chars.next();
                        text.push(c);
                    }
                    Some(next) if next == c => break,
                    Some(next) => text.push(next),
                    None => panic!("a quote is open in {sql}"),
                }
            }
            if c == '"' { names.push(text) } else { strings.push(text) }
        } else {
            assert!(c.is_ascii_alphanumeric() || " _$.,()<>=+-*/%|&!~@#?:[]".contains(c), "{c:?} in {sql}");
        }
    }
    (names, strings)
}

fn schema() -> Schema {
    let mut catalog = Catalog::default();
    catalog.put_relation(table("things", &[("id", Type::Int8), ("name", Type::Text), ("data", Type::Jsonb)]));
    Schema::build(catalog).expect("the schema is lowered")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Values are bound, whatever they hold; output names that are not plain words are quoted or bound.
    #[test]
    fn values_are_never_in_the_text(value in "[^\\x00]{1,20}", name in "[^\\x00]{1,20}") {
        let bindings = plinth::sql::compile::Bindings {
            uid: None,
            role: value.clone(),
            jwt: serde_json::json!({ "x": value }),
            email: Some(value.clone()),
            now: plinth::types::Timestamp::from_micros(0).expect("a moment"),
        };
        let schema = schema();
        let quoted = value.replace('\'', "''");
        let identifier = name.replace('"', "\"\"");
        let marker = format!("zq{value}qz");
        let sql = format!(
            "select id, name || 'zq{quoted}qz' as \"{identifier}\", auth.email() as e, auth.jwt() ->> 'x' as j from things \
             where name like 'zq{quoted}qz%' and data @> jsonb_build_object('k', 'zq{quoted}qz'::text) and name in ('zq{quoted}qz', 'b') \
             and role_is(auth.role()) limit 5"
        ).replace(" and role_is(auth.role())", "");
        let Ok(query) = plinth::sql::lower::query(&sql, &schema, &plinth::sql::lower::Scope::default()) else { return Ok(()) };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let context = plinth::sql::compile::Context { dialect, schema: &schema, bindings: &bindings, rights: &SERVICE };
            let compiled = plinth::sql::compile::query(&query, &context).expect("it compiles");
            prop_assert!(!compiled.sql.contains(&marker));
            let (names, strings) = lexed(&compiled.sql);
            let known = ["things", "id", "name", "data", "e", "j", "C"];
            prop_assert!(names.iter().all(|found| known.contains(&found.as_str()) || *found == name), "{names:?}");
            prop_assert!(strings.iter().all(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || "[]{},_$ -+:.\\".contains(c))), "{strings:?}");
        }
    }
}

/// The hot path stays lean: a list of rows is one select with no function called for plain types.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_one_lean_select() {
    let columns = [("id", Type::Int8), ("name", Type::Text), ("done", Type::Bool), ("at", Type::Timestamptz), ("price", Type::Numeric(Some((8, 2))))];
    let both = Both::with(vec![table("todos", &columns)]).await;
    let sql = "select id, name, done, at, price from todos where name = 'x' and id > 5 order by id desc limit 20";
    insta::assert_snapshot!(both.compile(sql, Dialect::Sqlite, &SERVICE).expect("it compiles").sql);
    insta::assert_snapshot!(both.compile(sql, Dialect::Postgres, &SERVICE).expect("it compiles").sql);
}
