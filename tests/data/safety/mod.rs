//! What must hold whoever asks: limits, deadlines, hidden columns, the server's own tables, statements that no request can shape.

mod disk;
mod embeds;
mod hidden;
mod limits;
mod native;
mod nodes;
mod reach;
mod rights;
mod slow;

use serde_json::{Value, json};

use crate::support::{Client, Response, TestApp};

/// Runs statements as the service role and gives the whole answer.
async fn run(app: &TestApp, sql: &str) -> Value {
    app.service().post("/admin/v1/sql").json(&json!({ "sql": sql })).await.assert_status(200).json()
}

/// The rows that a request is answered with.
async fn rows(client: &Client, path: &str) -> Value {
    client.get(path).await.assert_status(200).json()
}

/// What a refusal says, after its status and its code were looked at.
#[track_caller]
fn refused(answer: &Response, status: u16, code: &str) -> Value {
    let body = answer.assert_status(status).json();
    assert_eq!(body["code"], code, "{body}");
    body
}
