//! A healthy function beside functions that spin, eat memory and crash.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ECHO, beside};
use crate::support::{TestApp, eventually};

const BAD: [(&str, &str); 5] = [
    ("spins", "export const handler = () => { for (;;) {} };"),
    ("hangs", "export const handler = () => Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);"),
    ("eats", "const all = []; export const handler = () => { for (;;) all.push(new Array(1e5).fill(Math.random())); };"),
    ("buffers", "export const handler = () => { const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)); };"),
    ("floods", "export const handler = () => { for (;;) console.log('x'.repeat(1000)); };"),
];

#[tokio::test]
async fn a_healthy_function_does_not_notice_five_bad_ones_and_the_server_does_not_grow() {
    let app = TestApp::start().await;
    app.deploy("healthy", ECHO, json!({})).await;
    for (name, source) in BAD {
        app.deploy(name, source, json!({ "timeout_s": 2 })).await;
    }
    app.invoke("healthy", &json!({})).await.assert_status(200);
    let before = app.resident_bytes();

    let until = Instant::now() + Duration::from_secs(20);
    let bad = BAD.map(|(name, _)| {
        let anon = app.anon();
        beside(async move {
            let mut failures = 0;
            while Instant::now() < until {
                let answer = anon.post(&format!("/functions/v1/{name}")).await;
                assert!(matches!(answer.status(), 429 | 502 | 504), "{name} answered {}", answer.status());
                failures += 1;
            }
            failures
        })
    });
    let (mut healthy, mut ticks) = (Vec::new(), tokio::time::interval(Duration::from_millis(50)));
    while Instant::now() < until {
        ticks.tick().await;
        let anon = app.anon();
        healthy.push(beside(async move { anon.post("/functions/v1/healthy").await.status() }));
    }
    for call in healthy {
        assert_eq!(call.await.expect("the call ends"), 200);
    }
    for task in bad {
        assert!(task.await.expect("the task ends") > 0);
    }
    eventually("the server's memory being within 20 MB of what it was", Duration::from_secs(30), async || {
        (app.resident_bytes().saturating_sub(before) < 20_000_000).then_some(())
    })
    .await;
}
