//! Following the functions' log: server-sent events over real sockets, and the filters of the list and the stream.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::ECHO;
use crate::support::{TestApp, eventually};

const TALKS: &str = "export const handler = async (event) => {
    const { lines, size } = JSON.parse(event.body);
    for (const line of lines) console.log(line + 'x'.repeat(size ?? 0));
    return lines.length; };";

const PATIENCE: Duration = Duration::from_secs(20);

/// One event as it came.
#[derive(Debug)]
struct Event {
    id: Option<i64>,
    name: String,
    data: Value,
}

impl Event {
    fn text(&self) -> &str {
        self.data["text"].as_str().unwrap_or_default()
    }
}

/// A client that follows.
struct Follower {
    answer: reqwest::Response,
    rest: String,
}

impl Follower {
    /// Follows, and waits until the server says so: what is logged after that is told.
    async fn new(app: &TestApp, path: &str, last: Option<i64>) -> Self {
        let mut request = app.service().get(path).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", &last.to_string());
        }
        let answer = request.stream().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut follower = Self { answer, rest: String::new() };
        assert_eq!(follower.block().await.as_deref(), Some(": following"));
        follower
    }

    /// The next block between empty lines; `None` when the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("something comes");
            self.rest.push_str(&String::from_utf8_lossy(&chunk.expect("the stream is whole")?));
        }
    }

    /// The next event, past comments.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if let Some(event) = parse(&block) {
                return Some(event);
            }
        }
    }

    /// The events up to the first whose text contains this.
    async fn until(&mut self, part: &str) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.expect("the stream goes on");
            let is_last = event.text().contains(part);
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).expect("the data are JSON");
    Some(Event { id: field("id").and_then(|id| id.parse().ok()), name: field("event")?.to_owned(), data })
}

async fn talk(app: &TestApp, name: &str, lines: &[&str]) -> String {
    let answer = app.invoke(name, &json!({ "lines": lines })).await;
    answer.assert_status(200).header("x-request-id").expect("an id").to_owned()
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().map(Event::text).collect()
}

