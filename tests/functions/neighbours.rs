//! A healthy function beside functions that spin, eat memory, hang where V8 cannot be stopped, and crash.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{ECHO, beside, is_worker, parent_of, workers_of};
use crate::support::{TestApp, eventually};

const TIMEOUT: &str = "Sandbox.Timedout";
const MEMORY: &[&str] = &["Runtime.OutOfMemory", "Runtime.ExitError", "RangeError", TIMEOUT];

/// How long the bad ones are called, and may take each.
const LONG: Duration = Duration::from_secs(60);
const LIMIT_S: u64 = 2;

/// Programs by what they do, with the error types in which each may end.
const BAD: [(&str, &str, &[&str]); 22] = [
    ("spins", "while (true) {}", &[TIMEOUT]),
    ("regexp", "return /(a+)+$/.test('a'.repeat(40) + 'b')", &[TIMEOUT]),
    (
        "sorts",
        "return Array.from({ length: 5e6 }, Math.random).sort((a, b) => { for (let i = 0; i < 1e4; i++); return a - b }).length",
        &[TIMEOUT, "Runtime.OutOfMemory"],
    ),
    (
        "index-of",
        "const a = new Uint8Array(1); Object.defineProperty(a, 'length', { value: 2 ** 53 - 1 }); return Array.prototype.indexOf.call(a, 1)",
        &[TIMEOUT],
    ),
    ("includes", "return Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)", &[TIMEOUT]),
    ("last-index-of", "return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)", &[TIMEOUT]),
    ("reverses", "return Array.prototype.reverse.call({ length: 2 ** 53 - 1 })", &[TIMEOUT]),
    ("copies-within", "return Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)", &[TIMEOUT]),
    ("joins", "return Array.prototype.join.call({ length: 2 ** 32 - 1 })", &[TIMEOUT, "RangeError", "Runtime.OutOfMemory"]),
    ("fills", "return Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 0)", MEMORY),
    ("eats", "const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()))", MEMORY),
    ("spreads", "return [...'.'.repeat(5e8)].length", MEMORY),
    ("allocates", "return new Array(1e8).fill(0).length", MEMORY),
    ("maps", "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })", MEMORY),
    (
        "parses",
        "return JSON.parse('['.repeat(2e7)).length",
        &["Runtime.OutOfMemory", "Runtime.ExitError", "RangeError", "SyntaxError", TIMEOUT],
    ),
    ("grows", "const a = [1]; for (;;) a.push(...a)", MEMORY),
    ("buffers", "const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1))", MEMORY),
    ("blobs", "const all = []; for (;;) all.push(new Blob([new Uint8Array(1e6)]))", MEMORY),
    (
        "wasm",
        "const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) { const at = m.grow(100) * 65536; new Uint8Array(m.buffer, at).fill(1) }",
        MEMORY,
    ),
    (
        "nests",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; return { toJSON: () => a }",
        &["Runtime.MarshalError", "RangeError", "Runtime.ExitError", TIMEOUT],
    ),
    ("floods", "for (;;) console.log('x'.repeat(1000))", &[TIMEOUT]),
    ("exits", "process.exit(3)", &["Runtime.ExitError"]),
];

/// What one of the bad ones did.
#[derive(Debug, Default)]
struct Ended {
    calls: u32,
    faults: Vec<String>,
}

/// Calls one of the bad ones again and again; says what was not as it must be.
async fn call_until(app: &TestApp, until: Instant, at: usize) -> Ended {
    let (name, _, expected) = BAD[at];
    let mut ended = Ended::default();
    while Instant::now() < until {
        let answer = app.anon().post(&format!("/functions/v1/{name}")).await;
        ended.calls += 1;
        let kind = answer.json()["errorType"].as_str().unwrap_or_default().to_owned();
        let handler = phase(answer.header("server-timing").unwrap_or_default(), "handler");
        let is_late = handler.is_none_or(|ms| ms > (LIMIT_S * 1000 + 1000) as f64);
        if !matches!(answer.status(), 502 | 504) || !expected.contains(&kind.as_str()) || is_late {
            ended.faults.push(format!("{name}: {} {handler:?} ms {}", answer.status(), answer.text()));
        }
    }
    ended
}

/// A phase of a call, in milliseconds, from `Server-Timing`.
fn phase(header: &str, name: &str) -> Option<f64> {
    header.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(";dur=")?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_function_does_not_notice_twenty_bad_ones_and_nothing_is_left_of_them() {
    let app = TestApp::start_with("[functions]\nmax_running = 32\nqueue_timeout = \"30s\"").await;
    app.deploy("healthy", ECHO, json!({})).await;
    for (name, source, _) in BAD {
        let source = format!("export const handler = async () => {{ {source} }};");
        app.deploy(name, &source, json!({ "timeout_s": LIMIT_S })).await;
    }
    app.invoke("healthy", &json!({})).await.assert_status(200);
    let before = app.resident_bytes();

    let until = Instant::now() + LONG;
    let bad = futures_util::future::join_all((0..BAD.len()).map(|at| call_until(&app, until, at)));
    let healthy = async {
        let (mut calls, mut ticks) = (Vec::new(), tokio::time::interval(Duration::from_millis(50)));
        let mut seen = BTreeSet::new();
        while Instant::now() < until {
            ticks.tick().await;
            let anon = app.anon();
            calls.push(beside(async move { anon.post("/functions/v1/healthy").await.status() }));
            if calls.len() % 20 == 0 {
                seen.extend(workers_of(app.server().pid()));
            }
        }
        let mut statuses = Vec::new();
        for call in calls {
            statuses.push(call.await.expect("the call ends"));
        }
        (statuses, seen)
    };
    let (bad, (healthy, seen)) = tokio::join!(bad, healthy);
    assert!(healthy.len() > 1000, "{} calls a minute", healthy.len());
    assert!(
        healthy.iter().all(|status| *status == 200),
        "{:?}",
        healthy.iter().filter(|status| **status != 200).collect::<Vec<_>>()
    );
    let faults: Vec<_> = bad.iter().flat_map(|ended| &ended.faults).collect();
    assert!(faults.is_empty(), "{} of {} calls: {faults:#?}", faults.len(), bad.iter().map(|ended| ended.calls).sum::<u32>());
    assert!(bad.iter().all(|ended| ended.calls > 0));

    let server = app.server().pid();
    eventually("the end of every worker that is not counted", Duration::from_secs(20), async || {
        let alive = workers_of(server);
        let status = app.service().get("/admin/v1/status").await.json();
        let orphans = seen.iter().filter(|pid| is_worker(**pid) && !alive.contains(pid) && parent_of(**pid) == Some(1)).count();
        (orphans == 0 && status["functions"]["processes"] == alive.len() && status["functions"]["running"] == 0).then_some(())
    })
    .await;
    eventually("the server's memory being within 20 MB of what it was", Duration::from_secs(30), async || {
        (app.resident_bytes().saturating_sub(before) < 20_000_000).then_some(())
    })
    .await;
}
