//! Event source mappings: queues that feed functions, and queues that are told how events ended.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::told;
use crate::support::{Nodes, Response, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(20);

const SOURCES: &str = "/2015-03-31/event-source-mappings";

/// Tells in its log the ids and bodies it was called with.
const TELLS: &str = "exports.handler = async (event) => { console.log(JSON.stringify(event)); };";

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:local:000000000000:{queue}")
}

/// Makes a queue; gives its URL.
async fn queue(app: &TestApp, name: &str, attributes: &Value) -> String {
    let made = app.sqs("CreateQueue", &json!({ "QueueName": name, "Attributes": attributes })).await.assert_status(200).json();
    made["QueueUrl"].as_str().expect("a URL").to_owned()
}

async fn send(app: &TestApp, url: &str, body: &str) {
    app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body })).await.assert_status(200);
}

async fn map(app: &TestApp, function: &str, queue: &str, more: &Value) -> Response {
    let mut body = json!({ "FunctionName": function, "EventSourceArn": arn(queue) });
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    app.aws(&Method::POST, SOURCES, &[], body.to_string().as_bytes()).await
}

async fn mapped(app: &TestApp, function: &str, queue: &str, more: &Value) -> Value {
    map(app, function, queue, more).await.assert_status(202).json()
}

/// How many messages a queue has that are visible, and that are held.
async fn counts(app: &TestApp, url: &str) -> (String, String) {
    let shown =
        app.sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["All"] })).await.assert_status(200).json();
    let count = |name: &str| shown["Attributes"][name].as_str().expect("a count").to_owned();
    (count("ApproximateNumberOfMessages"), count("ApproximateNumberOfMessagesNotVisible"))
}

async fn emptied(app: &TestApp, url: &str) {
    let none = ("0".to_owned(), "0".to_owned());
    eventually("the end of every message", SOON, async || (counts(app, url).await == none).then_some(())).await;
}

async fn received(app: &TestApp, url: &str) -> Value {
    let input = json!({ "QueueUrl": url, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"] });
    app.sqs("ReceiveMessage", &input).await.assert_status(200).json()["Messages"][0].clone()
}

/// The bodies of all records that a function was called with.
async fn bodies(app: &TestApp, function: &str) -> Vec<String> {
    let events = told(app, function).await;
    let records = events.iter().flat_map(|(_, event)| event["Records"].as_array().expect("records").clone());
    records.map(|record| record["body"].as_str().expect("a body").to_owned()).collect()
}

#[tokio::test]
async fn messages_are_handed_over_and_deleted() {
    let app = TestApp::start().await;
    app.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    let url = queue(&app, "orders", &json!({})).await;
    let mapping = mapped(&app, "tells", "orders", &json!({ "BatchSize": 3 })).await;
    assert_eq!((&mapping["State"], &mapping["BatchSize"]), (&json!("Enabled"), &json!(3)));
    assert_eq!(mapping["FunctionArn"], "arn:aws:lambda:local:000000000000:function:tells");
    let attributes = json!({ "color": { "DataType": "String", "StringValue": "blue" } });
    let sent =
        app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "first", "MessageAttributes": attributes })).await.json();
    emptied(&app, &url).await;
    let (_, event) = told(&app, "tells").await.pop().expect("a call");
    let record = &event["Records"][0];
    assert_eq!((&record["messageId"], &record["body"]), (&sent["MessageId"], &json!("first")));
    assert_eq!((&record["eventSource"], &record["eventSourceARN"]), (&json!("aws:sqs"), &json!(arn("orders"))));
    assert_eq!((&record["md5OfBody"], &record["awsRegion"]), (&sent["MD5OfMessageBody"], &json!("local")));
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    let attribute = json!({ "dataType": "String", "stringValue": "blue", "stringListValues": [], "binaryListValues": [] });
    assert_eq!(record["messageAttributes"], json!({ "color": attribute }));

    let wanted: BTreeSet<String> = (0..20).map(|number| number.to_string()).collect();
    for body in &wanted {
        send(&app, &url, body).await;
    }
    emptied(&app, &url).await;
    let mut seen = bodies(&app, "tells").await;
    seen.retain(|body| body != "first");
    assert_eq!(seen.len(), 20, "none twice: {seen:?}");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), wanted);
    for (_, event) in told(&app, "tells").await {
        assert!(event["Records"].as_array().expect("records").len() <= 3, "{event}");
    }
    let id = mapping["UUID"].as_str().expect("an id");
    let shown = app.aws(&Method::GET, &format!("{SOURCES}/{id}"), &[], b"").await.assert_status(200).json();
    assert_eq!(shown["LastProcessingResult"], "OK");
}

