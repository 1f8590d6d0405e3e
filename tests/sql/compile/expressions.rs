//! Expressions: each gives the same value, or the same error, on both databases.

use plinth::sql::ast::{Expr, Node};
use plinth::sql::compile;
use plinth::sql::lower::{self, Scope};
use plinth::values::Type;

use super::fixture::{Both, SERVICE, select_value};

/// One expression a line.
const CASES: &str = include_str!("expressions.txt");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_expression_means_the_same_on_both() {
    let both = Both::with(Vec::new()).await;
    let mut wrong = Vec::new();
    for case in CASES.lines().filter(|line| !line.is_empty()) {
        let (postgres, sqlite) = both.answers(&format!("select {case} as v"), &SERVICE).await;
        if postgres != sqlite {
            wrong.push(format!("{case}: PostgreSQL {postgres:?}, SQLite {sqlite:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A definition takes no parameters, so literals are written out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_have_no_parameters() {
    let both = Both::with(vec![super::fixture::table("t", &[("id", Type::Int8), ("name", Type::Text)])]).await;
    let relation = both.schema.relation(&plinth::sql::catalog::Name::public("t")).expect("the table");
    let cases = [
        "name <> 'it''s'",
        "id > 5 and name like 'a%'",
        "id in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
        "name = any(array['a', 'b'])",
        "lower(name) || '\\' = 'x\\'",
        "id::numeric(10,2) > 1.50",
    ];
    for case in cases {
        let expr = lower::expression(case, &both.schema, &Scope::row(relation)).expect("it lowers");
        for dialect in [plinth::db::Dialect::Sqlite, plinth::db::Dialect::Postgres] {
            let text = compile::expression(&expr, &both.context(dialect, &SERVICE)).expect("it compiles");
            assert!(!text.contains('$'), "{text}");
        }
        let check = |context: &compile::Context<'_>| {
            let condition = compile::expression(&expr, context)?;
            let sql =
                format!("select cast(count(*) as text) from (select 7 as \"id\", 'abc' as \"name\") as t where {condition}");
            Ok(compile::Compiled { sql, values: Vec::new(), bound: Vec::new() })
        };
        both.same_compiled(case, check, &SERVICE).await.expect("it runs");
    }
    let now = lower::expression("id > 1 and now() > now()", &both.schema, &Scope::row(relation)).expect("it lowers");
    let refused = compile::expression(&now, &both.context(plinth::db::Dialect::Sqlite, &SERVICE));
    assert_eq!(refused.expect_err("it is refused").code, "42P17");
}

/// Literals of one text are one prepared statement, whatever they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shape_is_one_text() {
    let both = Both::with(Vec::new()).await;
    let text = |sql: &str, dialect| both.compile(sql, dialect, &SERVICE).expect("it compiles").sql;
    for dialect in [plinth::db::Dialect::Sqlite, plinth::db::Dialect::Postgres] {
        assert_eq!(text("select 1 + 2 as v, 'a' as w", dialect), text("select 30 + 4 as v, 'it''s' as w", dialect));
        let list = |n: i32| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let of = |n| text(&format!("select 5 in ({}) as v", list(n)), dialect);
        assert_eq!(of(10), of(500));
    }
}

/// Too deep is an error, not the end of the stack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_is_limited() {
    let both = Both::with(Vec::new()).await;
    let mut expr = Expr { node: Node::Literal(plinth::values::Datum::Bool(true)), ty: Type::Bool };
    for _ in 0..500 {
        expr = Expr { node: Node::Not(Box::new(expr)), ty: Type::Bool };
    }
    let fault = compile::query(&select_value(expr), &both.context(plinth::db::Dialect::Sqlite, &SERVICE)).expect_err("too deep");
    assert_eq!(fault.code, "54001");
}
