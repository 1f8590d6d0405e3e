//! WebSockets through the proxy. What is inside their frames is not its business, so plain text stands for them.

use std::time::Duration;

use rustix::process::Signal;

use super::{Talk, Upstream, header, proxied, status};
use crate::support::eventually;

const LIMIT: Duration = Duration::from_secs(20);

const ASK: &str = "GET /p HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: chat\r\n\r\n";

const ACCEPT: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\
                      sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: chat\r\n\r\n";

/// An upstream that agrees, greets, and says everything back until it is told `bye`.
async fn chat() -> Upstream {
    Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say(format!("{ACCEPT}hello")).await;
        while let Some(word) = talk.exactly(3).await {
            if word == b"bye" {
                return;
            }
            talk.say(&word).await;
        }
    })
    .await
}

#[tokio::test]
async fn bytes_go_both_ways_until_the_upstream_ends() {
    let upstream = chat().await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    let head = client.head().await.unwrap();
    assert_eq!(status(&head), 101);
    assert_eq!(header(&head, "upgrade").map(str::to_ascii_lowercase).as_deref(), Some("websocket"));
    assert!(header(&head, "connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(header(&head, "sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(header(&head, "sec-websocket-protocol"), Some("chat"));
    assert_eq!((header(&head, "content-length"), header(&head, "transfer-encoding")), (None, None));
    assert_eq!(client.exactly(5).await.unwrap(), b"hello", "what came with the head is not lost");
    for word in ["one", "two", "six"] {
        client.say(word).await;
        assert_eq!(client.exactly(3).await.unwrap(), word.as_bytes());
    }
    client.say("bye").await;
    client.closed().await;
    let seen = &upstream.heads()[0];
    assert_eq!(header(seen, "connection"), Some("upgrade"));
    assert_eq!(header(seen, "upgrade"), Some("websocket"));
    assert_eq!(header(seen, "sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
}

#[tokio::test]
async fn the_upstream_is_told_when_the_client_ends() {
    let upstream = chat().await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    assert_eq!(status(&client.head().await.unwrap()), 101);
    drop(client);
    eventually("the upstream's being told", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn the_two_directions_do_not_wait_for_each_other() {
    const BYTES: usize = 8 << 20;
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say(ACCEPT).await;
        // More than all buffers hold, though the client reads nothing until it has sent as much itself.
        let (mut read, mut write) = talk.split();
        let sending = super::beside(async move { write.try_say(&vec![b'd'; BYTES]).await });
        assert!(read.exactly(BYTES).await.is_some());
        assert!(sending.await.unwrap());
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    assert_eq!(status(&client.head().await.unwrap()), 101);
    assert!(client.try_say(&vec![b'u'; BYTES]).await);
    assert_eq!(client.exactly(BYTES).await.unwrap().len(), BYTES);
    client.closed().await;
}

#[tokio::test]
async fn a_silent_tunnel_ends() {
    let upstream = chat().await;
    let app = proxied(&upstream, "websocket_timeout = \"300ms\"").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    assert_eq!(status(&client.head().await.unwrap()), 101);
    client.closed().await;
    eventually("the upstream's being told", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn tunnels_end_when_the_server_stops() {
    let upstream = chat().await;
    let mut app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    assert_eq!(status(&client.head().await.unwrap()), 101);
    app.server().signal(Signal::TERM);
    client.closed().await;
    assert!(app.server_mut().ended(LIMIT).await.success());
}

#[tokio::test]
async fn an_upstream_that_does_not_agree_answers_as_ever() {
    let upstream = Upstream::answering("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno").await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    // What looks like a second request may be a frame; nothing after the first is taken for HTTP.
    client.say(format!("{ASK}GET /p/smuggled HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    let answer = client.rest().await;
    assert_eq!(status(&answer), 426);
    assert!(answer.ends_with("\r\n\r\nno"), "{answer}");
    assert_eq!(upstream.heads().len(), 1);
}

#[tokio::test]
async fn an_upstream_that_switches_to_another_protocol_is_a_502() {
    let upstream = Upstream::answering("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n").await;
    let app = proxied(&upstream, "retries = 0").await;
    let mut client = Talk::with(&app.url()).await;
    client.say(ASK).await;
    assert_eq!(status(&client.rest().await), 502);
}
