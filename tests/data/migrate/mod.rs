//! Definitions through `POST /admin/v1/sql`, on the database the suite runs on.

mod alter;
mod define;
mod dumps;
mod reference;
mod refuse;
mod types;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Runs statements and gives what they answered.
pub(super) async fn run(app: &TestApp, sql: &str) -> Value {
    let answer = app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await;
    assert_eq!(answer.status(), 200, "{}\n{sql}", answer.text());
    answer.json()["results"].clone()
}

/// Runs statements that are refused and gives the problem.
pub(super) async fn refused(app: &TestApp, sql: &str) -> Value {
    let answer = app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await;
    assert_eq!(answer.status(), 400, "{}\n{sql}", answer.text());
    answer.problem()
}

/// The rows of one query.
pub(super) async fn rows(app: &TestApp, sql: &str) -> Value {
    run(app, sql).await[0]["rows"].clone()
}
