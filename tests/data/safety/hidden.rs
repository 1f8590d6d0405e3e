//! Columns that a role may not read: nothing that it can ask tells more of them than of columns that are not there.

use reqwest::Method;
use serde_json::{Value, json};

use super::{refused, rows, run};
use crate::support::{Response, TestApp, User};

/// What is told of `secret` and of `absent` must be the same but for the name, and of `chief` and `nobody`, by which one could embed.
const SCHEMA: &str = "
create table teams (id integer primary key, title text);
create table people (
    id integer primary key,
    name text not null,
    secret integer unique check (secret < 100),
    chief integer references people (id),
    hidden_team integer references teams (id),
    team integer references teams (id),
    unique (name, secret)
);
insert into teams values (1, 'red'), (2, 'blue');
insert into people values (1, 'Ann', 10, null, 1, 2), (2, 'Ben', 20, 1, 2, 2);
grant select on teams to authenticated;
grant select (id, name, team), insert (id, name, team), update (name, team), delete on people to authenticated;
create view seen as select id, name from people;
grant select on seen to authenticated;
";

async fn app() -> (TestApp, User) {
    let app = TestApp::start().await;
    run(&app, SCHEMA).await;
    let ada = app.sign_up("ada@example.com").await;
    (app, ada)
}

/// An answer's status, code and words, with a name taken out.
fn told(answer: &Response, name: &str) -> (u16, String) {
    (answer.status(), answer.text().replace(name, "…"))
}

#[tokio::test]
async fn a_hidden_column_is_told_of_as_one_that_is_not_there() {
    let (_app, ada) = app().await;
    let reads = [
        "select={}",
        "select=id,{}",
        "select=x:{}",
        "select={}::text",
        "select={}::uuid",
        "select={}->a",
        "select={}.max()",
        "select={}.sum()",
        "select={}.count(),name",
        "{}=eq.10",
        "{}=eq.x",
        "{}=in.(1,2)",
        "{}=is.null",
        "{}=is.true",
        "{}=like.1*",
        "{}=cs.{1}",
        "{}=fts.a",
        "{}=not.gt(any).{1,2}",
        "{}->>a=eq.1",
        "or=({}.eq.10,id.eq.1)",
        "and=(id.eq.1,or({}.gt.1,id.eq.2))",
        "order={}",
        "order=id,{}.desc",
        "order={}->a",
        "select=id,teams(id)&{}=gt.5",
        "select=id,{}(title)",
        "select=id,{}(id)",
        "select=id,teams!{}(title)",
        "select=id,people!{}(id)",
        "select=id,...{}(title)",
        "select=id&order={}(title)",
    ];
    // Of a column that one could embed by, too.
    for (hidden, absent) in [("secret", "absent"), ("hidden_team", "absent_team"), ("chief", "nobod")] {
        for read in reads {
            let ask = async |name: &str| {
                let path = format!("/rest/v1/people?{}", read.replace("{}", name));
                told(&ada.get(&path).await, name)
            };
            let (found, expected) = (ask(hidden).await, ask(absent).await);
            assert_eq!(found, expected, "{read} with {hidden}");
            assert!((300..500).contains(&found.0), "{read} with {hidden}: {found:?}");
        }
        // From the other side.
        for read in ["select=id,people!{}(name)", "select=id,people(name)&people.{}=eq.1", "select=id,people({})"] {
            let ask = async |name: &str| {
                let path = format!("/rest/v1/teams?{}", read.replace("{}", name));
                told(&ada.get(&path).await, name)
            };
            assert_eq!(ask(hidden).await, ask(absent).await, "{read} with {hidden}");
        }
    }
}

