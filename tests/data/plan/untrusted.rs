//! Requests that nobody would write: they are answered or refused, and their text is never in the statement.

use proptest::prelude::*;

use super::fixture::{ADA, Shop, user};

/// Query strings made of words that mean something somewhere.
fn queries() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "id",
        "name",
        "clients",
        "projects",
        "users",
        "members",
        "client_id",
        "specs",
        "tags",
        "nope",
        "*",
        "count",
        "select",
        "order",
        "limit",
        "offset",
        "or",
        "and",
        "not",
        "eq",
        "like",
        "in",
        "is",
        "null",
        "cs",
        "fts",
        "(",
        ")",
        "{",
        "}",
        ",",
        ".",
        ":",
        "::",
        "!",
        "...",
        "->",
        "->>",
        "=",
        "&",
        "\"",
        "'",
        "%27",
        "%22",
        ";",
        "--",
        "1",
        "-1",
        "sum()",
        "text",
        "inner",
        "desc",
        "\u{0}",
        "é",
    ]);
    prop::collection::vec(word, 1..24).prop_map(|words| words.concat())
}

#[test]
fn no_request_ends_the_server_or_reaches_the_statement() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let shop = runtime.block_on(Shop::sqlite());
    let ada = user(ADA);
    proptest!(ProptestConfig::with_cases(1500), |(query in queries(), table in prop::sample::select(vec!["clients", "projects", "members", "rpc/of_client"]))| {
        let line = format!("GET {table}?{query}");
        let answer = runtime.block_on(shop.ask(&ada, &line, "", ""));
        // The database's own complaint about a statement's text would mean that a request had made it.
        if let Err(refused) = answer {
            prop_assert!(!matches!(refused.code.as_ref(), "42601" | "XX000" | "1"), "{line}: {refused}");
        }
    });
}
