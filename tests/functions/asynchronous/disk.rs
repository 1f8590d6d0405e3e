//! A disk without space: nothing is acknowledged that is not kept, what is refused is said to be, and space ends it.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::told;
use crate::support::{Disk, Options, Response, TestApp, eventually};

const SOON: Duration = Duration::from_secs(30);

/// Longer than a lease, which ends before what could not be ended is tried again.
const AFTER_A_LEASE: Duration = Duration::from_secs(90);

/// What is written at a time: more than a database has left to write over.
const FILLING: usize = 60_000;

/// Runs what it is sent; what that throws is told.
const RUN: &str = "import kv from 'plinth:kv';
    import functions from 'plinth:functions';
    import queue from 'plinth:queue';
    const run = Object.getPrototypeOf(async function () {}).constructor;
    export default async (request) => {
        try { return Response.json(await new run('kv', 'functions', 'queue', await request.text())(kv, functions, queue) ?? null) }
        catch (e) { return Response.json({ code: e.code ?? null, message: e.message }) } }";

/// Tells in its log which event it was called with.
const TELLS: &str = "export const handler = async (event) => console.log(JSON.stringify(event.name))";

async fn run(app: &TestApp, code: String) -> Value {
    app.anon().post("/functions/v1/run").body(code).await.assert_status(200).json()
}

async fn event(app: &TestApp, function: &str, event: &Value) -> Response {
    let target = format!("/2015-03-31/functions/{function}/invocations");
    app.aws(&Method::POST, &target, &[("x-amz-invocation-type", "Event")], event.to_string().as_bytes()).await
}

/// That a text says why: there is no space, or, where the harness limits files instead, the database does not serve.
#[track_caller]
fn assert_says_why(message: &Value) {
    let says = |words: &str| message.as_str().is_some_and(|message| message.contains(words));
    assert!(says("disk is full") || says("does not serve") || says("cannot be called"), "{message}");
}

/// Texts that were acknowledged and texts that were refused.
#[derive(Default)]
struct Ledger {
    kept: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Ledger {
    fn note(&mut self, name: &str, is_kept: bool) {
        if is_kept { &mut self.kept } else { &mut self.refused }.insert(name.to_owned());
    }
}

async fn send(app: &TestApp, url: &str, name: &str) -> bool {
    let body = format!("{name} {}", "x".repeat(FILLING));
    let answer = app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body })).await;
    if answer.status() == 200 {
        return true;
    }
    let refused = answer.assert_status(503).json();
    assert_eq!(refused["__type"], "com.amazonaws.sqs#ServiceUnavailable", "{refused}");
    assert_eq!(answer.header("x-amzn-query-error"), Some("ServiceUnavailable;Receiver"));
    assert_says_why(&refused["message"]);
    false
}

async fn call(app: &TestApp, name: &str) -> bool {
    let answer = event(app, "tells", &json!({ "name": name, "filling": "x".repeat(FILLING) })).await;
    if answer.status() == 202 {
        return true;
    }
    assert_eq!(answer.assert_status(503).header("x-amzn-errortype"), Some("ServiceException"));
    assert_says_why(&answer.json()["Message"]);
    false
}

/// Has the function do something that the platform refuses where there is no space.
async fn done_within(app: &TestApp, code: &str) -> bool {
    let told = run(app, format!("const x = 'x'.repeat({FILLING}); {code}; return true")).await;
    if told == json!(true) {
        return true;
    }
    assert_eq!(told["code"], "unavailable", "{told}");
    assert_says_why(&told["message"]);
    false
}

