//! Each due time is one call: on one server and on several, and after they were killed.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{FAILS, ONE_TRY, TELLS, calls, get, make, publish, put, timed};
use crate::support::{Nodes, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(30);

/// The due times of calls, as seconds.
fn times(calls: &[(String, Value)]) -> Vec<i64> {
    let time = |event: &Value| event.as_str()?.parse::<DateTime<Utc>>().ok();
    calls.iter().map(|(_, event)| time(event).unwrap_or_else(|| panic!("{event} is no time")).timestamp()).collect()
}

/// That of each due time there is one call.
#[track_caller]
fn assert_one_of_each(calls: &[(String, Value)]) {
    let times = times(calls);
    let (ids, different): (BTreeSet<_>, BTreeSet<_>) = (calls.iter().map(|(id, _)| id).collect(), times.iter().collect());
    assert_eq!((ids.len(), different.len()), (calls.len(), calls.len()), "{calls:?}");
}

fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the servers under test go by the machine's clock")]
    Utc::now().timestamp()
}

/// Waits until so many seconds passed since a moment.
async fn passed(since: i64, seconds: i64) {
    eventually("the passing of due times", SOON, async || (now() >= since + seconds).then_some(())).await;
}

fn at(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).expect("a time").format("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

#[tokio::test]
async fn a_schedule_calls_its_function_with_its_payload_again_and_again() {
    let app = TestApp::start().await;
    make(&app, "tells", TELLS).await;
    let payload = json!({ "order": 17, "id": "<aws.scheduler.execution-id>", "by": "<aws.scheduler.schedule-arn>" });
    put(&app, "tells", "beat", &json!({ "expression": "rate(1 second)", "payload": payload })).await.assert_status(201);
    put(&app, "tells", "once", &json!({ "expression": at(now() + 5) })).await.assert_status(201);
    let told = eventually("some calls", SOON, async || {
        let logs = app.service().get("/admin/v1/functions/tells/logs?kind=function&limit=1000").await.json();
        let entries = logs["entries"].as_array().expect("entries").clone();
        let event = |entry: &Value| serde_json::from_str::<Value>(entry["text"].as_str()?).ok();
        let told: Vec<_> = entries.iter().map(|entry| (entry["request_id"].clone(), event(entry).unwrap_or_default())).collect();
        (told.len() > 3 && told.iter().any(|(_, event)| event["source"] == "aws.events")).then_some(told)
    })
    .await;
    for (id, event) in &told {
        if event["order"].is_null() {
            assert_eq!((&event["version"], &event["id"], &event["detail-type"]), (&json!("0"), id, &json!("Scheduled Event")));
            assert_eq!((&event["source"], &event["detail"]), (&json!("aws.events"), &json!({})));
            assert_eq!(event["resources"], json!(["arn:aws:events:local:000000000000:rule/once"]));
        } else {
            let arn = "arn:aws:scheduler:local:000000000000:schedule/tells/beat";
            assert_eq!(event, &json!({ "order": 17, "id": id, "by": arn }));
        }
    }
    let once = get(&app, "tells", "once").await;
    assert_eq!((&once["state"], &once["next_runs"]), (&json!("ended"), &json!([])));
    assert!(told.iter().any(|(id, _)| *id == once["last_run"]["request_id"]), "{once}: {told:?}");
    let beat = get(&app, "tells", "beat").await;
    assert!(beat["last_run"]["due_at"].as_str() < beat["next_runs"][0].as_str(), "{beat}");
    let metrics = app.service().get("/metrics").await.text();
    assert!(metrics.contains(r#"plinth_schedule_firings_total{function="tells",outcome="accepted"}"#), "{metrics}");
}

#[tokio::test]
async fn a_due_time_that_cannot_be_accepted_is_told_and_the_next_one_is_tried() {
    let app = TestApp::start_with(ONE_TRY).await;
    make(&app, "fails", FAILS).await;
    publish(&app, "fails").await;
    let body = json!({ "expression": "rate(1 second)", "qualifier": "1", "payload": timed() });
    put(&app, "fails", "beat", &body).await.assert_status(201);
    eventually("a call of the version", SOON, async || (!calls(&app, "fails").await.is_empty()).then_some(())).await;
    app.aws(&Method::DELETE, "/2015-03-31/functions/fails?Qualifier=1", &[], b"").await.assert_status(204);
    let refused =
        eventually("a refusal", SOON, async || Some(get(&app, "fails", "beat").await).filter(|one| !one["last_error"].is_null()))
            .await;
    assert_eq!(refused["last_error"], "function fails has neither a version nor an alias 1");
    assert_eq!(refused["state"], "active");
    let alias = json!({ "Name": "live", "FunctionVersion": "2" });
    app.deploy("fails", &FAILS.replace("counted", "again"), json!({})).await;
    publish(&app, "fails").await;
    app.aws(&Method::POST, "/2015-03-31/functions/fails/aliases", &[], alias.to_string().as_bytes()).await.assert_status(201);
    put(&app, "fails", "beat", &json!({ "expression": "rate(1 second)", "qualifier": "live", "payload": timed() }))
        .await
        .assert_status(200);
    eventually("a call of the alias", SOON, async || {
        let page = app.service().get("/admin/v1/invocations?function=fails&limit=1000").await.json();
        page["invocations"].as_array()?.iter().any(|call| call["qualifier"] == "live").then_some(())
    })
    .await;
    assert_eq!(get(&app, "fails", "beat").await["last_error"], Value::Null);
    assert_one_of_each(&calls(&app, "fails").await);
}

#[tokio::test]
async fn what_was_missed_is_left_out_or_made_up_for_as_the_schedule_says() {
    let mut app = TestApp::start_with(ONE_TRY).await;
    for function in ["skips", "once", "latest", "all"] {
        make(&app, function, FAILS).await;
    }
    let due = now() + 8;
    for (function, missed, expression) in [
        ("skips", "skip", at(due)),
        ("once", "once", at(due)),
        ("latest", "once", "rate(1 second)".to_owned()),
        ("all", "all", "rate(1 second)".to_owned()),
    ] {
        let body = json!({ "expression": expression, "missed": missed, "payload": timed() });
        put(&app, function, "one", &body).await.assert_status(201);
    }
    app.kill9();
    let killed = now();
    assert!(killed < due, "the server is gone before it is due");
    passed(due, 4).await;
    app.restart().await;
    let back = now();
    for function in ["latest", "all"] {
        eventually("calls after the start", SOON, async || {
            times(&calls(&app, function).await).last().is_some_and(|last| *last > back).then_some(())
        })
        .await;
    }
    let ended = get(&app, "skips", "one").await;
    assert_eq!((&ended["state"], &ended["last_run"]), (&json!("ended"), &Value::Null));
    assert_eq!(times(&calls(&app, "skips").await), Vec::<i64>::new(), "it was too late");
    assert_eq!(times(&calls(&app, "once").await), [due], "late is better than never");
    let all = calls(&app, "all").await;
    assert_one_of_each(&all);
    let all = times(&all);
    assert!(all.windows(2).all(|pair| pair[0] + 1 == pair[1]), "each second is made up for: {all:?}");
    let latest = calls(&app, "latest").await;
    assert_one_of_each(&latest);
    let latest = times(&latest);
    assert!(
        latest.windows(2).any(|pair| pair[0] + 4 < pair[1]) || latest[0] > killed + 4,
        "only the newest is made up for: {latest:?}"
    );
}

#[tokio::test]
async fn no_due_time_is_lost_or_doubled_by_sigkill() {
    let mut app = TestApp::start_with(ONE_TRY).await;
    make(&app, "fails", FAILS).await;
    for name in ["a", "b", "c"] {
        let payload = json!({ "by": name, "at": timed() });
        put(&app, "fails", name, &json!({ "expression": "rate(1 second)", "missed": "all", "payload": payload }))
            .await
            .assert_status(201);
    }
    for kill in 1..=4 {
        let before = calls(&app, "fails").await.len();
        eventually("some calls", SOON, async || (calls(&app, "fails").await.len() > before).then_some(())).await;
        app.kill9();
        app.restart().await;
        let service = app.service();
        service.get("/admin/v1/functions/fails/schedules").await.assert_status(200);
        assert!(calls(&app, "fails").await.len() > before, "what was accepted before kill {kill} is there");
    }
    let all = calls(&app, "fails").await;
    for name in ["a", "b", "c"] {
        let of: Vec<_> =
            all.iter().filter(|(_, event)| event["by"] == name).map(|(id, event)| (id.clone(), event["at"].clone())).collect();
        assert_one_of_each(&of);
        let times = times(&of);
        assert!(times.len() > 3 && times.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{name}: {times:?}");
    }
}

#[tokio::test]
async fn nodes_on_one_database_fire_each_due_time_once() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await.with_config(ONE_TRY);
    let (mut first, second) = nodes.two().await;
    make(&first, "fails", FAILS).await;
    let names: Vec<String> = (0..20).map(|n| format!("s{n}")).collect();
    for name in &names {
        let payload = json!({ "by": name, "at": timed() });
        put(&first, "fails", name, &json!({ "expression": "rate(1 second)", "missed": "all", "payload": payload }))
            .await
            .assert_status(201);
    }
    let enough = async |app: &TestApp, count: usize| {
        eventually("calls", SOON, async || {
            let page = app.service().get("/admin/v1/invocations?function=fails&limit=1000").await.json();
            (page["invocations"].as_array()?.len() >= count).then_some(())
        })
        .await;
    };
    enough(&second, 100).await;
    first.kill9();
    enough(&second, 200).await;
    // Set by the node that is left, and by nobody after that.
    for name in &names {
        second.service().delete(&format!("/admin/v1/functions/fails/schedules/{name}")).await.assert_status(204);
    }
    let all = calls(&second, "fails").await;
    for name in &names {
        let of: Vec<_> =
            all.iter().filter(|(_, event)| event["by"] == **name).map(|(id, event)| (id.clone(), event["at"].clone())).collect();
        assert_one_of_each(&of);
        let times = times(&of);
        assert!(times.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{name}: {times:?}");
    }
}
