//! Schedules set, shown, changed and removed.

use serde_json::{Value, json};

use super::{TELLS, get, list, make, publish, put};
use crate::support::TestApp;

#[tokio::test]
async fn a_schedule_is_set_shown_changed_and_removed() {
    let app = TestApp::start().await;
    make(&app, "report", TELLS).await;
    let body = json!({ "expression": "cron(0 8 ? * MON-FRI 2190)", "timezone": "europe/berlin", "payload": { "kind": "daily" } });
    let made = put(&app, "report", "mornings", &body).await.assert_status(201).json();
    assert_eq!(
        (&made["name"], &made["function"], &made["timezone"]),
        (&json!("mornings"), &json!("report"), &json!("Europe/Berlin"))
    );
    assert_eq!(
        (&made["payload"], &made["missed"], &made["enabled"]),
        (&json!({ "kind": "daily" }), &json!("once"), &json!(true))
    );
    assert_eq!((&made["state"], &made["declared"], &made["last_run"]), (&json!("active"), &json!(false), &Value::Null));
    let runs = json!([
        "2190-01-01T07:00:00.000000Z",
        "2190-01-04T07:00:00.000000Z",
        "2190-01-05T07:00:00.000000Z",
        "2190-01-06T07:00:00.000000Z",
        "2190-01-07T07:00:00.000000Z",
    ]);
    assert_eq!(made["next_runs"], runs);
    assert_eq!(get(&app, "report", "mornings").await, made);

    put(&app, "report", "beat", &json!({ "expression": "rate(1 hour)" })).await.assert_status(201);
    let beat = get(&app, "report", "beat").await;
    let names: Vec<_> = list(&app, "report").await.iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, [json!("beat"), json!("mornings")]);
    let other = json!({ "expression": "rate(1 hour)", "payload": [1], "missed": "all" });
    let changed = put(&app, "report", "beat", &other).await.assert_status(200).json();
    assert_eq!((&changed["payload"], &changed["missed"]), (&json!([1]), &json!("all")));
    assert_eq!(changed["next_runs"], beat["next_runs"], "the rate goes on where it was");
    assert_eq!(get(&app, "report", "beat").await, changed);

    let off =
        put(&app, "report", "beat", &json!({ "expression": "rate(1 hour)", "enabled": false })).await.assert_status(200).json();
    assert_eq!((&off["state"], &off["next_runs"], &off["payload"]), (&json!("disabled"), &json!([]), &Value::Null));
    let on = put(&app, "report", "beat", &json!({ "expression": "rate(2 hours)" })).await.assert_status(200).json();
    assert_eq!(on["state"], "active");
    assert_ne!(on["next_runs"], beat["next_runs"], "another rate begins anew");

    let service = app.service();
    service.delete("/admin/v1/functions/report/schedules/beat").await.assert_status(204);
    service.delete("/admin/v1/functions/report/schedules/beat").await.assert_status(404).problem();
    service.get("/admin/v1/functions/report/schedules/beat").await.assert_status(404).problem();
    service.get("/admin/v1/functions/report/schedules/no%20name").await.assert_status(404).problem();
    service.get("/admin/v1/functions/nobody/schedules").await.assert_status(404).problem();
    put(&app, "nobody", "beat", &json!({ "expression": "rate(1 hour)" })).await.assert_status(404).problem();
    app.anon().get("/admin/v1/functions/report/schedules").await.assert_status(403);
    app.anon().put("/admin/v1/functions/report/schedules/beat").json(&other).await.assert_status(403);

    service.delete("/admin/v1/functions/report").await.assert_status(204);
    make(&app, "report", TELLS).await;
    assert!(list(&app, "report").await.is_empty(), "they went with their function");
}

#[tokio::test]
async fn what_is_refused_says_which_field_and_why() {
    let app = TestApp::start().await;
    make(&app, "report", TELLS).await;
    for (body, field, reason) in [
        (json!({}), "expression", "is missing"),
        (json!({ "expression": 5 }), "expression", "must be a text"),
        (json!({ "expression": "0 0 30 2 *" }), "expression", "never due"),
        (json!({ "expression": "61 * * * *" }), "expression", "the minute field"),
        (json!({ "expression": "at(2020-01-01T00:00:00)" }), "expression", "not due any more"),
        (json!({ "expression": "cron(0 0 1 1 ? 2020)" }), "expression", "not due any more"),
        (json!({ "expression": "@daily", "end": "2020-01-01T00:00:00Z" }), "expression", "from start to end"),
        (json!({ "expression": "@daily", "timezone": "Mars/Base" }), "timezone", "IANA"),
        (json!({ "expression": "@daily", "missed": "twice" }), "missed", "\"skip\", \"once\" or \"all\""),
        (json!({ "expression": "@daily", "enabled": "yes" }), "enabled", "true or false"),
        (json!({ "expression": "@daily", "start": "tomorrow" }), "start", "2030-01-31T12:00:00Z"),
        (
            json!({ "expression": "@daily", "start": "2031-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z" }),
            "end",
            "before start",
        ),
        (json!({ "expression": "@daily", "qualifier": "a b" }), "qualifier", "an alias of 1 to"),
        (json!({ "expression": "@daily", "qualifier": "live" }), "qualifier", "neither a version nor an alias live"),
        (json!({ "expression": "@daily", "payload": "x".repeat(65_536) }), "payload", "65536 are allowed"),
        (json!({ "expression": "@daily", "name": "other" }), "name", "leave the name out"),
    ] {
        let refused = put(&app, "report", "one", &body).await;
        let problem = refused.assert_status(400).problem();
        let error = problem["errors"].as_array().and_then(|errors| errors.first()).unwrap_or_else(|| panic!("{body}: {problem}"));
        assert_eq!(error["field"], field, "{body}: {problem}");
        assert!(error["message"].as_str().unwrap_or_default().contains(reason), "{body}: {problem}");
    }
    put(&app, "report", "one", &json!({ "expression": "@daily", "every": "day" })).await.assert_status(400).problem();
    put(&app, "report", "no.name", &json!({ "expression": "@daily" })).await.assert_status(400).problem();
    put(&app, "report", "one", &json!({ "expression": "@daily", "payload": "x".repeat(300_000) }))
        .await
        .assert_status(413)
        .problem();
    assert!(list(&app, "report").await.is_empty(), "nothing of it was made");
    publish(&app, "report").await;
    put(&app, "report", "one", &json!({ "expression": "@daily", "qualifier": "1" })).await.assert_status(201);
}
