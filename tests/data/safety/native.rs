//! What PostgreSQL itself is told of views, functions, policies and grants; and what it is told that it does not take.

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::run;
use crate::support::postgres::fresh_database;
use crate::support::{Options, TestApp, eventually};

#[tokio::test]
async fn native_policies_and_grants_say_the_same_to_who_comes_by_another_way() {
    let database = fresh_database().await;
    let variables = vec![("DATABASE_URL", database.url().to_owned())];
    let app = TestApp::start_as(Options { variables, postgres: Some(false), ..Options::default() }).await;
    let answer = run(
        &app,
        "create table letters (id integer primary key, owner uuid, body text, secret text);
        alter table letters enable row level security;
        grant select (id, owner, body) on letters to authenticated;
        create policy own on letters for select to authenticated using (owner = auth.uid());
        create view mine as select id, body from letters;
        grant select on mine to authenticated;
        create function how_many() returns bigint language sql stable as $$ select count(*) from letters $$;",
    )
    .await;
    assert_eq!(answer["notices"], json!([]), "PostgreSQL takes all of it");
    let ada = app.sign_up("ada@example.com").await;
    let rows = json!([{ "id": 1, "owner": ada.id, "body": "hers" }, { "id": 2, "body": "nobody's" }]);
    app.service().post("/rest/v1/letters?columns=id,owner,body").json(&rows).await.assert_status(201);

    let mut conn = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    conn.execute("set role authenticated").await.expect("the role is there");
    conn.execute(AssertSqlSafe(format!(
        "select set_config('request.jwt.claims', '{{\"sub\":\"{}\",\"role\":\"authenticated\"}}', false)",
        ada.id
    )))
    .await
    .expect("it is set");
    for (query, expected) in [("select count(*) from letters", 1_i64), ("select count(*) from mine", 1), ("select how_many()", 1)]
    {
        let row = sqlx::query(query).fetch_one(&mut conn).await.unwrap_or_else(|err| panic!("{query}: {err}"));
        assert_eq!(row.get::<i64, _>(0), expected, "{query}");
    }
    let refused = sqlx::query("select secret from letters").fetch_one(&mut conn).await.expect_err("no grant");
    assert_eq!(refused.as_database_error().and_then(|err| err.code()).as_deref(), Some("42501"));
    let _ = conn.close().await;
    drop(app);
}

#[tokio::test]
async fn names_of_an_app_are_never_the_server_s_own() {
    let database = fresh_database().await;
    let variables = vec![("DATABASE_URL", database.url().to_owned())];
    let app = TestApp::start_as(Options { variables, postgres: Some(false), ..Options::default() }).await;
    // As tables of the server are called, in a schema that may have the name of the server's role.
    let answer = run(
        &app,
        "create table functions (id integer primary key, name text);
        create index on functions (name);
        alter table functions enable row level security;
        create policy own on functions for select to authenticated using (name = auth.email());
        create function how_many() returns bigint language sql stable as $$ select count(*) from functions $$;
        alter table functions add column n integer default 1;
        comment on table functions is 'an app''s';",
    )
    .await;
    assert_eq!(answer["notices"], json!([]));
    let mut conn = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    for query in [
        "select count(*) from pg_policies where schemaname <> 'public'",
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relrowsecurity and n.nspname <> 'public'",
        "select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.proname = 'how_many' and n.nspname <> 'public'",
        "select count(*) from pg_indexes where indexname like 'functions_name_idx%' and schemaname <> 'public'",
    ] {
        let row = sqlx::query(query).fetch_one(&mut conn).await.unwrap_or_else(|err| panic!("{query}: {err}"));
        assert_eq!(row.get::<i64, _>(0), 0, "{query}");
    }
    let _ = conn.close().await;
    drop(app);
}

#[tokio::test]
async fn what_postgresql_does_not_take_is_said_and_served_all_the_same() {
    let database = fresh_database().await;
    let variables = vec![("DATABASE_URL", database.url().to_owned())];
    let app = TestApp::start_as(Options { variables, postgres: Some(false), ..Options::default() }).await;
    run(&app, "create table letters (id integer primary key, body text)").await;
    // Somebody made another thing of that name there, behind the server's back.
    let mut conn = PgConnection::connect(database.url()).await.expect("PostgreSQL answers");
    conn.execute("create sequence public.short_letters").await.expect("it is made");
    let _ = conn.close().await;
    let answer = run(&app, "insert into letters values (1, 'a');\ncreate view short_letters as select id from letters;").await;
    let notice = &answer["notices"][0];
    assert_eq!((&notice["line"], &notice["column"]), (&json!(2), &json!(1)), "{answer}");
    assert!(notice["statement"].as_str().is_some_and(|text| text.starts_with("CREATE VIEW short_letters")), "{answer}");
    assert!(notice["reason"].as_str().is_some_and(|text| text.contains("short_letters")), "{answer}");
    // What the server writes is read by a thread of its own, so it comes a little later.
    eventually("the line in the log", Duration::from_secs(20), async || {
        app.server().log().contains("PostgreSQL did not take `CREATE VIEW short_letters").then_some(())
    })
    .await;
    assert_eq!(super::rows(&app.service(), "/rest/v1/short_letters").await, json!([{ "id": 1 }]));
    drop(app);
}

#[tokio::test]
async fn sqlite_has_no_notices() {
    let app = TestApp::start_as(Options { postgres: Some(false), ..Options::default() }).await;
    let answer = run(&app, "create table a (id integer primary key); create view b as select id from a;").await;
    assert_eq!(answer["notices"], json!([]));
}
