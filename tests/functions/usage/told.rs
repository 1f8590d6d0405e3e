//! What `/admin/v1/usage` and the metrics tell.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{MIXED, call, counts, usage};
use crate::support::{TestApp, eventually};

const SOON: Duration = Duration::from_secs(20);

/// One attempt is all that an event gets.
const PRICES: &str = "[functions]
event_retries = 0
price_million_calls = \"1000000\"
price_gb_second = \"0.5\"
price_currency = \"EUR\"
";

const NAMES: [&str; 5] = ["calls", "errors", "timeouts", "throttles", "cold_starts"];

/// The counts of each function and version.
fn by_function(answer: &Value) -> Vec<(String, Vec<i64>)> {
    let functions = answer["functions"].as_array().expect("a list").iter();
    let name = |of: &Value| format!("{}:{}", of["function"].as_str().unwrap(), of["version"].as_str().unwrap());
    let mut all: Vec<_> = functions.map(|of| (name(of), counts(of, &NAMES))).collect();
    all.sort();
    all
}

async fn send_event(app: &TestApp, target: &str, event: &Value) {
    let path = format!("/2015-03-31/functions/{target}/invocations");
    app.aws(&Method::POST, &path, &[("x-amz-invocation-type", "Event")], event.to_string().as_bytes()).await.assert_status(202);
}

#[tokio::test]
async fn good_failing_late_refused_and_cold_calls_add_up() {
    let app = TestApp::start_with(PRICES).await;
    app.deploy("mixed", MIXED, json!({ "timeout_s": 1 })).await;
    app.deploy("broken", "throw new Error('never'); export const handler = 1;", json!({})).await;
    let streams =
        "export default () => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104])); c.close() } }))";
    app.deploy("streams", streams, json!({ "memory_mb": 256 })).await;
    app.create_function("closed", MIXED, &json!({ "Publish": true })).await.assert_status(201);
    let nothing = json!({ "ReservedConcurrentExecutions": 0 }).to_string();
    app.aws(&Method::PUT, "/2017-10-31/functions/closed/concurrency", &[], nothing.as_bytes()).await.assert_status(200);

    call(&app, "mixed", 3).await;
    app.invoke_lambda("mixed", "{}").await.assert_status(200);
    app.invoke("mixed", &json!({ "fail": true })).await.assert_status(502);
    app.invoke("mixed", &json!({ "hang": true })).await.assert_status(504);
    app.invoke("broken", &json!({})).await.assert_status(502);
    app.invoke("streams", &json!({})).await.assert_status(200);
    app.invoke("closed", &json!({})).await.assert_status(429);
    app.invoke_lambda("closed:1", "{}").await.assert_status(429);
    for event in [json!({}), json!({ "fail": true })] {
        send_event(&app, "mixed", &event).await;
        eventually("the end of the event", SOON, async || {
            let waiting = app.service().get("/admin/v1/invocations").await.json();
            waiting["invocations"].as_array()?.iter().all(|event| event["state"] == "dead").then_some(())
        })
        .await;
    }

    let told = usage(&app, "").await;
    // An environment that timed out is not used again, so the calls after that one are cold again.
    let expected = [
        ("broken:$LATEST", vec![1, 1, 0, 0, 1]),
        ("closed:$LATEST", vec![0, 0, 0, 1, 0]),
        ("closed:1", vec![0, 0, 0, 1, 0]),
        ("mixed:$LATEST", vec![8, 3, 1, 0, 2]),
        ("streams:$LATEST", vec![1, 0, 0, 0, 1]),
    ];
    let expected: Vec<_> = expected.map(|(name, counts)| (name.to_owned(), counts)).into();
    assert_eq!(by_function(&told), expected);
    assert_eq!(counts(&told["totals"], &NAMES), [10, 4, 1, 2, 4]);
    assert_eq!(told["by"], "hour");

    let mixed = &usage(&app, "?function=mixed&version=$LATEST").await["totals"];
    let duration = |name: &str| mixed["duration_ms"][name].as_f64().expect("a number");
    assert!(duration("p50") <= duration("p90") && duration("p90") <= duration("p99"), "{mixed}");
    assert!(mixed["billed_ms"].as_i64() >= Some(1008), "a second and seven others, each rounded up: {mixed}");
    assert!(mixed["cpu_ms"].as_f64() > Some(0.0) && mixed["peak_memory_mb"].as_i64() > Some(0), "{mixed}");
    let gb_ms = mixed["billed_ms"].as_f64().unwrap() * 128.0 / 1024.0;
    assert_eq!(mixed["gb_ms"].as_f64(), Some(gb_ms));
    let cost = 8.0 + gb_ms / 1000.0 * 0.5;
    assert!((mixed["cost"].as_f64().unwrap() - cost).abs() < 1e-6, "{cost}: {mixed}");
    assert_eq!(told["currency"], "EUR");
    assert_eq!(usage(&app, "?function=broken").await["totals"]["duration_ms"]["p50"], Value::Null, "no handler ran");

    for by in ["minute", "day"] {
        let same = usage(&app, &format!("?by={by}")).await;
        assert_eq!(same["totals"], told["totals"]);
        let intervals = same["intervals"].as_array().unwrap();
        let calls: i64 = intervals.iter().map(|interval| interval["calls"].as_i64().unwrap()).sum();
        assert_eq!(calls, 10, "{same}");
    }
    let earlier = usage(&app, "?to=2026-01-01T00:00:00Z").await;
    assert_eq!((&earlier["intervals"], &earlier["from"]), (&json!([]), &json!("2025-12-31T00:00:00.000000Z")));
}

