//! Requests that are sent again, and those that must not be.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Talk, Upstream, proxied, proxied_as, status};
use crate::support::eventually;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An address at which nobody listens.
fn nobody_there() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// An upstream that takes each request whole and resets the connection.
async fn resetting() -> Upstream {
    Upstream::start(|mut talk| async move {
        talk.request().await;
        talk.reset();
    })
    .await
}

#[tokio::test]
async fn a_request_goes_to_another_server_when_one_is_not_there() {
    let upstream = Upstream::echo().await;
    let app = proxied_as(&[nobody_there(), upstream.address], "", "").await;
    for _ in 0..4 {
        // Nothing was sent, so the method does not matter, nor the size.
        let body = "x".repeat(100_000);
        let answer = app.nobody().post("/p").body(body.clone()).await;
        assert!(answer.assert_status(200).text().ends_with(&body));
    }
}

#[tokio::test]
async fn a_request_that_may_be_repeated_is_when_its_server_fails() {
    let (bad, good) = (resetting().await, Upstream::echo().await);
    let app = proxied_as(&[bad.address, good.address], "", "").await;
    for _ in 0..4 {
        app.nobody().get("/p").await.assert_status(200);
        assert!(app.nobody().put("/p").body("a body").await.assert_status(200).text().ends_with("a body"));
    }
    assert!(bad.connections() > 0);
}

#[tokio::test]
async fn a_request_that_its_server_may_have_seen_is_not_repeated() {
    let (bad, good) = (resetting().await, resetting().await);
    let app = proxied_as(&[bad.address, good.address], "", "").await;
    app.nobody().post("/p").body("once").await.assert_status(502);
    // More than is kept, so it cannot be.
    app.nobody().put("/p").body("x".repeat(65 * 1024)).await.assert_status(502);
    assert_eq!(bad.heads().len() + good.heads().len(), 2);
    app.nobody().delete("/p").await.assert_status(502);
    assert_eq!(bad.heads().len() + good.heads().len(), 4, "each server is asked once");
}

#[tokio::test]
async fn no_more_servers_are_tried_than_is_said() {
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(resetting().await);
    }
    let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    for (retries, tries) in [(0, 1), (2, 3), (10, 4)] {
        let before: usize = servers.iter().map(|server| server.heads().len()).sum();
        let app = proxied_as(&addresses, &format!("retries = {retries}"), "[upstreams.ejection]\nfailures = 0").await;
        app.nobody().get("/p").await.assert_status(502);
        let asked: usize = servers.iter().map(|server| server.heads().len()).sum();
        assert_eq!(asked - before, tries, "with {retries} retries");
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.request().await;
        talk.say(OK).await;
        // Closed without a word, as servers do with connections that are idle.
    })
    .await;
    let app = proxied(&upstream, "retries = 0").await;
    let mut client = Talk::with(&app.url()).await;
    for round in 1..4 {
        client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx").await;
        let head = client.head().await.unwrap();
        assert_eq!(status(&head), 200);
        client.body(&head).await.unwrap();
        eventually("the upstream's closing", Duration::from_secs(20), async || (upstream.ended() == round).then_some(())).await;
    }
    assert_eq!(upstream.connections(), 3);
}

#[tokio::test]
async fn a_kept_connection_that_is_closed_as_it_is_used_is_replaced_for_what_may_be_repeated() {
    // Each connection answers once and is reset at the second request.
    let upstream = Upstream::start(|mut talk| async move {
        talk.request().await;
        talk.say(OK).await;
        talk.request().await;
        talk.reset();
    })
    .await;
    let app = proxied(&upstream, "retries = 0").await;
    let mut client = Talk::with(&app.url()).await;
    for (method, expected) in [("GET", 200), ("GET", 200), ("POST", 502), ("GET", 200)] {
        client.say(format!("{method} /p HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")).await;
        let head = client.head().await.unwrap();
        assert_eq!(status(&head), expected, "{method}");
        client.body(&head).await.unwrap();
    }
}
