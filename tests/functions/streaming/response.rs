//! Responses whose body is a stream.

use serde_json::json;

use super::{PATIENCE, log_of, logged, settled};
use crate::functions::wait_for_environments;
use crate::support::TestApp;

/// Writes two events, the second a while after the first.
const EVENTS: &str = "export default () => new Response(new ReadableStream({ async start(c) {
    const encoder = new TextEncoder();
    c.enqueue(encoder.encode('data: 1\\n\\n'));
    await new Promise((r) => setTimeout(r, 500));
    c.enqueue(encoder.encode('data: 2\\n\\n'));
    c.close(); } }), { headers: { 'content-type': 'text/event-stream' } })";

#[tokio::test]
async fn events_arrive_as_they_are_written() {
    let app = TestApp::start().await;
    app.deploy("events", EVENTS, json!({})).await;
    for _ in 0..2 {
        let mut answer = app.anon().get("/functions/v1/events").stream().await.expect("a head");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(answer.headers().contains_key("server-timing") && !answer.headers().contains_key("content-length"));
        assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"data: 1\n\n"[..]));
        assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"data: 2\n\n"[..]));
        assert_eq!(answer.chunk().await.expect("the end"), None);
    }
    // Both calls ran in one environment, and the time of the second is that of its whole stream.
    let reports: Vec<_> = log_of(&app, "events").await.into_iter().filter(|line| line.starts_with("REPORT")).collect();
    assert_eq!(reports.len(), 2);
    assert!(!reports[1].contains("Init Duration"), "{}", reports[1]);
    for report in reports {
        let duration = report.split("Duration: ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
        assert!(duration.is_some_and(|ms| ms >= 450.0), "{report}");
        assert!(report.ends_with("Status: success"), "{report}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_at_once_is_sent_whole() {
    let app = TestApp::start().await;
    let source = "export default () => new Response(new ReadableStream({ start(c) {
        c.enqueue(new Uint8Array([104])); c.enqueue(new Uint8Array([105])); c.close() } }).pipeThrough(new TransformStream()))";
    app.deploy("small", source, json!({})).await;
    let answer = app.anon().get("/functions/v1/small").await;
    assert_eq!((answer.assert_status(200).text().as_str(), answer.header("content-length")), ("hi", Some("2")));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_stream() {
    let app = TestApp::start().await;
    let source = "let timer; export default () => new Response(new ReadableStream({
        start(c) { c.enqueue(new TextEncoder().encode('x')); timer = setInterval(() => c.enqueue(new Uint8Array(10)), 20) },
        cancel(reason) { clearInterval(timer); console.log('cancelled:', reason) } }))";
    app.deploy("left", source, json!({ "timeout_s": 60 })).await;
    let mut answer = app.anon().get("/functions/v1/left").stream().await.expect("a head");
    answer.chunk().await.expect("a chunk");
    drop(answer);
    logged(&app, "left", "cancelled: the client has gone away").await;
    logged(&app, "left", "Status: success").await;
    wait_for_environments(&app, 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_a_silent_stream_is_missed() {
    let app = TestApp::start().await;
    let source = "export default () => new Response(new ReadableStream({
        start(c) { c.enqueue(new TextEncoder().encode(': hello\\n\\n')); setTimeout(() => c.close(), 600_000) },
        cancel(reason) { console.log('cancelled:', reason) } }), { headers: { 'content-type': 'text/event-stream' } })";
    app.deploy("silent", source, json!({ "timeout_s": 900 })).await;
    let mut answer = app.anon().get("/functions/v1/silent").stream().await.expect("a head");
    answer.chunk().await.expect("a chunk");
    drop(answer);
    // Long before anything would be written to it, or the call's time is over.
    logged(&app, "silent", "cancelled: the client has gone away").await;
}

#[tokio::test]
async fn a_whole_body_may_be_as_long_as_a_stream() {
    let app = TestApp::start_with("[functions]\nmax_streamed = \"32MiB\"").await;
    let source = "const made = { text: (n) => 'ä'.repeat(n / 2), bytes: (n) => new Uint8Array(n).fill(7), blob: (n) => new Blob(['x'.repeat(n)]) };
        export default (request) => {
            const { searchParams } = new URL(request.url);
            return new Response(made[searchParams.get('of')](+searchParams.get('size')), { status: 203, headers: { 'x-own': 'yes' } }) }";
    app.deploy("long", source, json!({ "timeout_s": 30, "memory_mb": 512 })).await;
    for (of, byte) in [("text", None), ("bytes", Some(7)), ("blob", Some(b'x'))] {
        for size in [6 << 20, (6 << 20) + 2, 20 << 20] {
            let answer = app.anon().get(&format!("/functions/v1/long?of={of}&size={size}")).await;
            assert_eq!((answer.assert_status(203).bytes().len(), answer.header("x-own")), (size, Some("yes")), "{of}");
            assert!(
                byte.is_none_or(|byte| answer.bytes().iter().all(|one| *one == byte)),
                "{of} of {size} bytes came over changed"
            );
        }
    }
    let answer = app.anon().get("/functions/v1/long?of=bytes&size=33554433").stream().await.expect("a head");
    answer.bytes().await.expect_err("the body is not to look whole");
    logged(&app, "long", "functions.max_streamed").await;
    // Lambda's own handlers keep Lambda's limit.
    app.deploy("lambda", "export const handler = async () => 'x'.repeat(7 << 20)", json!({ "memory_mb": 512 })).await;
    let refused = app.anon().get("/functions/v1/lambda").await;
    assert_eq!(refused.assert_status(502).json()["errorType"], "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn a_stream_without_an_end_is_broken_at_the_time_limit() {
    let app = TestApp::start().await;
    let source = "export default () => new Response(new ReadableStream({
        start(c) { setInterval(() => c.enqueue(new TextEncoder().encode('tick')), 50) } }))";
    app.deploy("endless", source, json!({ "timeout_s": 1 })).await;
    let answer = app.anon().get("/functions/v1/endless").stream().await.expect("a head");
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect_err("the body is not to look whole");
    logged(&app, "endless", "Status: timeout").await;
    wait_for_environments(&app, 0).await;
}

