//! Texts that nobody would write: each is refused with a code or means something, and none ends the server.

use plinth::data::migrate::Rehearsal;
use plinth::sql::catalog::Catalog;
use plinth::types::Timestamp;
use proptest::prelude::*;

const SCHEMA: &str = "
create table clients (id bigint generated always as identity primary key, name text not null, tags text[], meta jsonb);
create table orders (id int primary key, client bigint references clients on delete cascade, done boolean not null default false);
create view open as select o.id, c.name from orders o join clients c on c.id = o.client where not o.done;
";

const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "clients",
    "orders",
    "open",
    "id",
    "name",
    "tags",
    "meta",
    "client",
    "done",
    "(",
    ")",
    ",",
    ".",
    "*",
    "=",
    "+",
    "||",
    "->",
    "::",
    "text",
    "int",
    "and",
    "not",
    "is",
    "null",
    "in",
    "exists",
    "case",
    "when",
    "then",
    "end",
    "join",
    "on",
    "group",
    "by",
    "order",
    "limit",
    "union",
    "with",
    "as",
    "insert",
    "into",
    "values",
    "update",
    "set",
    "delete",
    "returning",
    "create",
    "table",
    "view",
    "function",
    "policy",
    "index",
    "alter",
    "add",
    "drop",
    "column",
    "rename",
    "to",
    "grant",
    "primary",
    "key",
    "check",
    "references",
    "count",
    "sum",
    "now",
    "auth",
    "uid",
    "'x'",
    "1",
    "2.5",
    "\"q\"\"q\"",
    "$$",
    ";",
    "--",
    "/*",
    "language",
    "sql",
    "returns",
    "\0",
    "é",
    "'",
    "\"",
];

fn text() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "));
    prop_oneof![3 => words, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_text_is_refused_with_a_code_or_means_something(text in text()) {
        let now = Timestamp::from_micros(1_800_000_000_000_000).expect("a moment");
        let mut rehearsal = Rehearsal::of(Catalog::default(), now).expect("nothing is a schema");
        prop_assert_eq!(rehearsal.text(SCHEMA), Vec::new());
        for fault in rehearsal.text(&text) {
            prop_assert!(fault.code.len() == 5 && !fault.message.is_empty(), "{fault:?}");
        }
    }
}
