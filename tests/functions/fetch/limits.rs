//! How much, how many, how long.

use std::time::Duration;

use serde_json::json;

use super::upstream::Upstream;
use super::{deploy, run};
use crate::functions::streaming::{log_of, settled};
use crate::functions::wait_for_environments;
use crate::support::{TestApp, eventually};

#[tokio::test]
async fn a_thousand_pending_requests_end_with_their_call() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    let never = upstream.url("/never");
    let source =
        format!("export default async () => {{ await Promise.all(Array.from({{ length: 1000 }}, () => fetch('{never}'))) }}");
    app.deploy("pending", &source, json!({ "network": ["localhost"], "timeout_s": 2 })).await;
    app.anon().get("/functions/v1/pending").await.assert_status(504);
    assert_eq!(upstream.count(|seen| &seen.most_waiting), 64, "so many at a time wait for their response");
    eventually("the end of the requests", Duration::from_secs(10), async || {
        (upstream.count(|seen| &seen.waiting) == 0).then_some(())
    })
    .await;
    wait_for_environments(&app, 0).await;
    deploy(&app, json!(["localhost"])).await;
    let hello = upstream.url("/hello");
    let code = format!(
        "const all = await Promise.all(Array.from({{ length: 500 }}, async () => (await fetch('{hello}')).text()));
        return all.filter((text) => text === 'hello').length"
    );
    assert_eq!(run(&app, &code).await, 500);
}

#[tokio::test]
async fn a_call_makes_so_many_requests_and_no_more() {
    let app = TestApp::start_with("[functions]\nmax_fetches = 3").await;
    let upstream = Upstream::start();
    deploy(&app, json!(["localhost"])).await;
    let hello = upstream.url("/hello");
    let code = format!(
        "let made = 0; try {{ for (;; made++) await (await fetch('{hello}')).text() }} catch (e) {{ return [made, e.message] }}"
    );
    for _ in 0..2 {
        let got = run(&app, &code).await;
        assert_eq!(got[0], 3, "{got}");
        assert!(got[1].as_str().is_some_and(|message| message.contains("functions.max_fetches")), "{got}");
    }
}

#[tokio::test]
async fn a_response_is_so_long_and_no_longer() {
    let app = TestApp::start_with("[functions]\nmax_fetched = \"1MiB\"").await;
    let upstream = Upstream::start();
    deploy(&app, json!(["localhost"])).await;
    let code = format!("const r = await fetch('{}'); return await r.bytes()", upstream.url("/flood"));
    let got = run(&app, &code).await;
    assert!(got["message"].as_str().is_some_and(|message| message.contains("functions.max_fetched")), "{got}");
}

#[tokio::test]
async fn a_function_that_does_not_read_stops_the_other_server() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    let source = format!(
        "export default async () => {{
        const all = await Promise.all(Array.from({{ length: 20 }}, () => fetch('{}'))); console.log('all', all.length);
        await new Promise((r) => setTimeout(r, 60_000)); }}",
        upstream.url("/flood")
    );
    app.deploy("deaf", &source, json!({ "network": ["localhost"], "timeout_s": 8 })).await;
    let before = app.resident_bytes();
    let calling = crate::functions::beside(app.anon().get("/functions/v1/deaf").stream());
    eventually("all responses", Duration::from_secs(20), async || {
        log_of(&app, "deaf").await.iter().any(|line| line == "all 20").then_some(())
    })
    .await;
    let produced = settled("a pause", async || upstream.count(|seen| &seen.produced)).await;
    // For each of the twenty: its window, and what the kernel holds of a connection.
    assert!(produced < 20 * (10 << 20), "{produced} bytes were produced for a function that reads nothing");
    assert!(app.resident_bytes() < before + (64 << 20), "the server holds what the function does not read");
    assert_eq!(calling.await.expect("no panic").expect("an answer").status(), 504);
}