#[tokio::test]
async fn a_hidden_column_cannot_be_written_or_conflicted_on() {
    let (_app, ada) = app().await;
    let bodies = [json!({ "id": 9, "name": "x", "{}": 1 }), json!({ "{}": "not a number" }), json!({ "{}": null })];
    for (method, query, prefer) in [
        (Method::POST, "", "return=minimal"),
        (Method::POST, "?columns=id,name,{}", "return=minimal"),
        (Method::POST, "?on_conflict={}", "resolution=merge-duplicates"),
        (Method::POST, "?on_conflict={}", "resolution=ignore-duplicates"),
        (Method::POST, "?on_conflict=name,{}", "resolution=merge-duplicates"),
        (Method::PATCH, "?id=eq.1", "return=minimal"),
        (Method::PATCH, "?{}=eq.1", "return=minimal"),
        (Method::PUT, "?id=eq.1", "return=minimal"),
        (Method::PUT, "?{}=eq.1", "return=minimal"),
    ] {
        for body in &bodies {
            let ask = async |name: &str| {
                let path = format!("/rest/v1/people{}", query.replace("{}", name));
                let body = body.to_string().replace("{}", name);
                let sent = ada.request(method.clone(), &path).header("prefer", prefer).header("content-type", "application/json");
                told(&sent.body(body).await, name)
            };
            let (found, expected) = (ask("secret").await, ask("absent").await);
            assert_eq!(found, expected, "{method} {query} {body}");
            assert!((400..500).contains(&found.0), "{method} {query} {body}: {found:?}");
        }
    }
    for select in ["secret", "*"] {
        let path = format!("/rest/v1/people?id=eq.1&select={select}");
        let sent = ada.request(Method::PATCH, &path).header("prefer", "return=representation");
        refused(&sent.json(&json!({ "name": "x" })).await, 403, "42501");
        refused(&ada.delete(&path).header("prefer", "return=representation").await, 403, "42501");
    }
    refused(&ada.delete("/rest/v1/people?secret=eq.10").await, 403, "42501");
    assert_eq!(
        rows(&ada, "/rest/v1/people?select=id,name&order=id").await,
        json!([{ "id": 1, "name": "Ann" }, { "id": 2, "name": "Ben" }])
    );
}

#[tokio::test]
async fn no_refusal_shows_a_hidden_value() {
    let (app, ada) = app().await;
    run(&app, "create table pairs (id integer primary key, a integer, secret integer, unique (a, secret));
        insert into pairs values (1, 1, 77), (2, 2, 77);
        grant select (id, a), update (a) on pairs to authenticated;
        create table checked (id integer primary key, a integer, secret integer default 77, check (a < secret), b integer not null);
        grant select (id, a), insert (id, a, b), update (id, a, b) on checked to authenticated;
        insert into checked values (1, 1, 77, 1);").await;
    let patch = async |path: &str, body: Value| ada.request(Method::PATCH, path).json(&body).await;
    let clash = patch("/rest/v1/pairs?id=eq.2", json!({ "a": 1 })).await;
    let broken = patch("/rest/v1/checked?id=eq.1", json!({ "a": 100 })).await;
    let null = patch("/rest/v1/checked?id=eq.1", json!({ "b": null })).await;
    let inserted = ada.post("/rest/v1/checked").json(&json!({ "id": 2, "a": 100, "b": 1 })).await;
    for (answer, status, code) in [(clash, 409, "23505"), (broken, 400, "23514"), (null, 400, "23502"), (inserted, 400, "23514")]
    {
        let error = refused(&answer, status, code);
        assert!(!error.to_string().contains("77"), "{error}");
    }
}

#[tokio::test]
async fn suggestions_name_only_what_may_be_used() {
    let (app, ada) = app().await;
    run(&app, "create table vault (id integer primary key); create function open_vault(a integer) returns integer language sql as $$ select a $$;
        revoke execute on function open_vault from public;").await;
    for (path, word) in [
        ("/rest/v1/vaul", "vault"),
        ("/rest/v1/vaults", "'public.vault'"),
        ("/rest/v1/rpc/open_vaul", "open_vault\""),
        ("/rest/v1/people?select=id,vaul(id)", "vault"),
    ] {
        let error = ada.get(path).await.assert_status(if path.contains('?') { 400 } else { 404 }).json();
        assert!(!error["hint"].to_string().contains(word), "{path}: {error}");
    }
    let described = ada.get("/rest/v1/").await.assert_status(200).text();
    for word in ["secret", "chief", "hidden_team", "vault"] {
        assert!(!described.contains(word), "{word} is in the description");
    }
}
