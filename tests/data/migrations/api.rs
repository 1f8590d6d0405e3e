//! `/admin/v1/migrations`.

use serde_json::{Value, json};

use super::admin_sql::longest;
use crate::data::migrate::{refused, rows};
use crate::support::{Response, TestApp};

fn migration(version: &str, name: &str, sql: &str) -> Value {
    json!({ "version": version, "name": name, "sql": sql })
}

async fn post(app: &TestApp, migrations: &[Value]) -> Response {
    app.service().post("/admin/v1/migrations").json(&json!({ "migrations": migrations })).await
}

async fn listed(app: &TestApp) -> Vec<String> {
    let list = app.service().get("/admin/v1/migrations").await.assert_status(200).json();
    list["migrations"].as_array().unwrap().iter().map(|one| one["version"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pending_ones_are_applied_in_order_and_listed() {
    let app = TestApp::start().await;
    let both = [migration("0002", "b", "insert into a values (1)"), migration("1", "a", "create table a (id int primary key)")];
    let answer = post(&app, &both).await.assert_status(200).json();
    assert_eq!(answer["applied"][0]["name"], "a");
    assert_eq!(answer["applied"][1]["version"], "0002");
    assert_eq!(answer["pending"], json!([]));
    let record = &answer["applied"][0];
    assert_eq!(record["checksum"].as_str().map(str::len), Some(64));
    assert!(record["applied_at"].as_str().unwrap().ends_with('Z') && record["duration_ms"].is_i64(), "{record}");
    assert_eq!(listed(&app).await, ["1", "0002"]);
    assert_eq!(post(&app, &both).await.assert_status(200).json()["applied"], json!([]));
    // Those that are not sent need not be.
    post(&app, &[migration("3", "c", "insert into a values (2)")]).await.assert_status(200);
    assert_eq!(rows(&app, "select count(*) as n from a").await, json!([{ "n": 2 }]));
}

#[tokio::test]
async fn a_failure_names_its_file_and_place_and_what_stays_applied() {
    let app = TestApp::start().await;
    let answer = post(
        &app,
        &[
            migration("1", "a", "create table a (id int primary key)"),
            migration("2", "b", "create table b (id int);\n select nothing from b"),
            migration("3", "c", "create table c (id int)"),
        ],
    )
    .await;
    let problem = answer.assert_status(400).problem();
    assert_eq!(problem["type"], "/problems/sql_refused");
    let expected = [json!("2_b.sql"), json!(2), json!(9), json!("42703"), json!(["1_a.sql"])];
    let found = ["file", "line", "column", "code", "applied"].map(|name| problem[name].clone());
    assert_eq!(found, expected, "{problem}");
    assert_eq!(listed(&app).await, ["1"]);
    assert_eq!(refused(&app, "select * from b").await["code"], "42P01");
    assert_eq!(refused(&app, "select * from c").await["code"], "42P01");
}

#[tokio::test]
async fn what_contradicts_is_a_conflict_that_names_each_file() {
    let app = TestApp::start().await;
    post(&app, &[migration("2", "b", "select 2")]).await.assert_status(200);
    let contradicting = [migration("2", "b", "select 3"), migration("1", "a", "select 1"), migration("3", "c", "select 1")];
    let problem = post(&app, &contradicting).await.assert_status(409).problem();
    assert_eq!(problem["type"], "/problems/conflict");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["1_a.sql", "2_b.sql"], "{problem}");
    let twice = [migration("4", "a", "select 1"), migration("04", "b", "select 1")];
    let problem = post(&app, &twice).await.assert_status(409).problem();
    assert_eq!(problem["errors"][0]["field"], "04_b.sql", "{problem}");
    let all = json!({ "migrations": [migration("1", "a", "select 1")], "include_all": true });
    app.service().post("/admin/v1/migrations").json(&all).await.assert_status(200);
    assert_eq!(listed(&app).await, ["1", "2"]);
}

#[tokio::test]
async fn a_dry_run_tells_what_is_pending() {
    let app = TestApp::start().await;
    let dry = json!({ "migrations": [migration("1", "a", "create table a (id int)")], "dry_run": true });
    let answer = app.service().post("/admin/v1/migrations").json(&dry).await.assert_status(200).json();
    assert_eq!(answer, json!({ "applied": [], "pending": [{ "version": "1", "name": "a" }] }));
    assert!(listed(&app).await.is_empty());
}

#[tokio::test]
async fn every_limit_has_a_clear_error() {
    let app = TestApp::start().await;
    let longest = longest();
    post(&app, &[migration("1", "a", &longest)]).await.assert_status(200);
    let cases = [
        (vec![migration("2", "b", &format!("{longest}x"))], "migrations[0]: it has 1048577 bytes"),
        (vec![migration("2", "b", "select 1"), migration("x", "b", "")], "migrations[1]: the version \"x\""),
        (vec![migration("1234567890123456789", "b", "")], "1 to 18 digits"),
        (vec![migration("2", &"b".repeat(201), "")], "at most 200 bytes"),
        (vec![migration("2", "a/b", "")], "none of them a slash"),
        (vec![migration("2", "b", ""); 1001], "migrations: has 1001 entries, and at most 1000"),
    ];
    for (sent, says) in cases {
        let problem = post(&app, &sent).await.assert_status(400).problem();
        assert!(problem["detail"].as_str().unwrap().contains(says), "{says}: {problem}");
    }
    assert_eq!(listed(&app).await, ["1"]);
    let misspelled = app.service().post("/admin/v1/migrations").json(&json!({ "migration": [] })).await;
    assert!(misspelled.assert_status(400).problem()["detail"].as_str().unwrap().contains("migration"));
    let long = app.service().post("/admin/v1/migrations").body(" ".repeat((32 << 20) + 1)).await;
    assert!(long.assert_status(413).problem()["detail"].as_str().unwrap().contains("33554432 bytes"));
}

#[tokio::test]
async fn only_the_service_key_may() {
    let app = TestApp::start().await;
    let body = json!({ "migrations": [] });
    app.anon().post("/admin/v1/migrations").json(&body).await.assert_status(403);
    app.nobody().post("/admin/v1/migrations").json(&body).await.assert_status(401);
    app.anon().get("/admin/v1/migrations").await.assert_status(403);
    app.nobody().get("/admin/v1/migrations").await.assert_status(401);
    let ada = app.sign_up("ada@example.com").await;
    ada.post("/admin/v1/migrations").json(&body).await.assert_status(403);
}
