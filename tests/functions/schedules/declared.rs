//! Schedules that come with a deployment.

use serde_json::{Value, json};

use super::{TELLS, get, list, put};
use crate::support::{JAVASCRIPT, TestApp};

async fn names(app: &TestApp) -> Vec<String> {
    list(app, "report").await.iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_deployment_brings_its_schedules_and_takes_those_before_it_away() {
    let app = TestApp::start().await;
    let daily = json!({ "name": "daily", "expression": "@daily", "timezone": "Europe/Berlin" });
    let beat = json!({ "name": "beat", "expression": "rate(1 hour)", "payload": { "beat": true } });
    app.deploy("report", TELLS, json!({ "schedules": [daily, beat] })).await;
    assert_eq!(names(&app).await, ["beat", "daily"]);
    let first = get(&app, "report", "beat").await;
    assert_eq!((&first["declared"], &first["payload"]), (&json!(true), &json!({ "beat": true })));
    put(&app, "report", "own", &json!({ "expression": "@hourly" })).await.assert_status(201);

    // What is over is no reason to refuse a deployment that says it again.
    let past = json!({ "name": "launch", "expression": "at(2020-01-01T00:00:00)" });
    app.deploy("report", TELLS, json!({ "schedules": [beat, past] })).await;
    assert_eq!(names(&app).await, ["beat", "launch", "own"]);
    assert_eq!(get(&app, "report", "beat").await["next_runs"], first["next_runs"], "what is declared again goes on");
    assert_eq!(get(&app, "report", "launch").await["state"], "ended");

    // Whoever sets one by an API call has it from then on.
    put(&app, "report", "beat", &json!({ "expression": "rate(2 hours)" })).await.assert_status(200);
    app.deploy("report", TELLS, json!({})).await;
    assert_eq!(names(&app).await, ["beat", "own"]);
}

#[tokio::test]
async fn a_deployment_with_a_schedule_that_is_none_is_refused_before_anything_changes() {
    let app = TestApp::start().await;
    for (schedules, field) in [
        (json!({}), "schedules"),
        (json!(["@daily"]), "schedules[0]"),
        (json!([{ "expression": "@daily" }]), "schedules[0].name"),
        (json!([{ "name": "a b", "expression": "@daily" }]), "schedules[0].name"),
        (json!([{ "name": "a", "expression": "@daily" }, { "name": "b", "expression": "@often" }]), "schedules[1].expression"),
        (json!([{ "name": "a", "expression": "@daily" }, { "name": "a", "expression": "@daily" }]), "schedules[1].name"),
    ] {
        let config = json!({ "schedules": schedules });
        let refused = app.service().put_function("report", JAVASCRIPT, TELLS, &config).await;
        let problem = refused.assert_status(400).problem();
        assert_eq!(problem["errors"][0]["field"], field, "{schedules}: {problem}");
    }
    app.service().get("/admin/v1/functions/report").await.assert_status(404);

    let many: Vec<Value> = (0..100).map(|n| json!({ "name": format!("s{n}"), "expression": "@daily" })).collect();
    app.deploy("report", TELLS, json!({ "schedules": many })).await;
    assert_eq!(list(&app, "report").await.len(), 100);
    let problem = put(&app, "report", "own", &json!({ "expression": "@daily" })).await.assert_status(400).problem();
    assert!(problem.to_string().contains("may have 100 schedules"), "{problem}");
    app.deploy("report", TELLS, json!({ "schedules": many[..99] })).await;
    put(&app, "report", "own", &json!({ "expression": "@daily" })).await.assert_status(201);
    app.service().put_function("report", JAVASCRIPT, TELLS, &json!({ "schedules": many })).await.assert_status(400).problem();
}
