//! Calls that nobody waits for: accepted durably, run at least once, tried again, given up, told of.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::told;
use crate::support::{Nodes, Response, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(20);

/// Longer than a lease, which ends before another process takes what a dead one had.
const AFTER_A_LEASE: Duration = Duration::from_secs(90);

/// Retries come quickly.
const QUICK: &str = "[functions]\nevent_retry_wait = \"50ms\"\n";

/// Tells in its log what it was called with.
const TELLS: &str = "exports.handler = async (event, context) => { console.log(JSON.stringify(event)); return { got: event }; };";

async fn send(app: &TestApp, function: &str, event: &Value) -> Response {
    let target = format!("/2015-03-31/functions/{function}/invocations");
    app.aws(&Method::POST, &target, &[("x-amz-invocation-type", "Event")], event.to_string().as_bytes()).await
}

/// Sends an event that is accepted; gives its id.
async fn accepted(app: &TestApp, function: &str, event: &Value) -> String {
    let answer = send(app, function, event).await;
    assert_eq!(answer.assert_status(202).bytes(), b"");
    answer.header("x-amzn-requestid").expect("an id").to_owned()
}

async fn configure(app: &TestApp, function: &str, config: &Value) -> Response {
    let target = format!("/2019-09-25/functions/{function}/event-invoke-config");
    app.aws(&Method::PUT, &target, &[], config.to_string().as_bytes()).await
}

async fn invocations(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.service().get(&format!("/admin/v1/invocations{query}")).await.assert_status(200).json();
    page["invocations"].as_array().expect("a list").clone()
}

/// Waits until nothing waits or runs.
async fn all_over(app: &TestApp) {
    eventually("the end of every event", SOON, async || {
        invocations(app, "").await.iter().all(|event| event["state"] == "dead").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_is_run_and_then_over() {
    let app = TestApp::start().await;
    app.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    let mut ids = BTreeMap::new();
    for number in 0..5 {
        ids.insert(accepted(&app, "tells", &json!({ "number": number })).await, json!({ "number": number }));
    }
    all_over(&app).await;
    let told: BTreeMap<_, _> = told(&app, "tells").await.into_iter().collect();
    assert_eq!(told, ids, "each ran once, under the id that it was accepted with");
    assert_eq!(invocations(&app, "").await, Vec::<Value>::new());

    let empty =
        app.aws(&Method::POST, "/2015-03-31/functions/tells/invocations", &[("x-amz-invocation-type", "Event")], b"").await;
    empty.assert_status(202);
    send(&app, "nobody", &json!({})).await.assert_status(404);
    send(&app, "tells:3", &json!({})).await.assert_status(404);
    let large = send(&app, "tells", &json!("x".repeat(1024 * 1024))).await;
    assert_eq!(large.assert_status(413).header("x-amzn-errortype"), Some("RequestTooLargeException"));
}

#[tokio::test]
async fn what_fails_is_tried_twice_more_and_given_up_and_run_again_when_that_is_wanted() {
    let app = TestApp::start_with(QUICK).await;
    let fails = "exports.handler = async (event) => { console.log(JSON.stringify(event)); throw new TypeError('not today'); };";
    app.create_function("fails", fails, &json!({})).await.assert_status(201);
    app.create_function("told", TELLS, &json!({})).await.assert_status(201);
    let failure =
        json!({ "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:lambda:local:000000000000:function:told" } } });
    configure(&app, "fails", &failure).await.assert_status(200);
    let id = accepted(&app, "fails", &json!({ "order": 17 })).await;
    let dead = eventually("the event's being given up", SOON, async || invocations(&app, "?state=dead").await.pop()).await;
    assert_eq!((&dead["id"], &dead["function"], &dead["attempts"]), (&json!(id), &json!("fails"), &json!(3)));
    assert_eq!(dead["error"], json!({ "type": "TypeError", "message": "not today" }));
    assert!(dead["died_at"].is_string() && dead["due_at"].is_null(), "{dead}");
    let tries = told(&app, "fails").await;
    assert_eq!(tries, vec![(id.clone(), json!({ "order": 17 })); 3], "one id for all tries");

    let record = eventually("the record of its end", SOON, async || told(&app, "told").await.pop()).await.1;
    let context = &record["requestContext"];
    assert_eq!((&record["version"], &context["requestId"]), (&json!("1.0"), &json!(id)));
    assert_eq!((&context["condition"], &context["approximateInvokeCount"]), (&json!("RetriesExhausted"), &json!(3)));
    assert_eq!(context["functionArn"], "arn:aws:lambda:local:000000000000:function:fails:$LATEST");
    assert_eq!(record["requestPayload"], json!({ "order": 17 }));
    let response = json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
    assert_eq!(record["responseContext"], response);
    assert_eq!(record["responsePayload"], json!({ "errorType": "TypeError", "errorMessage": "not today" }));

    let service = app.service();
    let whole = service.get(&format!("/admin/v1/invocations/{id}")).await.assert_status(200).json();
    assert_eq!(whole["payload"], json!({ "order": 17 }));
    app.deploy("fails", "export const handler = async (event) => console.log(JSON.stringify(event))", json!({})).await;
    service.post(&format!("/admin/v1/invocations/{id}/redrive")).await.assert_status(202);
    eventually("its success", SOON, async || invocations(&app, "").await.is_empty().then_some(())).await;
    assert_eq!(told(&app, "fails").await.len(), 4);
    service.post(&format!("/admin/v1/invocations/{id}/redrive")).await.assert_status(404).problem();
}

#[tokio::test]
async fn success_is_told_to_a_destination() {
    let app = TestApp::start().await;
    app.create_function("tells", TELLS, &json!({ "Publish": true })).await.assert_status(201);
    app.create_function("told", TELLS, &json!({})).await.assert_status(201);
    let success =
        json!({ "DestinationConfig": { "OnSuccess": { "Destination": "arn:aws:lambda:local:000000000000:function:told" } } });
    configure(&app, "tells:1", &success).await.assert_status(200);
    let id = accepted(&app, "tells:1", &json!([1])).await;
    accepted(&app, "tells", &json!("untold")).await;
    let record = eventually("the record of its end", SOON, async || told(&app, "told").await.pop()).await.1;
    all_over(&app).await;
    assert_eq!(told(&app, "told").await.len(), 1, "what is configured for a version counts for it alone");
    let context = &record["requestContext"];
    assert_eq!((&context["requestId"], &context["condition"]), (&json!(id), &json!("Success")));
    assert_eq!(context["functionArn"], "arn:aws:lambda:local:000000000000:function:tells:1");
    assert_eq!(record["responseContext"], json!({ "statusCode": 200, "executedVersion": "1" }));
    assert_eq!(record["responsePayload"], json!({ "got": [1] }));
}

#[tokio::test]
async fn what_finds_no_room_waits_and_what_may_not_run_is_given_up() {
    let app = TestApp::start_with(QUICK).await;
    let slow = "exports.handler = async (event) => { console.log(JSON.stringify(event)); await new Promise((done) => setTimeout(done, 300)); };";
    app.create_function("slow", slow, &json!({})).await.assert_status(201);
    let reserve = async |count: u32| {
        let body = json!({ "ReservedConcurrentExecutions": count }).to_string();
        app.aws(&Method::PUT, "/2017-10-31/functions/slow/concurrency", &[], body.as_bytes()).await.assert_status(200);
    };
    reserve(1).await;
    for number in 0..3 {
        accepted(&app, "slow", &json!(number)).await;
    }
    all_over(&app).await;
    let mut ran: Vec<_> = told(&app, "slow").await.into_iter().filter_map(|(_, number)| number.as_u64()).collect();
    ran.sort_unstable();
    assert_eq!((ran, invocations(&app, "?state=dead").await.len()), (vec![0, 1, 2], 0), "none of them was given up");

    reserve(0).await;
    // The registry of a node is two seconds behind at the most.
    let id = accepted(&app, "slow", &json!(3)).await;
    let dead = eventually("its being given up", SOON, async || invocations(&app, "?state=dead&function=slow").await.pop()).await;
    assert_eq!(
        (&dead["id"], &dead["attempts"], &dead["error"]["type"]),
        (&json!(id), &json!(0), &json!("TooManyRequestsException"))
    );
    let purged = app.service().delete("/admin/v1/invocations?function=slow").await;
    assert_eq!(purged.assert_status(200).json(), json!({ "invocations": 1 }));
    assert!(invocations(&app, "").await.is_empty());
}

#[tokio::test]
async fn an_event_that_would_be_too_old_is_not_tried_again() {
    let app = TestApp::start_with("[functions]\nevent_retry_wait = \"30s\"\nevent_max_age = \"10s\"\n").await;
    app.create_function("fails", "exports.handler = async () => { throw new Error('no') };", &json!({})).await.assert_status(201);
    accepted(&app, "fails", &json!({})).await;
    let dead = eventually("its being given up", SOON, async || invocations(&app, "?state=dead").await.pop()).await;
    assert_eq!(dead["attempts"], 1, "{dead}");
}

#[tokio::test]
async fn operators_see_what_waits_a_page_at_a_time() {
    let app = TestApp::start_with("[functions]\nevent_retry_wait = \"1h\"\n").await;
    app.create_function("fails", "exports.handler = async () => { throw new Error('no') };", &json!({})).await.assert_status(201);
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(accepted(&app, "fails", &json!(number)).await);
    }
    eventually("a try of each", SOON, async || (invocations(&app, "?state=retrying").await.len() == 5).then_some(())).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = app.service().get(&format!("/admin/v1/invocations?limit=2{after}")).await.assert_status(200).json();
        seen.extend(page["invocations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_after"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, ids, "in the order in which they were accepted");
    app.service().delete(&format!("/admin/v1/invocations/{}", ids[0])).await.assert_status(204);
    app.service().delete(&format!("/admin/v1/invocations/{}", ids[0])).await.assert_status(404).problem();
    for wrong in ["lost", "running"] {
        app.service().delete(&format!("/admin/v1/invocations?state={wrong}")).await.assert_status(400).problem();
    }
    let purged = app.service().delete("/admin/v1/invocations?state=pending").await.assert_status(200).json();
    assert_eq!(purged, json!({ "invocations": 0 }));
    let purged = app.service().delete("/admin/v1/invocations?state=retrying&function=fails").await.assert_status(200).json();
    assert_eq!((purged, invocations(&app, "").await.len()), (json!({ "invocations": 4 }), 0));
    accepted(&app, "fails", &json!(5)).await;
    app.service().get("/admin/v1/invocations?state=lost").await.assert_status(400).problem();
    app.service().get("/admin/v1/invocations/none").await.assert_status(404).problem();
    app.anon().get("/admin/v1/invocations").await.assert_status(403);
    app.service().delete("/admin/v1/functions/fails").await.assert_status(204);
    assert!(invocations(&app, "").await.is_empty(), "they go with their function");
}

#[tokio::test]
async fn the_status_counts_what_waits_runs_and_was_given_up() {
    let app = TestApp::start_with("[functions]\nevent_retry_wait = \"1h\"\nmax_events = 1\n").await;
    let work = async || app.service().get("/admin/v1/status").await.assert_status(200).json()["asynchronous"].clone();
    let none = json!({ "pending": 0, "running": 0, "retrying": 0, "dead": 0, "schedules": 0, "queues": 0 });
    assert_eq!(work().await, none);
    let fails = "exports.handler = async () => { throw new Error('no') };";
    app.create_function("fails", fails, &json!({})).await.assert_status(201);
    app.create_function("ends", fails, &json!({})).await.assert_status(201);
    configure(&app, "ends", &json!({ "MaximumRetryAttempts": 0 })).await.assert_status(200);
    app.create_function(
        "stays",
        "exports.handler = () => new Promise((done) => setTimeout(done, 100_000));",
        &json!({ "Timeout": 120 }),
    )
    .await
    .assert_status(201);
    for name in ["one", "two"] {
        app.sqs("CreateQueue", &json!({ "QueueName": name })).await.assert_status(200);
    }
    for (name, is_enabled) in [("on", true), ("off", false)] {
        let schedule = json!({ "expression": "rate(1 day)", "enabled": is_enabled });
        app.service().put(&format!("/admin/v1/functions/fails/schedules/{name}")).json(&schedule).await.assert_status(201);
    }
    for function in ["fails", "fails", "fails", "ends", "ends"] {
        accepted(&app, function, &json!({})).await;
    }
    let is = async |what: &str, expected: Value| eventually(what, SOON, async || (work().await == expected).then_some(())).await;
    let tried = json!({ "pending": 0, "running": 0, "retrying": 3, "dead": 2, "schedules": 1, "queues": 2 });
    is("a try of each", tried).await;
    // There is one place: the second has to wait.
    for _ in 0..2 {
        accepted(&app, "stays", &json!({})).await;
    }
    let all = json!({ "pending": 1, "running": 1, "retrying": 3, "dead": 2, "schedules": 1, "queues": 2 });
    is("one that runs and one that waits", all).await;
}

#[tokio::test]
async fn how_events_are_tried_is_set_as_with_lambda() {
    let app = TestApp::start().await;
    app.create_function("one", TELLS, &json!({})).await.assert_status(201);
    let target = "/2019-09-25/functions/one/event-invoke-config";
    app.aws(&Method::GET, target, &[], b"").await.assert_status(404);
    app.aws(&Method::POST, target, &[], b"{}").await.assert_status(404);
    let set = configure(&app, "one", &json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 })).await;
    let set = set.assert_status(200).json();
    assert_eq!((&set["MaximumRetryAttempts"], &set["MaximumEventAgeInSeconds"]), (&json!(0), &json!(60)));
    assert_eq!(set["FunctionArn"], "arn:aws:lambda:local:000000000000:function:one:$LATEST");
    assert!(set["LastModified"].is_f64(), "{set}");
    let changed = app.aws(&Method::POST, target, &[], br#"{"MaximumRetryAttempts":1}"#).await.assert_status(200).json();
    assert_eq!((&changed["MaximumRetryAttempts"], &changed["MaximumEventAgeInSeconds"]), (&json!(1), &json!(60)));
    let listed = app.aws(&Method::GET, &format!("{target}/list"), &[], b"").await.assert_status(200).json();
    assert_eq!(listed["FunctionEventInvokeConfigs"], json!([changed]));
    for wrong in [
        json!({ "MaximumRetryAttempts": 3 }),
        json!({ "MaximumEventAgeInSeconds": 59 }),
        json!({ "DestinationConfig": { "OnSuccess": { "Destination": "arn:aws:lambda:local:000000000000:function:nobody" } } }),
        json!({ "DestinationConfig": { "OnFailure": { "Destination": "somewhere" } } }),
    ] {
        assert_eq!(configure(&app, "one", &wrong).await.status(), 400, "{wrong}");
    }
    app.aws(&Method::DELETE, target, &[], b"").await.assert_status(204);
    app.aws(&Method::DELETE, target, &[], b"").await.assert_status(404);
}

#[tokio::test]
async fn no_accepted_event_is_lost_by_sigkill() {
    let mut app = TestApp::start_with(QUICK).await;
    let slow = "exports.handler = async (event) => { await new Promise((done) => setTimeout(done, 50)); console.log(JSON.stringify(event)); };";
    app.create_function("slow", slow, &json!({})).await.assert_status(201);
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(accepted(&app, "slow", &json!(number)).await);
    }
    app.kill9();
    app.restart().await;
    eventually("the end of every event", AFTER_A_LEASE, async || invocations(&app, "").await.is_empty().then_some(())).await;
    // Lines of the last two seconds before the kill are lost, and with them the trace of what was over by then; so each event is
    // over, and each that was under way ran again.
    let again = told(&app, "slow").await;
    assert!(again.iter().all(|(id, _)| ids.contains(id)), "no event came from nowhere");
    assert!(!again.is_empty(), "some were left to run");
}

#[tokio::test]
async fn nodes_on_one_database_share_events_and_those_of_a_dead_node() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await.with_config("[functions]\nmax_events = 2\n");
    let (mut first, second) = nodes.two().await;
    let slow = "exports.handler = async (event) => { await new Promise((done) => setTimeout(done, 200)); console.log(JSON.stringify(event)); };";
    first.create_function("slow", slow, &json!({})).await.assert_status(201);
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(accepted(&first, "slow", &json!(number)).await);
    }
    eventually("some that run", SOON, async || (!invocations(&second, "?state=running").await.is_empty()).then_some(())).await;
    first.kill9();
    eventually("the end of every event", AFTER_A_LEASE, async || invocations(&second, "").await.is_empty().then_some(())).await;
    let ran = told(&second, "slow").await;
    assert!(ran.iter().all(|(id, _)| ids.contains(id)) && ran.len() >= 10, "the other node ran them: {}", ran.len());
}
