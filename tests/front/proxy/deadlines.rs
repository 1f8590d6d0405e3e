//! Waits that end: for a connection, the answer's beginning, its next part, the request's next part, and all of it.

use std::time::Duration;

use super::{Talk, Upstream, logged, proxied, proxied_as, status};
use crate::support::eventually;

/// An upstream that takes a request, says this, and nothing more.
async fn falling_silent(text: &'static str) -> Upstream {
    Upstream::start(move |mut talk| async move {
        talk.head().await;
        talk.say(text).await;
        talk.closed().await;
    })
    .await
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_a_504() {
    for route in ["read_timeout = \"200ms\"", "first_byte_timeout = \"200ms\"", "timeout = \"200ms\""] {
        for begun in ["", "HTTP/1.1 200"] {
            let upstream = falling_silent(begun).await;
            let app = proxied(&upstream, route).await;
            let answer = app.nobody().post("/p").body("x").await;
            assert_eq!(answer.assert_status(504).problem()["type"], "/problems/gateway_timeout", "{route}");
            // It is told that nobody waits any more.
            eventually("the connection's end", Duration::from_secs(20), async || (upstream.ended() == 1).then_some(())).await;
        }
    }
}

#[tokio::test]
async fn a_silence_within_an_answer_breaks_it_off() {
    for route in ["read_timeout = \"300ms\"", "timeout = \"300ms\""] {
        let upstream = falling_silent("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe beginning").await;
        let app = proxied(&upstream, route).await;
        let mut client = Talk::with(&app.url()).await;
        client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let answer = client.rest().await;
        assert_eq!(status(&answer), 200);
        assert!(answer.ends_with("the beginning"), "{route}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_may_take_long_while_it_goes_on() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await;
        // Longer altogether than the server waits for one part.
        let mut pace = tokio::time::interval(Duration::from_millis(150));
        for _ in 0..10 {
            pace.tick().await;
            talk.say("x").await;
        }
    })
    .await;
    let app = proxied(&upstream, "read_timeout = \"1s\"").await;
    assert_eq!(app.nobody().get("/p").await.assert_status(200).text(), "xxxxxxxxxx");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_a_504() {
    // A listener whose queue is full drops what comes, as a host that is not there does.
    let listener = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    rustix::net::bind(&listener, &any).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let listener = std::net::TcpListener::from(listener);
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 16, "the queue is never full");
    }
    let app = proxied_as(&[address], "connect_timeout = \"200ms\"", "").await;
    assert_eq!(app.nobody().get("/p").await.assert_status(504).problem()["type"], "/problems/gateway_timeout");
}

#[tokio::test]
async fn a_client_that_sends_no_more_of_its_body_is_told_so() {
    let upstream = falling_silent("").await;
    let app = proxied(&upstream, "write_timeout = \"200ms\"").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    assert_eq!(status(&client.head().await.unwrap()), 408);
    client.closed().await;
    eventually("the connection's end", Duration::from_secs(20), async || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn an_upstream_that_takes_no_more_of_a_body_is_a_504() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        std::future::pending::<()>().await;
    })
    .await;
    let app = proxied(&upstream, "write_timeout = \"300ms\"").await;
    let (mut reading, mut writing) = Talk::with(&app.url()).await.split();
    writing.say(format!("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 256 << 20)).await;
    let sending = super::beside(async move { while writing.try_say(&[b'x'; 64 * 1024]).await {} });
    assert_eq!(status(&reading.head().await.unwrap()), 504);
    logged(&app, "sending the request: nothing within 300ms").await;
    sending.abort();
}
