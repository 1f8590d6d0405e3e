//! Functions called by the clock: when that is, and that each due time is one call, whatever happens.

mod declared;
mod expressions;
mod fired;
mod untrusted;
mod verbs;
mod zones;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestApp};

/// Fails, so that its calls stay where they can be counted.
const FAILS: &str = "exports.handler = async () => { throw new Error('counted') };";

/// Tells in its log what it was called with.
const TELLS: &str = "exports.handler = async (event) => { console.log(JSON.stringify(event)); };";

/// A failed call is given up at once.
const ONE_TRY: &str = "[functions]\nevent_retries = 0\nschedule_grace = \"1s\"\n";

async fn put(app: &TestApp, function: &str, schedule: &str, body: &Value) -> Response {
    app.service().put(&format!("/admin/v1/functions/{function}/schedules/{schedule}")).json(body).await
}

async fn get(app: &TestApp, function: &str, schedule: &str) -> Value {
    app.service().get(&format!("/admin/v1/functions/{function}/schedules/{schedule}")).await.assert_status(200).json()
}

async fn list(app: &TestApp, function: &str) -> Vec<Value> {
    let answer = app.service().get(&format!("/admin/v1/functions/{function}/schedules")).await.assert_status(200).json();
    answer["schedules"].as_array().expect("a list").clone()
}

/// Every call of a function that was accepted and did not succeed: its id and its event, in the order of the events' text.
async fn calls(app: &TestApp, function: &str) -> Vec<(String, Value)> {
    let page =
        app.service().get(&format!("/admin/v1/invocations?limit=1000&function={function}")).await.assert_status(200).json();
    let mut calls = Vec::new();
    for call in page["invocations"].as_array().expect("a list") {
        let id = call["id"].as_str().expect("an id").to_owned();
        let whole = app.service().get(&format!("/admin/v1/invocations/{id}")).await.assert_status(200).json();
        calls.push((id, whole["payload"].clone()));
    }
    calls.sort_by_key(|(_, event)| event.to_string());
    calls
}

/// The payload of a schedule whose calls tell their due time.
fn timed() -> Value {
    json!("<aws.scheduler.scheduled-time>")
}

async fn make(app: &TestApp, function: &str, source: &str) {
    app.create_function(function, source, &json!({})).await.assert_status(201);
}

async fn publish(app: &TestApp, function: &str) {
    app.aws(&Method::POST, &format!("/2015-03-31/functions/{function}/versions"), &[], b"{}").await.assert_status(201);
}
