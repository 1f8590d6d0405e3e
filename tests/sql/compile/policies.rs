//! Who sees and writes which rows: each command and role, on both databases.

use plinth::policy::{self, Caller, ColumnSet};
use plinth::sql::ast::{Expr, Node};
use plinth::sql::catalog::{
    Argument, Catalog, Command, Function, Grantee, Name, Policy, Privilege, Relation, Returns, Security, Shape, View, Volatility,
};
use plinth::sql::compile;
use plinth::values::{Datum, Type};
use serde_json::{Value as Json, json};

use super::fixture::{ADA, ALL, ANON, BOB, Both, SERVICE, USER, With, policy, table};

/// Notes of an owner, some of them public; members of teams; and what nobody may see.
/// A query, who asks, and the ids that come or the code of the refusal.
type Case<'a> = (&'a str, &'a Caller, Result<&'a [i64], &'a str>);

fn catalog() -> Catalog {
    let notes = table("notes", &[("id", Type::Int8), ("owner", Type::Uuid), ("public", Type::Bool), ("body", Type::Text)])
        .grant(Grantee::Authenticated, ALL)
        .grant_columns(Grantee::Anon, Privilege::Select, &["id", "public"])
        .policy(policy(Command::Select, "public", ""))
        .policy(Policy { roles: vec![Grantee::Authenticated], ..policy(Command::All, "owner = auth.uid()", "") })
        .policy(Policy { permissive: false, ..policy(Command::Delete, "not public", "") });
    let teams = table("members", &[("id", Type::Int8), ("team", Type::Text), ("member", Type::Uuid)])
        .grant(Grantee::Authenticated, &[Privilege::Select])
        .policy(policy(Command::Select, "member = auth.uid()", ""));
    let by_team = table("docs", &[("id", Type::Int8), ("team", Type::Text)]).grant(Grantee::Authenticated, ALL).policy(policy(
        Command::All,
        "exists (select 1 from members m where m.team = docs.team)",
        "",
    ));
    let open = table("open", &[("id", Type::Int8), ("note", Type::Int8)]).grant(Grantee::Public, &[Privilege::Select]);
    let closed = table("closed", &[("id", Type::Int8)]).grant(Grantee::Authenticated, ALL);
    let closed = with_row_security(closed);
    let secret = table("secret", &[("id", Type::Int8)]);
    let round = table("round", &[("id", Type::Int8)]).grant(Grantee::Authenticated, ALL).policy(policy(
        Command::Select,
        "id in (select id from round)",
        "",
    ));
    let mut catalog = Catalog::default();
    for relation in [notes, teams, by_team, open, closed, secret, round, view()] {
        catalog.put_relation(relation);
    }
    catalog.put_function(function("all_notes", "select count(*) from notes", Security::Invoker));
    catalog.put_function(function("every_note", "select count(*) from notes", Security::Definer));
    catalog.put_function(Function {
        arguments: vec![Argument { name: "words".to_owned(), ty: Type::Text, default: None, variadic: false }],
        ..function(
            "add_note",
            "insert into notes (id, owner, public, body) values (90, auth.uid(), false, words) returning id",
            Security::Invoker,
        )
    });
    catalog.put_function(function(
        "steal",
        "update notes set owner = 'ffffffff-ffff-4fff-8fff-ffffffffffff' where id = 1 returning id",
        Security::Invoker,
    ));
    catalog
}

fn with_row_security(mut relation: Relation) -> Relation {
    relation.table_mut().expect("a table").row_security = true;
    relation
}

fn view() -> Relation {
    let text = "select id, body from notes".to_owned();
    let mut view = table("shown", &[("id", Type::Int8), ("body", Type::Text)])
        .grant(Grantee::Authenticated, &[Privilege::Select])
        .grant(Grantee::Anon, &[Privilege::Select]);
    view.shape = Shape::View(View { text, origins: vec![None, None] });
    view.columns[0].not_null = false;
    view
}

fn function(name: &str, body: &str, security: Security) -> Function {
    Function {
        name: Name::public(name),
        arguments: Vec::new(),
        returns: Returns::Scalar(Type::Int8),
        volatility: Volatility::Volatile,
        security,
        strict: false,
        body: body.to_owned(),
        execute: vec![Grantee::Authenticated],
        comment: None,
    }
}

