//! SQL of the portable subset: any text is lowered and compiled for both databases or refused with a code, and what is compiled names
//! nothing but the catalogue's own things and names of outputs that the text gave.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use plinth::data::migrate::{Rehearsal, parse_here};
use plinth::db::Dialect;
use plinth::sql::catalog::Catalog;
use plinth::sql::compile::{self, Bindings, Context, Owner};
use plinth::sql::lower::{self, Scope};
use plinth::sql::{Fault, Schema};
use plinth::types::Timestamp;

const SCHEMA: &str = "
create table clients (id bigint generated always as identity primary key, name text not null, tags text[], meta jsonb, at timestamptz default now());
create table orders (id int primary key, client bigint references clients on delete cascade, total numeric(10, 2), done boolean not null default false);
create view open as select o.id, c.name from orders o join clients c on c.id = o.client where not o.done;
create function named(of text) returns setof clients language sql stable as $$ select * from clients where name = of $$;
";

/// What the fuzzer's bytes are read as every other time: words get further than bytes do.
const WORDS: &[&str] = &[
    "select",
    "from",
    "where",
    "clients",
    "orders",
    "open",
    "named",
    "id",
    "name",
    "tags",
    "meta",
    "at",
    "client",
    "total",
    "done",
    "(",
    ")",
    ",",
    ".",
    "*",
    "=",
    "<",
    "+",
    "-",
    "||",
    "->",
    "->>",
    "@>",
    "::",
    "text",
    "int",
    "jsonb",
    "and",
    "or",
    "not",
    "is",
    "null",
    "in",
    "exists",
    "any",
    "case",
    "when",
    "then",
    "else",
    "end",
    "join",
    "left",
    "on",
    "group",
    "by",
    "having",
    "order",
    "limit",
    "offset",
    "union",
    "all",
    "with",
    "as",
    "insert",
    "into",
    "values",
    "update",
    "set",
    "delete",
    "returning",
    "conflict",
    "do",
    "nothing",
    "excluded",
    "default",
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
    "authenticated",
    "primary",
    "key",
    "check",
    "references",
    "count",
    "sum",
    "coalesce",
    "lower",
    "now",
    "auth",
    "uid",
    "users",
    "'x'",
    "'{}'",
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
    "distinct",
    "true",
    "interval",
    "'1 day'",
    "row",
    "level",
    "security",
];

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut rehearsal = Rehearsal::of(Catalog::default(), now()).expect("nothing is a schema");
    assert_eq!(rehearsal.text(SCHEMA), Vec::<Fault>::new());
    rehearsal.schema().catalog().clone()
});

static LOWERED: LazyLock<Schema> = LazyLock::new(|| Schema::build(CATALOG.clone()).expect("it was built before"));

fn now() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000).expect("a moment")
}

fuzz_target!(|input: (bool, Vec<u8>, String)| {
    let (as_words, bytes, raw) = input;
    let text = if as_words {
        bytes.iter().map(|byte| WORDS[usize::from(*byte) % WORDS.len()]).collect::<Vec<_>>().join(" ")
    } else {
        raw
    };
    let mut rehearsal = Rehearsal::of(CATALOG.clone(), now()).expect("it was built before");
    for fault in rehearsal.text(&text) {
        assert!(fault.code.len() == 5 && !fault.message.is_empty(), "{fault:?}");
    }
    let bindings = Bindings { uid: None, role: "service_role".to_owned(), jwt: Default::default(), email: None, now: now() };
    for parsed in parse_here(&text).into_iter().flatten() {
        let Ok(statement) = lower::statement(&parsed.statement, &LOWERED, &Scope::default()) else { continue };
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let context = Context { dialect, schema: &*LOWERED, bindings: &bindings, rights: &Owner };
            if let Ok(compiled) = compile::statement(&statement, &context) {
                check(&compiled.sql, &text);
            }
        }
    }
});

/// Every quote is closed, nothing comments or ends the statement, and each quoted name is the catalogue's or stands in the text.
fn check(sql: &str, text: &str) {
    let given = text.to_lowercase();
    let mut rest = sql;
    while let Some(at) = rest.find(['\'', '"', ';', '\0']) {
        assert!(!rest[..at].contains("--") && !rest[..at].contains("/*"), "{sql}");
        let quote = &rest[at..=at];
        assert!(quote == "'" || quote == "\"", "{sql}");
        let (inner, after) = quoted(&rest[at + 1..], quote).unwrap_or_else(|| panic!("a quote is open: {sql}"));
        let name = inner.to_lowercase();
        assert!(quote == "'" || is_known(&inner) || given.contains(&name), "{inner:?} is not known: {sql}");
        rest = after;
    }
    assert!(!rest.contains("--") && !rest.contains("/*"), "{sql}");
}

/// The text up to the quote that closes it, with its doubled quotes, and what follows.
fn quoted<'a>(rest: &'a str, quote: &str) -> Option<(String, &'a str)> {
    let mut at = 0;
    loop {
        let found = at + rest[at..].find(quote)?;
        if !rest[found + 1..].starts_with(quote) {
            return Some((rest[..found].to_owned(), &rest[found + 1..]));
        }
        at = found + 2;
    }
}

/// Whether a name is the catalogue's, or one that the compiler or PostgreSQL itself gives to outputs.
fn is_known(name: &str) -> bool {
    const OWN: &[&str] = &["public", "auth", "users", "value", "row", "rows", "allowed", "?", "?column?", "C"];
    let alias =
        |name: &str| name.strip_prefix(['s', 'c', 'p']).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    OWN.contains(&name)
        || alias(name)
        || CATALOG
            .relations()
            .any(|relation| relation.name.name == name || relation.columns.iter().any(|column| column.name == name))
        || CATALOG.functions().any(|function| function.name.name == name)
}