/// The names of all messages of a queue.
async fn received(app: &TestApp) -> BTreeSet<String> {
    let url = format!("{}/sqs/000000000000/orders", app.url());
    let mut names = BTreeSet::new();
    loop {
        let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600 });
        let answer = app.sqs("ReceiveMessage", &input).await.assert_status(200).json();
        let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()) else { return names };
        let bodies = messages.iter().map(|message| message["Body"].as_str().expect("a body"));
        names.extend(bodies.map(|body| body.split(' ').next().unwrap_or_default().to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_messages_entries_and_events_and_loses_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(folder.path());
    let data = Some(folder.path().join("data"));
    // On PostgreSQL they are on another disk, which is not filled.
    let mut app = TestApp::start_as(Options { data, postgres: Some(false), ..Options::default() }).await;
    let url = app.sqs("CreateQueue", &json!({ "QueueName": "orders" })).await.assert_status(200).json()["QueueUrl"].clone();
    let url = url.as_str().expect("a URL").to_owned();
    app.deploy("tells", TELLS, json!({})).await;
    let permissions = json!({ "kv": { "*": "write" }, "queues": ["orders"], "functions": ["tells"] });
    app.deploy("run", RUN, json!({ "permissions": permissions, "timeout_s": 30 })).await;
    assert!(done_within(&app, "await kv.set('before', 1)").await, "there is space");

    disk.fill(&app);
    let (mut messages, mut events, mut entries) = (Ledger::default(), Ledger::default(), Ledger::default());
    for round in 0..80 {
        let of = |what: &str| format!("{what}{round}");
        messages.note(&of("sqs"), send(&app, &url, &of("sqs")).await);
        events.note(&of("lambda"), call(&app, &of("lambda")).await);
        entries.note(&of("kv"), done_within(&app, &format!("await kv.set('kv{round}', x)")).await);
        let sends = format!("await queue.send('orders', 'module{round} ' + x)");
        messages.note(&of("module"), done_within(&app, &sends).await);
        let calls = format!("await functions.invoke('tells', {{ name: 'module{round}', x }}, {{ mode: 'event' }})");
        events.note(&of("module"), done_within(&app, &calls).await);
        if [&messages, &events, &entries].iter().all(|ledger| ledger.refused.len() > 5) {
            break;
        }
    }
    for ledger in [&messages, &events, &entries] {
        assert!(!ledger.refused.is_empty(), "the disk was not full");
    }
    // What needs no space goes on.
    assert_eq!(run(&app, "return kv.get('before')".to_owned()).await, json!(1));
    app.sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["All"] })).await.assert_status(200);
    app.service().get("/admin/v1/invocations").await.assert_status(200);
    assert!(app.service().get("/admin/v1/status").await.assert_status(200).json()["asynchronous"].is_object());

    disk.free(&app);
    eventually("messages' being taken again", SOON, async || send(&app, &url, "after").await.then_some(())).await;
    messages.kept.insert("after".to_owned());
    assert!(call(&app, "after").await && done_within(&app, "await kv.set('after', x)").await);
    events.kept.insert("after".to_owned());
    entries.kept.insert("after".to_owned());
    eventually("the end of every event", AFTER_A_LEASE, async || {
        let page = app.service().get("/admin/v1/invocations").await.assert_status(200).json();
        page["invocations"].as_array().expect("a list").is_empty().then_some(())
    })
    .await;
    let ran = |told: Vec<(String, Value)>| told.iter().filter_map(|(_, name)| Some(name.as_str()?.to_owned())).collect();
    eventually("the logs of all that was accepted", SOON, async || {
        let ran: BTreeSet<String> = ran(told(&app, "tells").await);
        (ran == events.kept).then_some(())
    })
    .await;

    app.kill9();
    app.restart().await;
    assert_eq!(received(&app).await, messages.kept);
    let listed = run(&app, "return (await kv.list({ limit: 1000 })).keys.map(({ key }) => key)".to_owned()).await;
    let listed: BTreeSet<String> = serde_json::from_value(listed).expect("keys");
    entries.kept.insert("before".to_owned());
    assert_eq!(listed, entries.kept);
}

/// Takes the request of a function that waits for its answer.
async fn taken(gate: &TcpListener) -> TcpStream {
    let (mut line, _) = tokio::time::timeout(AFTER_A_LEASE, gate.accept()).await.expect("a call").expect("a connection");
    let mut head = [0; 4096];
    assert!(line.read(&mut head).await.expect("a request") > 0);
    line
}