#[tokio::test]
async fn what_failed_comes_again_and_then_lies_in_the_dead_letter_queue() {
    let app = TestApp::start().await;
    let source = "exports.handler = async (event) => {
        console.log(JSON.stringify(event));
        return { batchItemFailures: event.Records.filter((one) => one.body.startsWith('bad')).map((one) => ({ itemIdentifier: one.messageId })) };
    };";
    app.create_function("picks", source, &json!({ "Timeout": 1 })).await.assert_status(201);
    let dead = queue(&app, "dead", &json!({})).await;
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 2 }).to_string();
    let url = queue(&app, "work", &json!({ "VisibilityTimeout": "1", "RedrivePolicy": policy })).await;
    let more = json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"], "MaximumBatchingWindowInSeconds": 1 });
    mapped(&app, "picks", "work", &more).await;
    for body in ["good 1", "bad 1", "good 2"] {
        send(&app, &url, body).await;
    }
    let message = received(&app, &dead).await;
    assert_eq!(message["Body"], "bad 1");
    emptied(&app, &url).await;
    let seen = bodies(&app, "picks").await;
    let times = |body: &str| seen.iter().filter(|seen| *seen == body).count();
    assert_eq!((times("good 1"), times("good 2"), times("bad 1")), (1, 1, 2), "{seen:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_understood_fails_the_whole_batch() {
    let app = TestApp::start().await;
    // The body says what is answered.
    let source = "exports.handler = async (event) => JSON.parse(event.Records[0].body);";
    app.create_function("answers", source, &json!({ "Timeout": 1 })).await.assert_status(201);
    queue(&app, "dead", &json!({})).await;
    let policy = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1 }).to_string();
    let url = queue(&app, "answered", &json!({ "VisibilityTimeout": "1", "RedrivePolicy": policy })).await;
    let more = json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"], "BatchSize": 1 });
    mapped(&app, "answers", "answered", &more).await;
    let done = ["null", "{}", "{\"batchItemFailures\":null}", "{\"batchItemFailures\":[]}", "{\"other\":1}"];
    let failed = [
        "7",
        "\"done\"",
        "{\"batchItemFailures\":1}",
        "{\"batchItemFailures\":[{}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":null}]}",
        "{\"batchItemFailures\":[{\"itemIdentifier\":\"another\"}]}",
    ];
    for body in done.iter().chain(&failed) {
        send(&app, &url, body).await;
    }
    let dead = format!("{}/sqs/000000000000/dead", app.url());
    let mut buried = BTreeSet::new();
    while buried.len() < failed.len() {
        let message = received(&app, &dead).await;
        buried.insert(message["Body"].as_str().unwrap_or_else(|| panic!("only {buried:?} failed")).to_owned());
    }
    assert_eq!(buried, failed.map(str::to_owned).into());
    emptied(&app, &url).await;
}

#[tokio::test]
async fn what_no_filter_matches_is_deleted_unseen() {
    let app = TestApp::start().await;
    app.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    let url = queue(&app, "mixed", &json!({})).await;
    let pattern = json!({ "body": { "state": ["paid"], "total": [{ "numeric": [">=", 10] }] } }).to_string();
    let filters = json!({ "FilterCriteria": { "Filters": [{ "Pattern": pattern }] } });
    mapped(&app, "tells", "mixed", &filters).await;
    let paid = |total: u32| json!({ "state": "paid", "total": total }).to_string();
    for body in [paid(9), json!({ "state": "new", "total": 10 }).to_string(), "no JSON".to_owned(), paid(10)] {
        send(&app, &url, &body).await;
    }
    emptied(&app, &url).await;
    assert_eq!(bodies(&app, "tells").await, [paid(10)]);
}

