//! Clients that are slow on purpose, or too many.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{SOON, access_line, raw};
use crate::support::{TestApp, eventually};

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

async fn open(app: &TestApp) -> TcpStream {
    TcpStream::connect(raw::address(app)).await.unwrap()
}

/// Reads one answer of a connection that stays: its head, and as many bytes as that says.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut piece = [0; 1024];
        let read = tokio::time::timeout(SOON, stream.read(&mut piece)).await.expect("in time").expect("an answer");
        assert!(read > 0, "ended within {text:?}");
        answer.extend_from_slice(&piece[..read]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_is_answered_408() {
    let app = TestApp::start_with("[server]\nhead_timeout = \"1s\"\n").await;
    let mut stream = open(&app).await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    assert_eq!(raw::statuses(&answer), [408], "{answer}");
    let mut silent = open(&app).await;
    assert!(raw::ends(&mut silent).await, "who says nothing at all is closed, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_not_kept_longer_than_said_even_with_half_a_second_head() {
    let app = TestApp::start_with("[server]\nhead_timeout = \"1s\"\nkeep_alive = \"1s\"\n").await;
    let mut idle = open(&app).await;
    idle.write_all(LIVE).await.unwrap();
    one_answer(&mut idle).await;
    let mut half = open(&app).await;
    half.write_all(LIVE).await.unwrap();
    one_answer(&mut half).await;
    half.write_all(b"GET /health/live HTTP/1.1\r\nhost: ").await.unwrap();
    assert!(raw::ends(&mut idle).await, "an idle connection is closed");
    assert!(raw::ends(&mut half).await, "so is one with half a head");
    app.nobody().get("/health/live").await.assert_status(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_in_the_middle_is_answered_408_and_one_that_trickles_is_taken() {
    let app = TestApp::start_with("[server]\nbody_timeout = \"1s\"\n").await;
    let head = |length: usize| {
        format!(
            "POST /auth/v1/signup HTTP/1.1\r\nhost: x\r\napikey: {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
            app.key("anon_key")
        )
    };
    let mut stream = open(&app).await;
    stream.write_all(head(100).as_bytes()).await.unwrap();
    stream.write_all(b"{\"email\":").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    assert_eq!(raw::statuses(&answer), [408], "{answer}");
    assert!(answer.contains("/problems/request_timeout"), "{answer}");

    let body = b"{\"email\":\"trickle@example.com\",\"password\":\"correct horse battery\"}";
    let mut stream = open(&app).await;
    stream.write_all(head(body.len()).as_bytes()).await.unwrap();
    let mut pause = tokio::time::interval(Duration::from_millis(30));
    for byte in body {
        pause.tick().await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(raw::statuses(&one_answer(&mut stream).await), [200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_an_answer_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("large.bin")).unwrap();
    file.set_len(256 << 20).unwrap();
    let config = format!("[server]\nsend_timeout = \"1s\"\n[log]\nformat = \"json\"\n[site]\nroot = {:?}\n", folder.path());
    let app = TestApp::start_with(&config).await;
    let mut stream = open(&app).await;
    stream.write_all(b"GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let line = access_line(&app, "/large.bin").await;
    assert_eq!(line["aborted"], true, "{line}");
    assert!(line["bytes"].as_u64().unwrap() < 256 << 20, "{line}");
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections_and_a_proxy_as_many_as_it_likes() {
    let app = TestApp::start_with("[server]\nmax_connections_per_address = 30\n").await;
    let mut held = Vec::new();
    let refused = loop {
        let mut stream = open(&app).await;
        stream.write_all(LIVE).await.unwrap();
        let answer = one_answer(&mut stream).await;
        if raw::statuses(&answer) != [200] {
            break answer;
        }
        held.push(stream);
        assert!(held.len() <= 30, "no more than said");
    };
    assert_eq!(raw::statuses(&refused), [429], "{refused}");
    assert!(refused.to_ascii_lowercase().contains("connection: close"), "{refused}");
    assert!(held.len() >= 20, "the harness has some itself: {}", held.len());
    // Those that are there go on, and room comes back.
    let first = held.first_mut().unwrap();
    first.write_all(LIVE).await.unwrap();
    assert_eq!(raw::statuses(&one_answer(first).await), [200]);
    drop(held);
    eventually("room for another", SOON, async || {
        let mut stream = open(&app).await;
        stream.write_all(LIVE).await.ok()?;
        (raw::statuses(&one_answer(&mut stream).await) == [200]).then_some(())
    })
    .await;
    app.configure("[server]\nmax_connections_per_address = 1\ntrusted_proxies = [\"127.0.0.1\"]\n");
    eventually("the reload", SOON, async || {
        (app.service().post("/admin/v1/reload").try_send().await.ok()?.status() == 200).then_some(())
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut stream = open(&app).await;
        stream.write_all(LIVE).await.unwrap();
        assert_eq!(raw::statuses(&one_answer(&mut stream).await), [200]);
        held.push(stream);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_pressure_no_connection_is_kept_for_a_next_request() {
    let app = TestApp::start_with("[server]\nworkers = 1\nmax_connections = 16\n").await;
    let mut held = Vec::new();
    let closing = loop {
        let mut stream = open(&app).await;
        stream.write_all(LIVE).await.unwrap();
        let answer = one_answer(&mut stream).await.to_ascii_lowercase();
        assert_eq!(raw::statuses(&answer.to_ascii_uppercase()), [200], "{answer}");
        if answer.contains("connection: close") {
            break stream;
        }
        held.push(stream);
        assert!(held.len() <= 16, "a limit is near");
    };
    let mut closing = closing;
    assert!(raw::ends(&mut closing).await);
    assert!(held.len() >= 8, "three quarters are kept: {}", held.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_and_headers_have_a_limit() {
    let app = TestApp::start_with("[server]\nmax_head = \"8KiB\"\n").await;
    let address = raw::address(&app);
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
    let long = get(&format!("/health/live?{}", "a".repeat(9000)), "");
    let answer = raw::send(&address, long.as_bytes()).await;
    assert_eq!(raw::statuses(&answer), [414], "{answer}");
    assert!(answer.contains("/problems/uri_too_long"), "{answer}");
    let wide = get("/health/live", &format!("x-wide: {}\r\n", "a".repeat(9000)));
    let answer = raw::send(&address, wide.as_bytes()).await;
    assert_eq!(raw::statuses(&answer), [431], "{answer}");
    let fits = get(&format!("/health/live?{}", "a".repeat(7000)), &format!("x-wide: {}\r\n", "a".repeat(7000)));
    assert_eq!(raw::statuses(&raw::send(&address, fits.as_bytes()).await), [200]);
    // actix itself takes 96 headers and a head of 128 KiB.
    let many = get("/health/live", &"x-y: z\r\n".repeat(100));
    assert_eq!(raw::statuses(&raw::send(&address, many.as_bytes()).await), [431]);
    let huge = get("/health/live", &format!("x-wide: {}\r\n", "a".repeat(200_000)));
    assert_eq!(raw::statuses(&raw::send(&address, huge.as_bytes()).await), [431]);
}
