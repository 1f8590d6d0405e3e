//! Whole requests with hostile text in every position of their grammar: what is refused is refused, and the statements of all the
//! others hold only keywords, known functions, names of the catalogue and placeholders, on both databases.

use std::cell::Cell;
use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use plinth::data::plan::{Given, Incoming, Planner, Purpose, Relationships};
use plinth::data::request::{Body, CallBody, Content, Kind, Query};
use plinth::db::Dialect;
use plinth::policy;
use plinth::sql::Schema;
use plinth::sql::ast::Statement;
use plinth::sql::catalog::Grantee;
use plinth::sql::compile::{self, Bindings, Context};
use plinth::types::Clock;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::fixture::catalog;
use super::sql_words::complaints;

/// How many requests are made.
const CASES: u32 = 4000;

/// Text that ends what it stands in, where it is not kept from it.
const HOSTILE: &[&str] = &[
    "'",
    "\"",
    "\"\"",
    "''",
    "a'b",
    "x\"; drop table clients; --",
    "x'; drop table clients; --",
    "1) or (1=1",
    ";",
    "--",
    "/*",
    "*/",
    "/* */",
    "$$",
    "$a$ $a$",
    "$1",
    "\\",
    "\\'",
    "\\\"",
    "\0",
    "a\0b",
    "\u{2019}",
    "\u{201c}x\u{201d}",
    "\u{ff07}",
    "\u{ff02}",
    "E'\\''",
    "U&\"\\0022\"",
    "x'00'",
    "||",
    "pg_sleep(9)",
    "(select 1)",
    "`x`",
    "[x]",
    "\n--\n",
    "\r\n",
    "\u{202e}x",
    "é\"é",
    "%s",
    "?1",
    ":a",
    "@a",
    "null",
    "sqlite_schema",
];

/// One of some good words, or hostile text.
fn slot(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(good).prop_map(str::to_owned),
        1 => prop::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => (prop::sample::select(good), prop::sample::select(HOSTILE)).prop_map(|(good, bad)| format!("{good}{bad}")),
        // As the grammar quotes names.
        1 => prop::sample::select(HOSTILE).prop_map(|bad| format!("\"{}\"", bad.replace('\\', "\\\\").replace('"', "\\\""))),
    ]
}

fn column() -> impl Strategy<Value = String> {
    slot(&["id", "name", "client_id", "budget", "tags", "specs", "done", "due"])
}

fn value() -> impl Strategy<Value = String> {
    slot(&["1", "a", "true", "2026-01-01", "{a,b}", "{\"a\":1}", "null", "1.50"])
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => slot(&["a", "0", "b-c"]).prop_map(|key| format!("->{key}")),
        1 => slot(&["a", "0"]).prop_map(|key| format!("->>{key}")),
        1 => (slot(&["a"]), slot(&["1"])).prop_map(|(one, two)| format!("->{one}->>{two}")),
    ]
}

/// An item of `select`.
fn item() -> impl Strategy<Value = String> {
    let alias = || prop_oneof![3 => Just(None), 1 => slot(&["x", "count"]).prop_map(Some)];
    let cast = || prop_oneof![4 => Just(String::new()), 1 => slot(&["text", "int4", "jsonb"]).prop_map(|ty| format!("::{ty}"))];
    let aggregate =
        prop_oneof![6 => Just(String::new()), 1 => slot(&["sum()", "max()", "count()"]).prop_map(|name| format!(".{name}"))];
    let field = (alias(), column(), path(), cast(), aggregate).prop_map(|(alias, name, path, cast, aggregate)| {
        let before = alias.as_ref().map(|alias| format!("{alias}:")).unwrap_or_default();
        format!("{before}{name}{path}{cast}{aggregate}")
    });
    let embed =
        (alias(), slot(&["clients", "client_id", "members", "users"]), slot(&["client_id", "inner", "members"]), column())
            .prop_map(|(alias, name, hint, column)| {
                let before = alias.as_ref().map(|alias| format!("{alias}:")).unwrap_or_default();
                format!("{before}{name}!{hint}({column})")
            });
    let spread = (slot(&["clients!client_id", "users"]), column()).prop_map(|(name, column)| format!("...{name}({column})"));
    prop_oneof![5 => field, 2 => embed, 1 => spread, 1 => Just("*".to_owned())]
}