#[tokio::test]
async fn metrics_tell_of_functions_and_their_events() {
    let app = TestApp::start_with("[functions]\nevent_retries = 0\n").await;
    app.deploy("mixed", MIXED, json!({})).await;
    call(&app, "mixed", 2).await;
    app.invoke("mixed", &json!({ "fail": true })).await.assert_status(502);
    send_event(&app, "mixed", &json!({ "fail": true })).await;
    let lines = [
        "plinth_function_invocations_total{function=\"mixed\",outcome=\"success\"} 2",
        "plinth_function_invocations_total{function=\"mixed\",outcome=\"error\"} 2",
        "plinth_function_cold_starts_total{function=\"mixed\"} 1",
        "plinth_function_duration_seconds_count{function=\"mixed\"} 4",
        "plinth_function_events_waiting 0",
        "plinth_function_events_running 0",
        "plinth_function_events_dead 1",
        "plinth_function_events_late_seconds 0",
    ];
    eventually("the metrics", SOON, async || {
        let metrics = app.nobody().get("/metrics").await.text();
        lines.iter().all(|line| metrics.lines().any(|other| other == *line)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let refused = [
        ("?by=week", "by", "minute, hour or day"),
        ("?version=1", "version", "function"),
        ("?function=f&version=x", "version", "$LATEST"),
        ("?from=yesterday", "from", "RFC 3339"),
        ("?to=2026", "to", "RFC 3339"),
        ("?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from", "before"),
        ("?by=minute&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "from", "1500 intervals"),
    ];
    for (query, field, words) in refused {
        let problem = app.service().get(&format!("/admin/v1/usage{query}")).await.assert_status(400).problem();
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{query}: {problem}");
        assert!(error["message"].as_str().unwrap_or_default().contains(words), "{query}: {problem}");
    }
    app.service().get("/admin/v1/usage?functions=all").await.assert_status(400).problem();
    app.service().get("/admin/v1/usage?function=no%20name").await.assert_status(400).problem();
    app.anon().get("/admin/v1/usage").await.assert_status(403).problem();
    app.nobody().get("/admin/v1/usage").await.assert_status(401).problem();
}