async fn let_go(mut line: TcpStream) {
    line.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.expect("it is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_end_cannot_be_written_is_tried_again_though_others_run_all_the_time() {
    let app = TestApp::start_as(Options { postgres: Some(false), ..Options::default() }).await;
    let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let host = gate.local_addr().expect("it is bound").to_string();
    let waits = "export const handler = async (event) => { await fetch(`http://${process.env.GATE}/`); console.log(JSON.stringify(event)); }";
    app.deploy("waits", waits, json!({ "env": { "GATE": host }, "network": [host], "timeout_s": 60 })).await;
    let stays = "export const handler = () => new Promise((done) => setTimeout(done, 290_000));";
    app.deploy("stays", stays, json!({ "timeout_s": 300 })).await;
    event(&app, "stays", &json!({})).await.assert_status(202);
    let id = event(&app, "waits", &json!("kept")).await.assert_status(202).header("x-amzn-requestid").expect("an id").to_owned();
    let line = taken(&gate).await;
    Disk::Limited.fill(&app);
    let_go(line).await;
    eventually("the end that cannot be written", SOON, async || {
        app.server().log().contains("an event of waits is tried again later").then_some(())
    })
    .await;
    let path = format!("/admin/v1/invocations/{id}");
    assert_eq!(app.service().get(&path).await.assert_status(200).json()["payload"], "kept");
    Disk::Limited.free(&app);
    let_go(taken(&gate).await).await;
    eventually("its end", SOON, async || (app.service().get(&path).await.status() == 404).then_some(())).await;
    eventually("what it logged", SOON, async || {
        let kept = (id.clone(), json!("kept"));
        (told(&app, "waits").await == [kept.clone(), kept]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_times_that_cannot_be_written_fire_when_there_is_space() {
    let config = "[functions]\nevent_retries = 0\n".to_owned();
    let app = TestApp::start_as(Options { config, postgres: Some(false), ..Options::default() }).await;
    app.deploy("fails", "export const handler = async () => { throw new Error('counted') }", json!({})).await;
    let schedule = json!({ "expression": "rate(1 second)", "missed": "all", "payload": "<aws.scheduler.scheduled-time>" });
    let put = async |name: &str| app.service().put(&format!("/admin/v1/functions/fails/schedules/{name}")).json(&schedule).await;
    put("often").await.assert_status(201);
    let count = async || {
        let page = app.service().get("/admin/v1/invocations?limit=1000").await.assert_status(200).json();
        page["invocations"].as_array().expect("a list").len()
    };
    let reaches = async |least: usize| eventually("calls", SOON, async || (count().await >= least).then_some(())).await;
    reaches(2).await;
    Disk::Limited.fill(&app);
    eventually("a due time that is not written", SOON, async || {
        app.server().log().contains("schedules are not fired for now").then_some(())
    })
    .await;
    let problem = put("another").await;
    assert!(matches!(problem.status(), 503 | 507), "{}", problem.text());
    let before = count().await;
    Disk::Limited.free(&app);
    reaches(before + 4).await;
    app.service().delete("/admin/v1/functions/fails/schedules/often").await.assert_status(204);
    let page = app.service().get("/admin/v1/invocations?limit=1000").await.json();
    let mut seconds = Vec::new();
    for call in page["invocations"].as_array().expect("a list") {
        let path = format!("/admin/v1/invocations/{}", call["id"].as_str().expect("an id"));
        let due = app.service().get(&path).await.json()["payload"].clone();
        let due = due.as_str().and_then(|due| due.parse::<chrono::DateTime<chrono::Utc>>().ok()).expect("a time");
        seconds.push(due.timestamp());
    }
    seconds.sort_unstable();
    assert!(seconds.windows(2).all(|pair| pair[0] + 1 == pair[1]), "each due time is one call: {seconds:?}");
}