fn operation() -> impl Strategy<Value = String> {
    let operators =
        slot(&["eq", "neq", "gt", "lte", "like", "ilike", "match", "cs", "cd", "ov", "isdistinct", "fts", "wfts", "not.eq"]);
    prop_oneof![
        5 => (operators, value()).prop_map(|(operator, value)| format!("{operator}.{value}")),
        1 => slot(&["null", "true", "not_null"]).prop_map(|what| format!("is.{what}")),
        1 => prop::collection::vec(value(), 0..4).prop_map(|values| format!("in.({})", values.join(","))),
        1 => prop::collection::vec(value(), 0..3).prop_map(|values| format!("eq(any).{{{}}}", values.join(","))),
        1 => (slot(&["english", "simple"]), value()).prop_map(|(config, value)| format!("plfts({config}).{value}")),
    ]
}

/// A parameter of the query, decoded.
fn parameter() -> impl Strategy<Value = (String, String)> {
    let logic = (column(), operation(), column(), path(), operation())
        .prop_map(|(one, first, two, path, second)| format!("({one}.{first},not.and({two}{path}.{second}))"));
    let order =
        (column(), path(), slot(&["asc", "desc", "desc.nullslast"])).prop_map(|(name, path, way)| format!("{name}{path}.{way}"));
    prop_oneof![
        4 => (column(), path(), operation()).prop_map(|(name, path, operation)| (format!("{name}{path}"), operation)),
        1 => logic.prop_map(|tree| ("or".to_owned(), tree)),
        2 => order.prop_map(|order| ("order".to_owned(), order)),
        1 => slot(&["1", "5"]).prop_map(|limit| ("limit".to_owned(), limit)),
        1 => slot(&["0", "2"]).prop_map(|offset| ("offset".to_owned(), offset)),
        1 => (slot(&["clients", "users"]), column(), operation()).prop_map(|(embed, name, operation)| (format!("{embed}.{name}"), operation)),
        1 => slot(&["clients(name)"]).prop_map(|order| ("order".to_owned(), order)),
        1 => slot(&["id", "name,id"]).prop_map(|columns| ("columns".to_owned(), columns)),
        1 => slot(&["id", "name"]).prop_map(|columns| ("on_conflict".to_owned(), columns)),
    ]
}

/// A whole request: its query string, what it selects, and a body.
fn request() -> impl Strategy<Value = (String, String, String)> {
    let items = prop::collection::vec(item(), 0..4);
    let cell = (column(), value(), any::<bool>());
    let body = prop::collection::vec(cell, 1..4).prop_map(|cells| {
        let members = cells.into_iter().map(|(name, value, plain)| {
            let value = if plain { json!(value) } else { json!({ value.clone(): [value] }) };
            (name, value)
        });
        Json::Object(members.collect()).to_string()
    });
    (items, prop::collection::vec(parameter(), 0..4), body).prop_map(|(items, parameters, body)| {
        let select = items.join(",");
        // Names can be given with and without quotes, in which `\` stands before what it does not mean.
        let asked = format!("{select} {}", select.replace("\\\"", "\"").replace("\\\\", "\\"));
        let select = (!select.is_empty()).then(|| ("select".to_owned(), select));
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = select.into_iter().chain(parameters).map(|(key, value)| format!("{}={}", encoded(&key), encoded(&value)));
        (pairs.collect::<Vec<_>>().join("&"), asked, body)
    })
}

