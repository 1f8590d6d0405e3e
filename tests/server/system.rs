//! Health, metrics, status, request ids, and the log.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::support::{TestApp, eventually};

/// The access log's line about a request; what the server wrote is read by a thread of its own, so it comes a little later.
async fn logged(app: &TestApp, id: &str) -> String {
    let find = || app.server().log().lines().find(|line| line.contains(id) && line.ends_with(['s', '}'])).map(str::to_owned);
    eventually("the request's line in the access log", Duration::from_secs(10), async || find()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_of_each_part() {
    let app = TestApp::start().await;
    assert_eq!(app.nobody().get("/health/live").await.assert_status(200).json(), json!({ "status": "live" }));
    let ready = app.nobody().get("/health/ready").await.assert_status(200).json();
    for part in ["status", "database", "system_database", "functions", "server"] {
        assert_eq!(ready[part], "ready", "{part} in {ready}");
    }
}

/// Without descriptors for its pipes and sockets no worker can be started: the server says so, and that it is over when it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_covers_the_function_workers() {
    let app = TestApp::start_with("[functions]\nspares = 0\nidle_timeout = \"1s\"").await;
    app.deploy("any", "export const handler = async () => 1", json!({})).await;
    eventually("the end of the compiler", Duration::from_secs(10), async || {
        let status = app.service().get("/admin/v1/status").await.json();
        (status["functions"]["processes"] == 0).then_some(())
    })
    .await;
    app.nobody().get("/health/ready").await.assert_status(200);
    // A connection more is fine, a worker's pipes and sockets are not.
    limit_descriptors(app.server().pid(), Some(2));
    let refused = app.invoke("any", &json!({})).await;
    assert_eq!(refused.assert_status(503).problem()["type"], "/problems/unavailable");
    let health = app.nobody().get("/health/ready").await.assert_status(503).json();
    assert_eq!((&health["status"], &health["functions"]), (&json!("not_ready"), &json!("not_ready")), "{health}");
    assert_eq!((&health["database"], &health["server"]), (&json!("ready"), &json!("ready")), "{health}");
    limit_descriptors(app.server().pid(), None);
    eventually("the server's being ready again, though nobody calls", Duration::from_secs(20), async || {
        (app.nobody().get("/health/ready").await.status() == 200).then_some(())
    })
    .await;
    app.invoke("any", &json!({})).await.assert_status(200);
}

/// Lets a process open so many more descriptors, or as many as it could.
fn limit_descriptors(pid: u32, more: Option<usize>) {
    let open: std::collections::BTreeSet<u64> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the process lives")
        .filter_map(|entry| entry.ok()?.file_name().to_string_lossy().parse().ok())
        .collect();
    let limit = more.map(|more| (0..).filter(|number| !open.contains(number)).nth(more).expect("numbers do not end"));
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // The harness did not change it, so the child's is the test's own.
    let own = getrlimit(Resource::Nofile);
    let limit = Rlimit { current: limit.or(own.current), maximum: own.maximum };
    prlimit(pid, Resource::Nofile, limit).expect("a child may be limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_requests_and_show_memory() {
    let app = TestApp::start().await;
    app.nobody().get("/health/live").await.assert_status(200);
    let metrics = app.nobody().get("/metrics").await;
    assert!(metrics.header("content-type").unwrap_or_default().starts_with("text/plain"));
    let text = metrics.assert_status(200).text();
    let counted = text.lines().find(|line| line.starts_with("plinth_http_requests_total") && line.contains("status=\"200\""));
    let count: f64 = counted.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default();
    assert!(count >= 1.0, "{text}");
    assert!(text.contains("process_resident_memory_bytes"), "{text}");
    assert!(text.contains("plinth_http_request_duration_seconds_bucket"), "{text}");
    app.sign_up("ada@example.com").await;
    let text = app.nobody().get("/metrics").await.text();
    let shown: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(shown.iter().any(|name| name.starts_with("plinth_db_")), "{text}");
    for name in shown.iter().filter(|name| name.starts_with("plinth_db_")) {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_for_the_service_key_alone_and_tells_of_the_sandbox() {
    let app = TestApp::start().await;
    app.nobody().get("/admin/v1/status").await.assert_status(401);
    let refused = app.anon().get("/admin/v1/status").await;
    assert_eq!(refused.assert_status(403).problem()["type"], "/problems/forbidden");
    let user = app.sign_up("ada@example.com").await;
    user.get("/admin/v1/status").await.assert_status(403);

    app.deploy("any", "export const handler = async () => 1", json!({})).await;
    app.invoke("any", &json!({})).await.assert_status(200);
    let status = app.service().get("/admin/v1/status").await.assert_status(200).json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let sandbox = &status["functions"]["sandbox"];
    for layer in ["no_new_privs", "landlock", "seccomp"] {
        assert!(sandbox[layer].is_object(), "{layer} is told as on or off, with a reason: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_request_id_and_so_has_the_log() {
    let app = TestApp::start().await;
    let missing = app.service().get("/admin/v1/nothing").await;
    let id = missing.header("x-request-id").expect("a request id").to_owned();
    assert_eq!(missing.assert_status(404).problem()["request_id"], Value::String(id.clone()));
    let line = logged(&app, &id).await;
    assert!(line.contains("/admin/v1/nothing") && line.contains("404"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_log_lines_are_json_with_the_request_id() {
    let app = TestApp::start_with("[log]\nformat = \"json\"\n").await;
    let answer = app.nobody().get("/health/live?token=secret-in-the-query").await;
    let id = answer.header("x-request-id").expect("a request id").to_owned();
    let line = logged(&app, &id).await;
    let entry: Value = serde_json::from_str(&line).expect("the line is JSON");
    assert_eq!(entry["path"], "/health/live");
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["span"]["request_id"], Value::String(id));
    assert!(!app.server().log().contains("secret-in-the-query"), "a query is never logged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_refused_and_the_server_goes_on() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::start().await;
    let address = app.url().trim_start_matches("http://").to_owned();
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-y: z\r\n".repeat(5000));
    let cases: [&[u8]; 6] = [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /auth/v1/signup HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /auth/v1/signup HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nzz\r\n",
        long_path.as_bytes(),
        many_headers.as_bytes(),
    ];
    for case in cases {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(case).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let head = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || head.starts_with("HTTP/1.1 4"), "refused, not served: {head}");
        app.nobody().get("/health/live").await.assert_status(200);
    }
}