async fn listed(app: &TestApp, path: &str) -> Vec<String> {
    let answer = app.service().get(path).await.assert_status(200).json();
    let entries = answer["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn what_is_logged_comes_as_it_happens_and_once() {
    let app = TestApp::start().await;
    app.deploy("talks", TALKS, json!({})).await;
    talk(&app, "talks", &["before"]).await;
    let mut follower = Follower::new(&app, "/admin/v1/functions/talks/logs", None).await;
    let id = talk(&app, "talks", &["one", "two"]).await;
    let events = follower.until("REPORT").await;
    assert!(texts(&events)[0].starts_with("START RequestId: "), "only what came after: {events:?}");
    assert_eq!(texts(&events)[1..3], ["one", "two"]);
    for event in &events {
        assert_eq!(event.name, "log");
        assert_eq!((&event.data["function"], &event.data["request_id"]), (&json!("talks"), &json!(id)));
        assert_eq!(event.data["id"].as_str().and_then(|id| id.parse().ok()), event.id);
    }
    let ids: Vec<_> = events.iter().map(|event| event.id.expect("an id")).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    talk(&app, "talks", &["three"]).await;
    let more = follower.until("REPORT").await;
    assert_eq!((texts(&more)[1], more.len()), ("three", 4), "nothing comes twice");
    // The same is in the list.
    let list = listed(&app, "/admin/v1/functions/talks/logs?limit=1000").await;
    let seen: Vec<_> = events.iter().chain(&more).map(|event| event.text().to_owned()).collect();
    assert!(list.ends_with(&seen), "{list:?} ends with {seen:?}");
}

#[tokio::test]
async fn who_reconnects_goes_on_behind_the_last_event() {
    let app = TestApp::start().await;
    app.deploy("talks", TALKS, json!({})).await;
    let path = "/admin/v1/functions/talks/logs?kind=function&follow=true";
    let mut follower = Follower::new(&app, path, None).await;
    talk(&app, "talks", &["first"]).await;
    let last = follower.until("first").await.pop().expect("an event").id;
    drop(follower);
    let many: Vec<String> = (0..450).map(|at| format!("line {at}")).collect();
    talk(&app, "talks", &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut again = Follower::new(&app, path, last).await;
    talk(&app, "talks", &["last"]).await;
    let events = again.until("last").await;
    assert_eq!(texts(&events)[..450], many, "none is lost");
    assert_eq!((texts(&events)[450], events.len()), ("last", 451), "and none comes twice");
    // `since` begins with what is there already.
    let since = events[400].data["at"].as_str().expect("a time").to_owned();
    let mut from_then = Follower::new(&app, &format!("{path}&since={since}"), None).await;
    let events = from_then.until("last").await;
    assert!(texts(&events).contains(&"line 400") && events.len() >= 51, "{} events", events.len());
}

#[tokio::test]
async fn filters_are_the_same_for_the_list_and_the_stream() {
    let app = TestApp::start().await;
    let source = "export const handler = async () => {
        console.debug('quiet'); console.log('said 100%'); console.warn('careful'); console.error('bad ORDER_17'); };";
    app.deploy("levels", source, json!({})).await;
    app.deploy("talks", TALKS, json!({})).await;
    let cases: [(&str, &[&str]); 7] = [
        ("kind=function&level=warn", &["careful", "bad ORDER_17"]),
        ("kind=function&level=ERROR", &["bad ORDER_17"]),
        ("kind=function", &["quiet", "said 100%", "careful", "bad ORDER_17"]),
        ("kind=function&contains=ORDER_1", &["bad ORDER_17"]),
        ("kind=function&contains=100%25", &["said 100%"]),
        ("kind=function&contains=order_1", &[]),
        ("kind=platform&contains=END%20", &["END"]),
    ];
    let mut followers = Vec::new();
    for (query, _) in cases {
        followers.push(Follower::new(&app, &format!("/admin/v1/logs?function=levels&{query}"), None).await);
    }
    let mut all = Follower::new(&app, "/admin/v1/logs?kind=function", None).await;
    let id = app.invoke("levels", &json!({})).await.header("x-request-id").expect("an id").to_owned();
    for (query, expected) in cases {
        let list = listed(&app, &format!("/admin/v1/functions/levels/logs?{query}")).await;
        let matches = list.len() == expected.len() && list.iter().zip(expected).all(|(line, part)| line.starts_with(part));
        assert!(matches, "{query}: {list:?}");
    }
    for ((query, expected), follower) in cases.into_iter().zip(&mut followers) {
        for part in expected {
            let event = follower.next().await.expect("an event");
            assert!(event.text().starts_with(part), "{query}: {event:?}");
        }
    }
    // Over all functions, each with its name.
    talk(&app, "talks", &["elsewhere"]).await;
    let events = all.until("elsewhere").await;
    let functions: BTreeSet<_> = events.iter().map(|event| event.data["function"].as_str().expect("a name")).collect();
    assert_eq!(functions, BTreeSet::from(["levels", "talks"]));
    assert_eq!(listed(&app, &format!("/admin/v1/logs?request_id={id}&kind=function")).await.len(), 4);
    assert_eq!(listed(&app, "/admin/v1/logs?kind=function&limit=1").await, ["elsewhere"]);

    let service = app.service();
    for query in ["level=loud", "kind=mine", "contains=", "function=none%20such", "follow=perhaps"] {
        service.get(&format!("/admin/v1/logs?{query}")).await.assert_status(400).problem();
    }
    let long = "x".repeat(201);
    service.get(&format!("/admin/v1/logs?contains={long}")).await.assert_status(400).problem();
    service.get("/admin/v1/functions/talks/logs?function=talks").await.assert_status(400).problem();
    service.get("/admin/v1/logs?function=none").await.assert_status(404).problem();
    service.get("/admin/v1/logs?follow=true").header("last-event-id", "x").await.assert_status(400).problem();
    app.anon().get("/admin/v1/logs").await.assert_status(403).problem();
}

/// A follower that does not read keeps nobody up, and is told what it missed.
#[tokio::test]
async fn a_slow_follower_is_told_how_many_lines_it_missed() {
    let app = TestApp::start_with("[functions]\nlog_limit = \"16MiB\"").await;
    app.deploy("talks", TALKS, json!({ "timeout_s": 30 })).await;
    let before = app.resident_bytes();
    let mut slow = connect_slowly(&app, "/admin/v1/functions/talks/logs?kind=function&follow=true").await;
    let lines: Vec<String> = (0..2000).map(|at| format!("{at} ")).collect();
    let calls = 16;
    for _ in 0..calls {
        let answer = app.invoke("talks", &json!({ "lines": lines, "size": 1000 })).await;
        answer.assert_status(200);
        // Written, and so handed out, before the next call.
        listed(&app, "/admin/v1/functions/talks/logs?limit=1").await;
    }
    talk(&app, "talks", &["the very last"]).await;
    let grown = app.resident_bytes().saturating_sub(before);
    let mut text = Vec::new();
    tokio::time::timeout(PATIENCE, async {
        while !text.windows(13).any(|part| part == b"the very last") {
            // Of what is read only the end is looked through again.
            let mut chunk = vec![0; 256 * 1024];
            let read = slow.read(&mut chunk).await.expect("the socket is whole");
            assert_ne!(read, 0, "the stream goes on");
            chunk.truncate(read);
            let missed: Vec<_> = String::from_utf8_lossy(&chunk)
                .lines()
                .filter(|line| line.starts_with("data: {\"lines\":"))
                .map(str::to_owned)
                .collect();
            text = [text.split_off(text.len().saturating_sub(64)), chunk].concat();
            if !missed.is_empty() {
                return;
            }
        }
        panic!("nothing was missed");
    })
    .await
    .expect("it is told in time");
    assert!(grown < 64 * 1024 * 1024, "the server grew by {} KiB", grown / 1024);
}

/// A connection with small buffers from which nothing is read but the head of the answer.
async fn connect_slowly(app: &TestApp, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = app.url().trim_start_matches("http://").parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", app.key("service_key"));
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    let mut seen = Vec::new();
    while !seen.windows(11).any(|part| part == b": following") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).await.expect("the head comes");
        seen.push(byte[0]);
    }
    stream
}