async fn filled() -> Both {
    let both = Both::of(catalog()).await;
    both.run(&format!(
        "insert into notes (id, owner, public, body) values (1, '{ADA}', false, 'a'), (2, '{ADA}', true, 'b'), \
         (3, '{BOB}', false, 'c'), (4, '{BOB}', true, 'd'), (5, null, false, 'e')"
    ))
    .await;
    both.run(&format!("insert into members (id, team, member) values (1, 'red', '{ADA}'), (2, 'blue', '{BOB}')")).await;
    both.run("insert into docs (id, team) values (1, 'red'), (2, 'blue'), (3, null)").await;
    both.run("insert into open (id, note) values (1, 1), (2, 3), (3, 4)").await;
    both.run("insert into closed (id) values (1)").await;
    both.run("insert into secret (id) values (1)").await;
    both
}

fn ids(answer: &Json) -> Vec<i64> {
    let list = answer.as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    list.iter().filter_map(|row| row.get("id")?.as_i64()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_reads_its_rows_alone() {
    let both = filled().await;
    let cases: &[Case<'_>] = &[
        ("select id from notes order by id", &SERVICE, Ok(&[1, 2, 3, 4, 5])),
        ("select id from notes order by id", &USER, Ok(&[1, 2, 4])),
        ("select id from notes order by id", &ANON, Ok(&[2, 4])),
        // A column that may not be read may not be filtered or ordered by either.
        ("select body from notes", &ANON, Err("42501")),
        ("select id from notes where body = 'b'", &ANON, Err("42501")),
        ("select id from notes order by body", &ANON, Err("42501")),
        ("select max(body) as m from notes", &ANON, Err("42501")),
        ("select n.id from open o join notes n on n.body = 'x' order by 1", &ANON, Err("42501")),
        ("select id from docs order by id", &USER, Ok(&[1])),
        ("select id from docs order by id", &ANON, Err("42501")),
        ("select id from open order by id", &ANON, Ok(&[1, 2, 3])),
        ("select id from closed", &USER, Ok(&[])),
        ("select id from secret", &USER, Err("42501")),
        ("select id from secret", &SERVICE, Ok(&[1])),
        ("select id from open where id in (select id from secret)", &USER, Err("42501")),
        ("select id from round", &USER, Err("42P17")),
        ("select id from auth.users", &USER, Err("42501")),
        // Through a view with the same rights, and its own grants.
        ("select id from shown order by id", &USER, Ok(&[1, 2, 4])),
        ("select id from shown order by id", &ANON, Err("42501")),
        // A left join keeps its left rows; an inner one loses those whose partner is not seen.
        ("select o.id from open o left join notes n on n.id = o.note order by o.id", &USER, Ok(&[1, 2, 3])),
        ("select o.id from open o join notes n on n.id = o.note order by o.id", &USER, Ok(&[1, 3])),
        ("select o.id from open o where exists (select 1 from notes n where n.id = o.note) order by o.id", &USER, Ok(&[1, 3])),
        ("select n.id from open o left join notes n on n.id = o.note where n.id is not null order by 1", &ANON, Ok(&[4])),
    ];
    for (sql, caller, expected) in cases {
        let answer = both.same(sql, *caller).await.map(|rows| ids(&rows));
        assert_eq!(answer, expected.map(<[i64]>::to_vec).map_err(str::to_owned), "{sql} as {:?}", caller.role);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_changes_its_rows_alone() {
    let cases: &[Case<'_>] = &[
        ("update notes set body = 'x' returning id", &USER, Ok(&[1, 2])),
        ("update notes set body = 'x' where id = 3 returning id", &USER, Ok(&[])),
        ("update notes set body = 'x' where id = 1 returning id", &ANON, Err("42501")),
        ("delete from notes returning id", &USER, Ok(&[1])),
        ("delete from notes where public returning id", &USER, Ok(&[])),
        ("delete from notes returning id", &SERVICE, Ok(&[1, 2, 3, 4, 5])),
        ("insert into notes (id) values (9) returning id", &ANON, Err("42501")),
        ("update docs set team = 'red' where id = 2 returning id", &USER, Ok(&[])),
        ("delete from closed returning id", &USER, Ok(&[])),
        ("insert into open (id) values (9) returning id", &USER, Err("42501")),
    ];
    for (sql, caller, expected) in cases {
        let both = filled().await;
        let answer = both.same(sql, *caller).await.map(|rows| {
            let mut ids = ids(&rows);
            ids.sort_unstable();
            ids
        });
        assert_eq!(answer, expected.map(<[i64]>::to_vec).map_err(str::to_owned), "{sql} as {:?}", caller.role);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_run_with_the_rights_they_say() {
    let both = filled().await;
    for (sql, caller, expected) in [
        ("select all_notes() as n", &USER, Ok(3)),
        ("select every_note() as n", &USER, Ok(5)),
        ("select every_note() as n", &ANON, Err("42501")),
        ("select all_notes() as n", &SERVICE, Ok(5)),
    ] {
        let answer = both.same(sql, caller).await.map(|rows| rows[0]["n"].as_i64().unwrap_or(-1));
        assert_eq!(answer, expected.map_err(str::to_owned), "{sql} as {:?}", caller.role);
    }
}

/// A function's write gives what it returns, and whether each row is one that the caller may make.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_function_writes_is_checked() {
    let both = filled().await;
    let words = Expr { node: Node::Literal(Datum::Text("hello".to_owned())), ty: Type::Text };
    let compiled = |name: &'static str, arguments: Vec<Expr>| {
        let function = both.schema.catalog().functions_named(&Name::public(name))[0].clone();
        move |context: &compile::Context<'_>| compile::function(&function, &arguments, context).map(|mut all| all.remove(0))
    };
    assert_eq!(both.allowed(compiled("add_note", vec![words]), &USER).await, [true]);
    assert_eq!(both.allowed(compiled("steal", Vec::new()), &USER).await, [false]);
    let again = both.same("select body from notes where id = 90", &USER).await;
    assert_eq!(again.expect("the note"), json!([{ "body": "hello" }]));
    let stolen = both.same_compiled("steal", compiled("steal", Vec::new()), &SERVICE).await;
    assert_eq!(stolen.expect("a row"), json!({ "steal": 1 }), "nothing is checked for the service");
    let refused = both.same_compiled("steal", compiled("steal", Vec::new()), &ANON).await;
    assert_eq!(refused, Err("42501".to_owned()));
}

#[test]
fn conditions_are_put_together_as_postgresql_does() {
    let schema = plinth::sql::Schema::build(catalog()).expect("the schema is lowered");
    let notes = schema.relation(&Name::public("notes")).expect("the table");
    let text = |reach: compile::Reach| match reach {
        compile::Reach::Everything => "everything".to_owned(),
        compile::Reach::Denied(fault) => fault.code.to_owned(),
        compile::Reach::Where(condition) => match condition.node {
            Node::Or(parts) => format!("{} of", parts.len()),
            Node::And(parts) => format!("all {}", parts.len()),
            Node::Literal(Datum::Bool(value)) => value.to_string(),
            _ => "one".to_owned(),
        },
    };
    let visible = |role, command| text(policy::visible(role, &schema, notes, command));
    assert_eq!(visible(Grantee::ServiceRole, Command::Select), "everything");
    assert_eq!(visible(Grantee::Anon, Command::Select), "one");
    assert_eq!(visible(Grantee::Anon, Command::Delete), "42501");
    assert_eq!(visible(Grantee::Authenticated, Command::Select), "2 of");
    assert_eq!(visible(Grantee::Authenticated, Command::Update), "one");
    assert_eq!(visible(Grantee::Authenticated, Command::Delete), "all 2");
    let check = |role, command| text(policy::check(role, &schema, notes, command));
    assert_eq!(check(Grantee::Authenticated, Command::Insert), "one");
    assert_eq!(check(Grantee::Anon, Command::Insert), "42501");
    let closed = schema.relation(&Name::public("closed")).expect("the table");
    assert_eq!(text(policy::visible(Grantee::Authenticated, &schema, closed, Command::Select)), "false");
    assert_eq!(text(policy::check(Grantee::Authenticated, &schema, closed, Command::Insert)), "false");
    let some = ColumnSet::Only(["id", "public"].map(str::to_owned).into());
    assert_eq!(policy::columns(Grantee::Anon, notes, Privilege::Select), some);
    assert_eq!(policy::columns(Grantee::Authenticated, notes, Privilege::Select), ColumnSet::All);
    assert!(policy::columns(Grantee::Anon, notes, Privilege::Update).is_empty());
    assert!(!policy::may(Grantee::Anon, notes, Privilege::Select, "body"));
}