/// Every statement that a request makes in any of the ways that it could be sent.
fn statements(schema: &Schema, relationships: &Relationships, dialect: Dialect, (query, body): (&str, &str)) -> Vec<String> {
    let rights = policy::Caller { role: Grantee::Authenticated };
    let bindings =
        Bindings { uid: None, role: "authenticated".to_owned(), jwt: Json::Null, email: None, now: Clock::system().now() };
    let context = Context { dialect, schema, bindings: &bindings, rights: &rights };
    let planner = || Planner::new(schema, relationships, &rights, 1000);
    let mut made = Vec::new();
    let mut keep = |statement: Statement| made.extend(compile::statement(&statement, &context).map(|compiled| compiled.sql));
    if let Ok(query) = Query::parse(query, Kind::Table) {
        for table in ["projects", "clients", "items", "notes"] {
            let mut planner = planner();
            let relation = planner.relation(table).expect("it is there");
            if let Ok(plan) = planner.read(relation, &query, true) {
                keep(Statement::Query(plan));
            }
            let shown = planner.shown(relation, &query);
            if let Ok(plan) = planner.delete(relation, (shown, &query)) {
                keep(plan);
            }
            let Ok(body) = Body::parse(Content::Json, body.as_bytes(), query.columns.as_deref()) else { continue };
            if let Ok(incoming) = Incoming::of(relation, &body, Purpose::Update, false)
                && let Ok(Some(plan)) = planner.update(relation, &incoming, (shown, &query))
            {
                keep(plan);
            }
            let Ok(incoming) = Incoming::of(relation, &body, Purpose::Insert, false) else { continue };
            for merge in [true, false] {
                let Ok(conflict) = planner.on_conflict(relation, query.on_conflict.as_deref(), merge) else { continue };
                if let Ok(plans) = planner.insert(relation, &incoming, conflict.as_ref(), true, (shown, &query)) {
                    plans.into_iter().for_each(|(plan, _)| keep(plan));
                }
                if let Ok(refused) = planner.refused(relation, &incoming) {
                    refused.into_iter().for_each(|query| keep(Statement::Query(query)));
                }
            }
        }
    }
    if let Ok(query) = Query::parse(query, Kind::RpcPost)
        && let Ok(body) = CallBody::parse(Content::Json, body.as_bytes(), None)
    {
        for (name, named) in [("of_client", "client"), ("stock", "named"), ("plus", "a"), ("names", "")] {
            let mut planner = planner();
            let first = json!({ named: serde_json::from_str::<Json>("1").ok() }).to_string();
            let fitting = CallBody::parse(Content::Json, first.as_bytes(), None).expect("it is JSON");
            for given in [&body, &fitting] {
                let Ok(call) = planner.call(name, Given::from(given), true) else { continue };
                if let Ok(plan) = planner.read_call(&call, &query, true) {
                    keep(Statement::Query(plan));
                }
            }
        }
    }
    made
}

#[test]
fn a_statement_holds_nothing_of_a_request_but_placeholders_and_names_that_are_there() {
    let schema = Schema::build(catalog()).expect("the schema");
    let relationships = Relationships::of(schema.catalog());
    let mut known: BTreeSet<String> = BTreeSet::new();
    for relation in schema.catalog().relations() {
        known.insert(relation.name.name.clone());
        known.extend(relation.columns.iter().map(|column| column.name.clone()));
    }
    known.extend(schema.catalog().functions().map(|function| function.name.name.clone()));
    let made = Cell::new(0_usize);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) }, |((query, asked, body) in request())| {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            for sql in statements(&schema, &relationships, dialect, (&query, &body)) {
                made.set(made.get() + 1);
                // What a client calls what it selects is a name in quotes.
                let said = complaints(&sql, &|name| known.contains(name) || asked.contains(name));
                prop_assert!(said.is_empty(), "{dialect:?} {query} {body}\n{sql}\n{said:?}");
            }
        }
    });
    assert!(made.get() > CASES as usize, "only {} statements were made", made.get());
}