#[tokio::test]
async fn a_failure_in_mid_stream_breaks_the_connection_and_is_recorded() {
    let app = TestApp::start().await;
    for (name, failing, told) in [
        ("throws", "c.error(new RangeError('in the middle'))", "RangeError"),
        ("exits", "process.exit(3)", "Runtime.ExitError"),
        ("mistyped", "c.enqueue('text')", "TypeError"),
    ] {
        let source = format!(
            "export default () => new Response(new ReadableStream({{ async start(c) {{
                c.enqueue(new Uint8Array(5)); await new Promise((r) => setTimeout(r, 100)); {failing} }} }}))"
        );
        app.deploy(name, &source, json!({})).await;
        let answer = app.anon().get(&format!("/functions/v1/{name}")).stream().await.expect("a head");
        answer.bytes().await.expect_err("the body is not to look whole");
        logged(&app, name, told).await;
    }
    // What fails before the head is an ordinary failure.
    let source = "export default () => new Response(new ReadableStream({ start(c) { c.error(new RangeError('early')) } }))";
    app.deploy("early", source, json!({})).await;
    assert_eq!(app.anon().get("/functions/v1/early").await.assert_status(502).json()["errorType"], "RangeError");
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_producer() {
    let app = TestApp::start().await;
    let source = "export default () => { let sent = 0; return new Response(new ReadableStream({ type: 'bytes', async pull(c) {
        c.enqueue(new Uint8Array(65536)); sent += 65536;
        if (sent % (1 << 20) === 0) console.log('MiB', sent >> 20); } })) }";
    app.deploy("flood", source, json!({ "timeout_s": 60 })).await;
    let before = app.resident_bytes();
    let mut answer = app.anon().get("/functions/v1/flood").stream().await.expect("a head");
    answer.chunk().await.expect("a chunk");
    logged(&app, "flood", "MiB").await;
    let produced =
        settled("a pause", async || log_of(&app, "flood").await.iter().filter(|line| line.starts_with("MiB")).count()).await;
    // What the kernel holds for both ends of the connection, and the windows.
    assert!(produced < 64, "{produced} MiB were produced for a client that reads nothing");
    assert!(app.resident_bytes() < before + (48 << 20), "the server holds what the client does not read");
    // Once it reads, more comes.
    let mut read = 0;
    while read < (produced + 4) << 20 {
        read += answer.chunk().await.expect("a chunk").expect("no end").len();
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_long_counts_as_gone() {
    let app = TestApp::start_with("[functions]\nstream_stall = \"1s\"").await;
    let source = "export default () => new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536)) },
        cancel() { console.log('cancelled') } }))";
    app.deploy("stalled", source, json!({ "timeout_s": 60 })).await;
    let answer = app.anon().get("/functions/v1/stalled").stream().await.expect("a head");
    logged(&app, "stalled", "cancelled").await;
    drop(answer);
}

#[tokio::test]
async fn a_streamed_response_has_a_limit() {
    let app = TestApp::start_with("[functions]\nmax_streamed = \"1MiB\"").await;
    let source = "export default () => new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536)) } }))";
    app.deploy("long", source, json!({ "timeout_s": 30 })).await;
    let answer = app.anon().get("/functions/v1/long").stream().await.expect("a head");
    answer.bytes().await.expect_err("the body is not to look whole");
    logged(&app, "long", "functions.max_streamed").await;
}

#[tokio::test]
async fn promises_go_on_after_a_stream() {
    let app = TestApp::start().await;
    let source = "export default (request, env, ctx) => {
        ctx.waitUntil(new Promise((r) => setTimeout(r, 300)).then(() => console.log('after all')));
        return new Response(new ReadableStream({ async start(c) {
            c.enqueue(new Uint8Array(1)); await new Promise((r) => setTimeout(r, 20)); c.close() } })) }";
    app.deploy("later", source, json!({})).await;
    let answer = app.anon().get("/functions/v1/later").timeout(PATIENCE).await;
    assert_eq!(answer.assert_status(200).bytes().len(), 1);
    logged(&app, "later", "after all").await;
    // The environment is free again.
    app.anon().get("/functions/v1/later").await.assert_status(200);
}
