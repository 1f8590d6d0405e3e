//! Bodies that go by as they come, as fast as the slower side takes them, and end when one side goes away.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::{Talk, Upstream, logged, proxied, status};
use crate::support::eventually;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn events_are_passed_on_at_once() {
    let next = Arc::new(Notify::new());
    let waiting = Arc::clone(&next);
    let upstream = Upstream::start(move |mut talk| {
        let next = Arc::clone(&waiting);
        async move {
            talk.head().await;
            talk.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
            for _ in 0..3 {
                next.notified().await;
                talk.say("9\r\ndata: 1\n\n\r\n").await;
            }
            talk.say("0\r\n\r\n").await;
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(status(&client.head().await.unwrap()), 200);
    // Each event is sent only when the one before has arrived.
    for _ in 0..3 {
        next.notify_one();
        client.until(b"data: 1\n\n\r\n").await.unwrap();
    }
    client.until(b"0\r\n\r\n").await.unwrap();
}

#[tokio::test]
async fn a_body_reaches_the_upstream_while_it_is_sent() {
    let (sender, mut arrived) = mpsc::unbounded_channel();
    let upstream = Upstream::start(move |mut talk| {
        let sender = sender.clone();
        async move {
            talk.head().await;
            for _ in 0..3 {
                sender.send(talk.exactly(4).await).unwrap();
            }
            talk.say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\n").await;
    for _ in 0..3 {
        client.say("four").await;
        assert_eq!(arrived.recv().await.unwrap().unwrap(), b"four");
    }
    assert_eq!(status(&client.head().await.unwrap()), 200);
}

/// Waits until a count has not moved for a while, and gives it.
async fn settled(count: &AtomicUsize) -> usize {
    let (last, calm) = (Cell::new(usize::MAX), Cell::new(0));
    eventually("the count's standing still", LIMIT, async || {
        let now = count.load(Ordering::SeqCst);
        calm.set(if now == last.replace(now) { calm.get() + 1 } else { 0 });
        (now > 0 && calm.get() > 25).then_some(now)
    })
    .await
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_upstream() {
    const PIECE: usize = 64 * 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&sent);
    let upstream = Upstream::start(move |mut talk| {
        let sent = Arc::clone(&counting);
        async move {
            talk.head().await;
            talk.say("HTTP/1.1 200 OK\r\n\r\n").await;
            while talk.try_say(&[b'x'; PIECE]).await {
                sent.fetch_add(PIECE, Ordering::SeqCst);
            }
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let before = app.resident_bytes();
    let mut client = Talk::with(&app.url()).await;
    client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.head().await.unwrap();
    let produced = settled(&sent).await;
    let grown = app.resident_bytes().saturating_sub(before);
    // What is under way is in the sockets' buffers, a few megabytes each; the server holds next to nothing.
    assert!(produced < 64 << 20, "the upstream has sent {produced} bytes that nobody read");
    assert!(grown < 16 << 20, "the server holds {grown} bytes");
    drop(client);
    eventually("the upstream's being told", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
}

#[tokio::test]
async fn an_upstream_that_does_not_read_stops_its_client() {
    const PIECE: usize = 64 * 1024;
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        std::future::pending::<()>().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let before = app.resident_bytes();
    let mut client = Talk::with(&app.url()).await;
    client.say(format!("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 1 << 30)).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&sent);
    let sending = super::beside(async move {
        while client.try_say(&[b'x'; PIECE]).await {
            counting.fetch_add(PIECE, Ordering::SeqCst);
        }
    });
    let taken = settled(&sent).await;
    let grown = app.resident_bytes().saturating_sub(before);
    assert!(taken < 64 << 20, "the server has taken {taken} bytes that nobody read");
    assert!(grown < 16 << 20, "the server holds {grown} bytes");
    sending.abort();
}

#[tokio::test]
async fn a_large_answer_needs_little_memory() {
    const PIECE: usize = 256 * 1024;
    const PIECES: usize = 1024;
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", PIECE * PIECES)).await;
        let piece = vec![b'x'; PIECE];
        for _ in 0..PIECES {
            talk.say(&piece).await;
        }
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let before = app.server().memory("VmHWM");
    let mut answer = app.nobody().get("/p").stream().await.unwrap();
    let mut received = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        received += piece.len();
    }
    assert_eq!(received, PIECE * PIECES);
    let grown = app.server().memory("VmHWM").saturating_sub(before);
    assert!(grown < 16 << 20, "256 MiB took {grown} bytes at the most");
}

#[tokio::test]
async fn an_upstream_is_told_when_its_client_goes_away() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("GET /p HTTP/1.1\r\nhost: a\r\n\r\n").await;
    eventually("the request's arrival", LIMIT, async || (upstream.heads().len() == 1).then_some(())).await;
    drop(client);
    eventually("the upstream's being told", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
    logged(&app, "the client went away before up answered").await;
}

#[tokio::test]
async fn a_body_that_its_client_breaks_off_ends_the_request() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nonly this").await;
    eventually("the request's arrival", LIMIT, async || (upstream.heads().len() == 1).then_some(())).await;
    drop(client);
    eventually("the upstream's being told", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
    assert_eq!(upstream.connections(), 1, "it is not sent again");
}

#[tokio::test]
async fn an_answer_before_the_requests_end_is_passed_on() {
    let upstream = Upstream::start(|mut talk| async move {
        talk.head().await;
        talk.say("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\n\r\ntoo large").await;
        talk.closed().await;
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client.say("POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nthe beginning").await;
    let head = client.head().await.unwrap();
    assert_eq!(status(&head), 413);
    assert_eq!(client.body(&head).await.unwrap(), b"too large");
    eventually("the connection's end", LIMIT, async || (upstream.ended() == 1).then_some(())).await;
}