#[tokio::test]
async fn mappings_are_listed_changed_stopped_and_removed() {
    let app = TestApp::start().await;
    for function in ["one", "two"] {
        app.create_function(function, TELLS, &json!({})).await.assert_status(201);
    }
    let url = queue(&app, "orders", &json!({})).await;
    queue(&app, "others", &json!({})).await;
    let first = mapped(&app, "one", "orders", &json!({ "Enabled": false })).await;
    let second = mapped(&app, "two", "others", &json!({})).await;
    assert_eq!(first["State"], "Disabled");
    let again = map(&app, "one", "orders", &json!({})).await;
    assert_eq!(again.assert_status(409).header("x-amzn-errortype"), Some("ResourceConflictException"));

    let list = async |query: &str| {
        let page = app.aws(&Method::GET, &format!("{SOURCES}{query}"), &[], b"").await.assert_status(200).json();
        page["EventSourceMappings"].as_array().expect("a list").iter().map(|one| one["UUID"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("?FunctionName=one").await, [first["UUID"].clone()]);
    assert_eq!(list("?EventSourceArn=arn%3Aaws%3Asqs%3Alocal%3A000000000000%3Aothers").await, [second["UUID"].clone()]);
    assert_eq!(list("").await.len(), 2);
    let page = app.aws(&Method::GET, &format!("{SOURCES}?MaxItems=1"), &[], b"").await.json();
    let marker = page["NextMarker"].as_str().expect("a marker");
    assert_eq!(list(&format!("?Marker={marker}")).await.len(), 1);

    send(&app, &url, "waits").await;
    let of_first = format!("{SOURCES}/{}", first["UUID"].as_str().expect("an id"));
    let change = json!({ "Enabled": true, "FunctionName": "two", "BatchSize": 20, "MaximumBatchingWindowInSeconds": 1,
                         "ScalingConfig": { "MaximumConcurrency": 2 } });
    let changed = app.aws(&Method::PUT, &of_first, &[], change.to_string().as_bytes()).await.assert_status(202).json();
    assert_eq!((&changed["State"], &changed["ScalingConfig"]["MaximumConcurrency"]), (&json!("Enabled"), &json!(2)));
    emptied(&app, &url).await;
    assert_eq!(bodies(&app, "two").await, ["waits"]);

    let gone = app.aws(&Method::DELETE, &of_first, &[], b"").await.assert_status(202).json();
    assert_eq!(gone["State"], "Deleting");
    app.aws(&Method::GET, &of_first, &[], b"").await.assert_status(404);
    app.aws(&Method::DELETE, "/2015-03-31/functions/two", &[], b"").await.assert_status(204);
    assert_eq!(list("").await, Vec::<Value>::new(), "a function's mappings go with it");
}

#[tokio::test]
async fn what_is_wrong_with_a_mapping_is_said() {
    let app = TestApp::start().await;
    app.create_function("slow", TELLS, &json!({ "Timeout": 60 })).await.assert_status(201);
    app.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    queue(&app, "orders", &json!({})).await;
    for (function, queue, more, status, says) in [
        ("nobody", "orders", json!({}), 404, "Function not found"),
        ("tells", "nothing", json!({}), 400, "nothing does not exist"),
        ("slow", "orders", json!({}), 400, "less than Function timeout: 60 seconds"),
        ("tells", "orders", json!({ "BatchSize": 11 }), 400, "Maximum batch window"),
        ("tells", "orders", json!({ "BatchSize": 0 }), 400, "batchSize"),
        ("tells", "orders", json!({ "StartingPosition": "LATEST" }), 400, "StartingPosition"),
        ("tells", "orders", json!({ "ScalingConfig": { "MaximumConcurrency": 1 } }), 400, "maximumConcurrency"),
        ("tells", "orders", json!({ "FunctionResponseTypes": ["All"] }), 400, "ReportBatchItemFailures"),
        ("tells", "orders", json!({ "FilterCriteria": { "Filters": [{ "Pattern": "{\"body\": 1}" }] } }), 400, "body: must be"),
        ("tells", "orders", json!({ "EventSourceArn": "arn:aws:kinesis:local:000000000000:stream/a" }), 400, "ARN of a queue"),
    ] {
        let answer = map(&app, function, queue, &more).await;
        let message = answer.assert_status(status).json()["Message"].as_str().expect("a message").to_owned();
        assert!(message.contains(says), "{function} {queue} {more}: {message}");
    }
    app.aws(&Method::GET, &format!("{SOURCES}/none"), &[], b"").await.assert_status(404);
    app.aws(&Method::PATCH, SOURCES, &[], b"").await.assert_status(404);
}

#[tokio::test]
async fn queues_are_told_how_events_ended() {
    let app = TestApp::start_with("[functions]\nevent_retry_wait = \"50ms\"\n").await;
    for name in ["good", "failed", "dead"] {
        queue(&app, name, &json!({})).await;
    }
    let url = |name: &str| format!("{}/sqs/000000000000/{name}", app.url());
    let source = "exports.handler = async (event) => { if (event.fails) throw new RangeError('too far'); return event; };";
    app.create_function("works", source, &json!({ "DeadLetterConfig": { "TargetArn": arn("dead") } })).await.assert_status(201);
    let destinations = json!({ "DestinationConfig": { "OnSuccess": { "Destination": arn("good") }, "OnFailure": { "Destination": arn("failed") } } });
    let target = "/2019-09-25/functions/works/event-invoke-config";
    app.aws(&Method::PUT, target, &[], destinations.to_string().as_bytes()).await.assert_status(200);
    let nowhere = json!({ "DestinationConfig": { "OnSuccess": { "Destination": arn("nothing") } } });
    app.aws(&Method::PUT, target, &[], nowhere.to_string().as_bytes()).await.assert_status(400);
    let call = async |event: &Value| {
        let headers = [("x-amz-invocation-type", "Event")];
        let path = "/2015-03-31/functions/works/invocations";
        let answer = app.aws(&Method::POST, path, &headers, event.to_string().as_bytes()).await;
        answer.assert_status(202).header("x-amzn-requestid").expect("an id").to_owned()
    };
    let id = call(&json!({ "n": 1 })).await;
    let record: Value = serde_json::from_str(received(&app, &url("good")).await["Body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&record["requestContext"]["requestId"], &record["responsePayload"]), (&json!(id), &json!({ "n": 1 })));

    let id = call(&json!({ "fails": true })).await;
    let record: Value =
        serde_json::from_str(received(&app, &url("failed")).await["Body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(
        (&record["requestContext"]["requestId"], &record["requestContext"]["condition"]),
        (&json!(id), &json!("RetriesExhausted"))
    );
    let letter = received(&app, &url("dead")).await;
    assert_eq!(letter["Body"], json!({ "fails": true }).to_string());
    let attribute = |name: &str| letter["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(
        (attribute("RequestID"), attribute("ErrorCode"), attribute("ErrorMessage")),
        (json!(id), json!("200"), json!("too far"))
    );
}

#[tokio::test]
async fn a_queue_that_is_gone_is_looked_for_less_and_less_often_and_served_when_it_is_back() {
    let mut app = TestApp::start().await;
    app.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    let url = queue(&app, "orders", &json!({})).await;
    mapped(&app, "tells", "orders", &json!({})).await;
    app.sqs("DeleteQueue", &json!({ "QueueUrl": url })).await.assert_status(200);
    // A feeder that began before may wait for a message for a while yet.
    app.restart().await;
    for seconds in [2, 4] {
        let line = format!("the messages of orders are not handed to tells for {seconds} s");
        eventually(&line, SOON, async || app.server().log().contains(&line).then_some(())).await;
    }
    let url = queue(&app, "orders", &json!({})).await;
    send(&app, &url, "late").await;
    emptied(&app, &url).await;
    assert_eq!(bodies(&app, "tells").await, ["late"]);
}

#[tokio::test]
async fn messages_outlive_sigkill_of_who_feeds_the_function() {
    let mut app = TestApp::start().await;
    let source = "exports.handler = async (event) => { console.log(JSON.stringify(event)); await new Promise((done) => setTimeout(done, 200)); };";
    app.create_function("slow", source, &json!({ "Timeout": 2 })).await.assert_status(201);
    let url = queue(&app, "kept", &json!({ "VisibilityTimeout": "2" })).await;
    for number in 0..10 {
        send(&app, &url, &number.to_string()).await;
    }
    mapped(&app, "slow", "kept", &json!({ "BatchSize": 1, "ScalingConfig": { "MaximumConcurrency": 2 } })).await;
    eventually("a first call", SOON, async || (!bodies(&app, "slow").await.is_empty()).then_some(())).await;
    app.kill9();
    app.restart().await;
    let url = format!("{}/sqs/000000000000/kept", app.url());
    eventually("the end of every message", Duration::from_secs(90), async || {
        (counts(&app, &url).await == ("0".to_owned(), "0".to_owned())).then_some(())
    })
    .await;
    // Those of the calls that the kill interrupted may have been logged by neither or by both.
    let seen: BTreeSet<String> = bodies(&app, "slow").await.into_iter().collect();
    assert!(seen.len() >= 8, "{seen:?}");
}

#[tokio::test]
async fn two_nodes_feed_from_one_queue() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await;
    let (first, second) = nodes.two().await;
    first.create_function("tells", TELLS, &json!({})).await.assert_status(201);
    let orders = queue(&first, "orders", &json!({})).await;
    mapped(&first, "tells", "orders", &json!({ "BatchSize": 1 })).await;
    let wanted: BTreeSet<String> = (0..30).map(|number| number.to_string()).collect();
    for body in &wanted {
        send(if body.len() == 1 { &first } else { &second }, &orders, body).await;
    }
    emptied(&second, &orders).await;
    let seen = bodies(&first, "tells").await;
    assert_eq!(seen.len(), 30, "none twice: {seen:?}");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), wanted);
}
