//! The server's own tables, by every door that an app's SQL and requests have.

use reqwest::Method;
use serde_json::json;

use super::{refused, rows, run};
use crate::support::TestApp;

/// Tables of the server and of the databases themselves.
const OWN: &[&str] = &[
    "auth.sessions",
    "auth.refresh_tokens",
    "auth.identities",
    "plinth.keys",
    "plinth.functions",
    "plinth.catalog",
    "plinth.nothing_at_all",
    "storage.uploads",
    "sqlite_schema",
    "sqlite_master",
    "pg_catalog.pg_class",
    "pg_class",
    "pg_authid",
    "information_schema.tables",
    "\"auth.sessions\"",
    "auth_sessions",
    "plinth_keys",
    "main.letters",
    "temp.letters",
];

#[tokio::test]
async fn no_statement_reaches_a_table_of_the_server() {
    let app = TestApp::start().await;
    run(&app, "create table letters (id integer primary key, body text)").await;
    let before = run(&app, "select id, body from letters").await;
    for own in OWN {
        for statement in [
            format!("select * from {own}"),
            format!("select (select count(*) from {own})"),
            format!("select id from letters where exists (select 1 from {own})"),
            format!("select id from letters where id in (select 1 from {own} union select 2)"),
            format!("with x as (select * from {own}) select * from x"),
            format!("insert into letters select 1, 'x' from {own}"),
            format!("insert into {own} values (1)"),
            format!("update {own} set id = 1"),
            format!("update letters set id = 1 from {own}"),
            format!("delete from {own}"),
            format!("delete from letters using {own}"),
            format!("create view leak as select * from {own}"),
            format!("create function leak() returns bigint language sql as $$ select count(*) from {own} $$"),
            format!("create function leak() returns bigint language sql security definer as $$ select count(*) from {own} $$"),
            format!("create function leak() returns void language sql security definer as $$ delete from {own} $$"),
            format!("create function leak() returns setof {own} language sql as $$ select 1 $$"),
            format!("create policy leak on letters using (exists (select 1 from {own}))"),
            format!("create policy leak on {own} using (true)"),
            format!("create table leak (id integer references {own})"),
            format!("create table leak (id integer default (select 1 from {own}))"),
            format!("create table leak (id integer check (id in (select 1 from {own})))"),
            format!("create index leak on {own} (id)"),
            format!("alter table {own} add column leak integer"),
            format!("alter table {own} rename to leak"),
            format!("alter table {own} enable row level security"),
            format!("drop table {own}"),
            format!("drop table {own} cascade"),
            format!("grant select on {own} to anon"),
            format!("comment on table {own} is 'leak'"),
        ] {
            let answer = app.service().post("/admin/v1/sql").json(&json!({ "sql": statement })).await;
            assert_eq!(answer.status(), 400, "{statement}: {}", answer.text());
        }
    }
    assert_eq!(run(&app, "select id, body from letters").await, before);
    refused(&app.service().get("/rest/v1/leak").await, 404, "PGRST205");
}

#[tokio::test]
async fn no_request_reaches_a_table_of_the_server() {
    let app = TestApp::start().await;
    run(
        &app,
        "create table letters (id integer primary key, owner uuid references auth.users (id) on delete cascade);
        grant select, insert on letters to authenticated;",
    )
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let service = app.service();
    ada.post("/rest/v1/letters").json(&json!({ "id": 1, "owner": ada.id })).await.assert_status(201);
    for client in [&service, &ada] {
        for name in [
            "users",
            "auth.users",
            "%22auth%22.%22users%22",
            "auth%2Eusers",
            "auth_users",
            "sqlite_schema",
            "pg_class",
            "plinth.keys",
            "sessions",
        ] {
            for method in [Method::GET, Method::HEAD, Method::DELETE] {
                let answer = client.request(method.clone(), &format!("/rest/v1/{name}")).await;
                assert_eq!(answer.status(), 404, "{method} {name}: {}", answer.text());
            }
            for method in [Method::POST, Method::PATCH] {
                let answer = client.request(method.clone(), &format!("/rest/v1/{name}")).json(&json!({ "id": 1 })).await;
                assert_eq!(answer.status(), 404, "{method} {name}: {}", answer.text());
            }
            let called = client.post(&format!("/rest/v1/rpc/{name}")).json(&json!({})).await;
            refused(&called, 404, "PGRST202");
        }
        for embed in [
            "users(*)",
            "owner(*)",
            "letters_owner_fkey(*)",
            "users!owner(id)",
            "...owner(email)",
            "auth.users(id)",
            "sessions(*)",
        ] {
            let answer = client.get(&format!("/rest/v1/letters?select=id,{embed}")).await;
            assert_eq!(answer.status(), 400, "{embed}: {}", answer.text());
            assert!(matches!(answer.json()["code"].as_str(), Some("PGRST200" | "PGRST100")), "{embed}: {}", answer.text());
        }
        for schema in ["auth", "plinth", "storage", "pg_catalog", "main", "AUTH"] {
            refused(&client.get("/rest/v1/users").header("accept-profile", schema).await, 406, "PGRST106");
            let sent = client.post("/rest/v1/letters").header("content-profile", schema);
            refused(&sent.json(&json!({ "id": 2 })).await, 406, "PGRST106");
        }
    }
    assert_eq!(rows(&service, "/rest/v1/letters?select=id").await, json!([{ "id": 1 }]));
}

#[tokio::test]
async fn of_the_users_an_app_sees_four_columns_and_its_callers_none() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let seen = run(&app, "select id, email from auth.users").await;
    assert_eq!(seen["results"][0]["rows"], json!([{ "id": ada.id, "email": "ada@example.com" }]));
    for column in ["encrypted_password", "password_hash", "raw_user_meta_data", "phone", "banned_until", "last_sign_in_at"] {
        let answer =
            app.service().post("/admin/v1/sql").json(&json!({ "sql": format!("select {column} from auth.users") })).await;
        assert_eq!(answer.assert_status(400).problem()["code"], "42703", "{column}");
    }
    run(&app, "create view addresses as select email from auth.users;
        grant select on addresses to anon, authenticated;
        create function count_users() returns bigint language sql stable as $$ select count(*) from auth.users $$;
        create function count_users_as_owner() returns bigint language sql stable security definer as $$ select count(*) from auth.users $$;").await;
    refused(&ada.get("/rest/v1/addresses").await, 403, "42501");
    refused(&app.anon().get("/rest/v1/addresses").await, 401, "42501");
    refused(&ada.get("/rest/v1/rpc/count_users").await, 403, "42501");
    assert_eq!(ada.get("/rest/v1/rpc/count_users_as_owner").await.assert_status(200).json(), 1);
}
