//! Requests that nobody would write: they are answered or refused, and their text is never in the statement.

use plinth::data::plan::{Planner, Relationships};
use plinth::data::request::{Kind, Query};
use plinth::db::Dialect;
use plinth::policy;
use plinth::sql::Schema;
use plinth::sql::catalog::Grantee;
use plinth::sql::compile::{self, Bindings, Context};
use plinth::types::Clock;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::fixture::{ADA, Shop, catalog, user};

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

/// A read of the shop as the database gets it.
fn compiled(request: &str, dialect: Dialect) -> Result<String, String> {
    let (table, query) = request.split_once('?').expect("a query");
    let schema = Schema::build(catalog()).expect("the schema");
    let relationships = Relationships::of(schema.catalog());
    let rights = policy::Caller { role: Grantee::Authenticated };
    let query = Query::parse(query, Kind::Table).map_err(|fault| fault.to_string())?;
    let mut planner = Planner::new(&schema, &relationships, &rights, 1000);
    let relation = planner.relation(table).map_err(|error| error.to_string())?;
    let plan = planner.read(relation, &query, true).map_err(|error| error.to_string())?;
    let bindings =
        Bindings { uid: None, role: "authenticated".to_owned(), jwt: Json::Null, email: None, now: Clock::system().now() };
    let context = Context { dialect, schema: &schema, bindings: &bindings, rights: &rights };
    compile::query(&plan, &context).map(|compiled| compiled.sql).map_err(|fault| fault.to_string())
}

#[test]
fn values_are_bound_and_do_not_shape_the_statement() {
    const MARK: &str = "zq'zq";
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for filter in [
            "name=eq.zq'zq",
            "name=in.(zq'zq,b)",
            "name=like.zq'zq*",
            "name=match.zq'zq",
            "name=wfts.zq'zq",
            "tags=cs.{zq'zq}",
            "specs->>zq'zq=eq.1",
            "or=(name.eq.zq'zq,id.eq.1)",
            "select=id,users(name)&users.name=eq.zq'zq",
            "select=id,specs->>zq'zq::int4,count()&order=id",
        ] {
            // A key of JSON is also the name of what is selected, which is quoted; as a filter it is a value.
            let sql = compiled(&format!("projects?{filter}"), dialect).unwrap_or_else(|why| panic!("{filter}: {why}"));
            assert!(filter.starts_with("select=id,specs") || !sql.contains(MARK), "{filter}: {sql}");
        }
        let of = |request: &str| compiled(request, dialect).expect("it compiles");
        assert_eq!(of("clients?id=in.(1,2)&limit=5"), of("clients?id=in.(1,2,3,4)&limit=9"));
        assert_eq!(of("clients?name=eq.a"), of("clients?name=eq.b"));
    }
}
