//! Requests whose body comes bit by bit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use reqwest::Body;
use serde_json::json;
use tokio::sync::mpsc;

use super::{logged, settled};
use crate::functions::beside;
use crate::support::TestApp;

/// Counts what it is sent.
const COUNT: &str = "export default async (request) => {
    let bytes = 0, pieces = 0;
    for await (const piece of request.body) { bytes += piece.length; pieces++ }
    return Response.json({ bytes, pieces }) }";

/// A body of pieces that a test sends one by one; it ends when the sender is dropped.
fn by_hand() -> (mpsc::Sender<&'static str>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece: &str = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())), receiver))
    });
    (sender, Body::wrap_stream(pieces))
}

#[tokio::test]
async fn a_large_body_reaches_the_function() {
    let app = TestApp::start().await;
    app.deploy("count", COUNT, json!({ "timeout_s": 30 })).await;
    let size = 20 << 20;
    let pieces = stream::iter((0..size / 65536).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[7; 65536]))));
    let bodies = [Body::from(vec![7; size]), Body::wrap_stream(pieces), Body::from(vec![7; 300_000])];
    for (body, bytes) in bodies.into_iter().zip([size, size, 300_000]) {
        let counted = app.anon().post("/functions/v1/count").body(body).await.assert_status(200).json();
        assert_eq!(counted["bytes"], bytes);
        assert!(counted["pieces"].as_u64() > Some(1), "{counted}");
    }
    // Small ones, and none at all, are as before.
    assert_eq!(app.anon().post("/functions/v1/count").body("abc").await.json(), json!({ "bytes": 3, "pieces": 1 }));
    let source = "export default async (request) => Response.json([request.body === null, await request.text()])";
    app.deploy("none", source, json!({})).await;
    assert_eq!(app.anon().get("/functions/v1/none").await.json(), json!([true, ""]));
}

#[tokio::test]
async fn a_function_answers_while_it_is_sent_to() {
    let app = TestApp::start().await;
    app.deploy("echo", "export default (request) => new Response(request.body)", json!({ "timeout_s": 30 })).await;
    let (sender, body) = by_hand();
    let request = app.anon().post("/functions/v1/echo").body(body).stream();
    let answering = beside(request);
    sender.send("first").await.expect("somebody reads");
    let mut answer = answering.await.expect("no panic").expect("a head");
    assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"first"[..]));
    sender.send("second").await.expect("somebody reads");
    assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"second"[..]));
    drop(sender);
    assert_eq!(answer.chunk().await.expect("the end"), None);
}

#[tokio::test]
async fn a_function_that_does_not_read_stops_its_client() {
    let app = TestApp::start().await;
    let source =
        "export default async (request) => { await new Promise((r) => setTimeout(r, 4000)); return new Response('late') }";
    app.deploy("deaf", source, json!({ "timeout_s": 30 })).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let pieces = stream::repeat(Bytes::from_static(&[7; 65536])).take(3000).map(move |piece| {
        counter.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece)
    });
    let before = app.resident_bytes();
    let calling = beside(app.anon().post("/functions/v1/deaf").body(Body::wrap_stream(pieces)).stream());
    let stopped = settled("a pause", async || sent.load(Ordering::Relaxed)).await;
    assert!(stopped > 0 && stopped < 32 << 20, "{stopped} bytes were taken for a function that reads nothing");
    assert!(app.resident_bytes() < before + (32 << 20), "the server holds what the function does not read");
    // The answer may come, or be lost with the connection that had more to send; the server is there in either case.
    let _ = calling.await.expect("no panic");
    app.anon().get("/health/live").await.assert_status(200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let app = TestApp::start_with("[functions]\nmax_streamed = \"1MiB\"").await;
    app.deploy("count", COUNT, json!({})).await;
    let said = app.anon().post("/functions/v1/count").body(vec![0; 2 << 20]).await;
    assert!(said.assert_status(413).text().contains("functions.max_streamed"), "{}", said.text());
    // Without a length it is only known on the way; the client may lose the answer with its connection.
    let pieces = stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[7; 65536]))));
    if let Ok(answer) = app.anon().post("/functions/v1/count").body(Body::wrap_stream(pieces)).try_send().await {
        answer.assert_status(413);
    }
    logged(&app, "count", "functions.max_streamed").await;
    // An event is whole, and has its own limit.
    app.deploy("event", "export const handler = async () => 1", json!({})).await;
    let refused = app.anon().post("/functions/v1/event").body(vec![0; 7 << 20]).await;
    assert!(refused.assert_status(413).text().contains("functions.max_request"));
}

#[tokio::test]
async fn a_client_that_breaks_off_is_an_error_in_the_body() {
    let app = TestApp::start().await;
    let source = "export default async (request) => {
        try { for await (const piece of request.body) console.log('got', piece.length) } catch (e) { console.log('failed:', e.message) }
        return new Response('x') }";
    app.deploy("broken", source, json!({ "timeout_s": 30 })).await;
    let (sender, body) = by_hand();
    let calling = beside(app.anon().post("/functions/v1/broken").body(body).stream());
    sender.send("12345").await.expect("somebody reads");
    logged(&app, "broken", "got 5").await;
    calling.abort();
    logged(&app, "broken", "failed: ").await;
    logged(&app, "broken", "Status: success").await;
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_no_harm() {
    let app = TestApp::start().await;
    app.deploy("ignores", "export default () => new Response('ok')", json!({})).await;
    for _ in 0..5 {
        let (sender, body) = by_hand();
        let calling = beside(app.anon().post("/functions/v1/ignores").timeout(Duration::from_secs(10)).body(body).stream());
        let _ = sender.send("some").await;
        drop(sender);
        if let Ok(answer) = calling.await.expect("no panic") {
            assert_eq!(answer.text().await.ok().as_deref(), Some("ok"));
        }
    }
    assert_eq!(app.anon().get("/functions/v1/ignores").await.assert_status(200).text(), "ok");
}