#[tokio::test]
async fn so_many_follow_and_no_more() {
    let app = TestApp::start_with("[functions]\nlog_followers = 2").await;
    app.deploy("echo", ECHO, json!({})).await;
    let path = "/admin/v1/functions/echo/logs?follow=true";
    let first = Follower::new(&app, path, None).await;
    let _second = Follower::new(&app, path, None).await;
    let refused = app.service().get(path).await;
    assert_eq!(refused.assert_status(429).problem()["type"], "/problems/too_many_requests");
    drop(first);
    // At once, though nothing is logged; the comment that would fail to be sent comes after 15 seconds.
    eventually("a place's becoming free", Duration::from_secs(10), async || {
        let answer = app.service().get(path).stream().await.ok()?;
        (answer.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_cleanly_when_the_server_stops() {
    let mut app = TestApp::start().await;
    app.deploy("echo", ECHO, json!({})).await;
    let mut follower = Follower::new(&app, "/admin/v1/logs", None).await;
    app.server().signal(Signal::TERM);
    let event = follower.next().await.expect("the end is told");
    assert_eq!(event.name, "end", "{event:?}");
    assert_eq!(follower.block().await, None, "the answer is complete");
    assert!(app.server_mut().ended(Duration::from_secs(10)).await.success());
}

#[tokio::test]
async fn the_command_line_shows_and_filters_the_log() {
    let app = TestApp::start().await;
    app.deploy("talks", TALKS, json!({})).await;
    talk(&app, "talks", &["hello from here"]).await;
    let shown = app.plinth(&["functions", "logs", "talks", "--kind", "function"]);
    assert!(shown.status.success(), "{}", shown.stderr);
    assert_eq!(shown.stdout.lines().count(), 1, "{}", shown.stdout);
    assert!(shown.stdout.contains("INFO\thello from here"), "{}", shown.stdout);
    let none = app.plinth(&["functions", "logs", "talks", "--level", "error"]);
    assert_eq!((none.status.success(), none.stdout.as_str()), (true, ""));
    let refused = app.plinth(&["functions", "logs", "talks", "--level", "loud"]);
    assert!(!refused.status.success() && refused.stderr.contains("trace, debug, info"), "{}", refused.stderr);
}

#[tokio::test]
async fn the_command_line_follows_the_log() {
    let mut app = TestApp::start().await;
    app.deploy("talks", TALKS, json!({})).await;
    talk(&app, "talks", &["before"]).await;
    let (url, key) = (app.url(), app.key("service_key").to_owned());
    let arguments = ["functions", "--url", &url, "--key", &key, "logs", "talks", "--follow", "--kind", "function"];
    let mut follower = app.plinth_in_background(&arguments);
    // From when it follows, which it does not say: until then it may miss a line.
    eventually("the first line", PATIENCE, async || {
        talk(&app, "talks", &["early"]).await;
        follower.log().contains("early").then_some(())
    })
    .await;
    let id = talk(&app, "talks", &["one", "two"]).await;
    eventually("the lines", PATIENCE, async || follower.log().contains("\ttwo\n").then_some(())).await;
    let shown = follower.log();
    assert!(!shown.contains("before") && !shown.contains("START"), "only what is new, and of the kind asked for: {shown}");
    let line = shown.lines().find(|line| line.ends_with("\tone")).expect("the line");
    assert_eq!(line.split('\t').skip(1).collect::<Vec<_>>(), [id.as_str(), "INFO", "one"]);
    assert_eq!(shown.matches("\tone\n").count(), 1);
    // It waits for a server that goes away, and says so.
    app.kill9();
    eventually("its saying so", PATIENCE, async || follower.log().contains("is gone; waiting for it").then_some(())).await;
    follower.signal(Signal::INT);
    assert!(!follower.ended(PATIENCE).await.success());
    // One that cannot begin ends with the reason.
    let refused = app.plinth(&arguments);
    assert!(!refused.status.success() && refused.stderr.contains("does not answer"), "{}", refused.stderr);
}
