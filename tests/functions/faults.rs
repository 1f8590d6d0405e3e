//! Functions that misbehave: each ends in its proper error body within its limit and a second.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ECHO;
use crate::support::{Response, TestApp};

/// Deploys and calls a function with a limit of one second, and checks that the answer is there within another second.
async fn broken(app: &TestApp, name: &str, source: &str) -> Response {
    app.deploy(name, source, json!({ "timeout_s": 1 })).await;
    let start = Instant::now();
    let answer = app.invoke(name, &json!({})).await;
    assert!(start.elapsed() < Duration::from_millis(2500), "{name} took {:?}", start.elapsed());
    assert_eq!(answer.header("x-amz-function-error"), Some("Unhandled"), "{name}: {} {}", answer.status(), answer.text());
    assert!(answer.header("server-timing").is_some());
    let body = answer.json();
    assert_eq!(body["requestId"].as_str(), answer.header("x-request-id"));
    assert_eq!(body.get("trace"), None, "only the service key sees the trace");
    answer
}

#[tokio::test]
async fn what_a_handler_throws_is_told_and_the_environment_goes_on() {
    let app = TestApp::start().await;
    let source = "let calls = 0; export const handler = async () => {
        if (++calls == 1) throw new TypeError('no such thing'); return calls; };";
    app.deploy("throws", source, json!({})).await;
    let answer = app.invoke("throws", &json!({})).await;
    let body = answer.assert_status(502).json();
    assert_eq!((&body["errorType"], &body["errorMessage"]), (&json!("TypeError"), &json!("no such thing")));
    assert_eq!(app.invoke("throws", &json!({})).await.assert_status(200).json(), 2);
    app.deploy("throws", "export const handler = async () => { throw new Error('x'); };", json!({})).await;
    let trace = app.service().get("/functions/v1/throws").await.assert_status(502).json()["trace"].clone();
    assert!(trace.as_array().is_some_and(|lines| !lines.is_empty()), "{trace}");
}

#[tokio::test]
async fn functions_that_never_end_are_ended_at_their_limit() {
    let app = TestApp::start().await;
    for (name, source) in [
        ("loop", "export const handler = async () => { for (;;) {} };"),
        ("sleeps", "export const handler = () => new Promise((resolve) => setTimeout(resolve, 60_000));"),
        (
            "microtasks",
            "export const handler = async () => { const again = () => Promise.resolve().then(again); await again(); };",
        ),
        ("indexof", "export const handler = () => Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);"),
        ("reverse", "export const handler = () => Array.prototype.reverse.call({ length: 2 ** 53 - 1 });"),
        ("regexp", "export const handler = () => /(a+)+$/.test('a'.repeat(40) + 'b');"),
        (
            "derives",
            "export const handler = async () => { const iterations = 2 ** 31 - 1, salt = new Uint8Array(8), hash = 'SHA-512';
                const key = await crypto.subtle.importKey('raw', salt, 'PBKDF2', false, ['deriveBits']);
                return (await crypto.subtle.deriveBits({ name: 'PBKDF2', hash, salt, iterations }, key, 256)).byteLength };",
        ),
        (
            "pbkdf2",
            "export const handler = () => { const { pbkdf2Sync } = process.getBuiltinModule('crypto');
                for (;;) pbkdf2Sync('password', 'salt', 10_000_000, 64, 'sha512') };",
        ),
        (
            "scrypt",
            "export const handler = () => { const { scryptSync } = process.getBuiltinModule('crypto');
                for (;;) scryptSync('password', 'salt', 64, { N: 2 ** 15, r: 8, p: 32, maxmem: 2 ** 26 }) };",
        ),
    ] {
        let answer = broken(&app, name, source).await;
        let body = answer.assert_status(504).json();
        assert_eq!(body["errorType"], "Sandbox.Timedout", "{name}");
        let message = body["errorMessage"].as_str().unwrap_or_default();
        assert!(message.ends_with("Error: Task timed out after 1.00 seconds"), "{name}: {message}");
    }
    super::wait_for_environments(&app, 0).await;
}

#[tokio::test]
async fn functions_that_eat_all_memory_are_ended_alone() {
    let app = TestApp::start().await;
    for (name, source) in [
        ("arrays", "const all = []; export const handler = () => { for (;;) all.push(new Array(1e5).fill(Math.random())); };"),
        ("spread", "export const handler = () => [...'.'.repeat(5e8)].length;"),
        ("map", "export const handler = () => { const m = new Map(); for (let i = 0; ; i++) m.set(i, 'x' + i); };"),
        (
            "string",
            "export const handler = () => { let s = 'x'; const all = []; for (;;) { s = s + s.slice(0, 1e6); all.push([...s]); } };",
        ),
    ] {
        let answer = broken(&app, name, source).await;
        let body = answer.json();
        let kind = body["errorType"].as_str().unwrap_or_default();
        let known = ["Runtime.OutOfMemory", "Runtime.ExitError", "Sandbox.Timedout", "RangeError"].contains(&kind);
        assert!(known && matches!(answer.status(), 502 | 504), "{name}: {body}");
    }
    for (name, source) in [
        ("buffers", "export const handler = () => { const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1)); };"),
        (
            "resizable",
            "export const handler = () => { const b = new ArrayBuffer(0, { maxByteLength: 2 ** 32 }); \
                       for (let n = 1; ; n++) { b.resize(n * 1e7); new Uint8Array(b, (n - 1) * 1e7).fill(1); } };",
        ),
        (
            "wasm",
            "export const handler = () => { const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); \
                  for (;;) { const at = m.grow(100) * 65536; new Uint8Array(m.buffer, at).fill(1); } };",
        ),
    ] {
        let body = broken(&app, name, source).await.json();
        let kind = body["errorType"].as_str().unwrap_or_default();
        assert!(["RangeError", "Runtime.OutOfMemory", "Runtime.ExitError"].contains(&kind), "{name}: {body}");
    }
    app.deploy("echo", ECHO, json!({})).await;
    app.invoke("echo", &json!({})).await.assert_status(200);
}

#[tokio::test]
async fn other_faults_have_their_error_type() {
    let app = TestApp::start().await;
    let cases = [
        ("recursion", "export const handler = async () => { const f = () => f() + 1; return f(); };", "RangeError"),
        ("init", "throw new Error('at init'); export const handler = () => 1;", "Error"),
        ("settles", "export const handler = () => new Promise(() => {});", "Runtime.NodeJsExit"),
        ("cyclic", "export const handler = async () => { const a = {}; a.a = a; return a; };", "Runtime.MarshalError"),
        ("large", "export const handler = async () => 'x'.repeat(7 * 1024 * 1024);", "Function.ResponseSizeTooLarge"),
        ("string", "export const handler = async () => { throw 'a text'; };", "string"),
        (
            "rejects",
            "export const handler = async () => { Promise.reject(new Error('lost')); \
                     await new Promise((done) => setTimeout(done, 50)); return 1; };",
            "Runtime.UnhandledPromiseRejection",
        ),
        ("exits", "export const handler = async () => process.exit(3);", "Runtime.ExitError"),
    ];
    for (name, source, kind) in cases {
        let answer = broken(&app, name, source).await;
        let body: Value = answer.assert_status(502).json();
        assert_eq!(body["errorType"], kind, "{name}: {body}");
    }
    app.deploy("nothing", "export const handler = async () => {};", json!({})).await;
    let nothing = app.invoke("nothing", &json!({})).await;
    assert!(matches!(nothing.status(), 200 | 204), "{}", nothing.text());
}

#[tokio::test]
async fn initialisation_has_its_own_limit() {
    let app = TestApp::start_with("[functions]\ninit_timeout = \"1s\"").await;
    app.deploy("slow", "for (;;) {} export const handler = () => 1;", json!({ "timeout_s": 30 })).await;
    let start = Instant::now();
    let answer = app.invoke("slow", &json!({})).await;
    assert!(start.elapsed() < Duration::from_millis(2500));
    assert_eq!(answer.assert_status(504).json()["errorType"], "Sandbox.Timedout");
    let logs = app.service().get("/admin/v1/functions/slow/logs").await.text();
    assert!(logs.contains("INIT_REPORT Init Duration: ") && logs.contains("Status: timeout"), "{logs}");
}

#[tokio::test]
async fn the_console_may_be_flooded() {
    let app = TestApp::start().await;
    let source =
        "export const handler = async () => { for (let i = 0; i < 2e5; i++) console.log('line ' + i + 'x'.repeat(100)); };";
    app.deploy("flood", source, json!({ "timeout_s": 20 })).await;
    app.invoke("flood", &json!({})).await.assert_status(200);
    let logs = app.service().get("/admin/v1/functions/flood/logs?limit=1000").await.text();
    assert!(logs.contains("REPORT RequestId"), "{logs}");
    let endless = "export const handler = () => { for (;;) console.log(''); };";
    broken(&app, "endless", endless).await;
}

#[tokio::test]
async fn the_sandbox_lets_no_network_file_or_program_through() {
    let app = TestApp::start().await;
    let source = "export const handler = async () => {
        const tries = {
            fetch: () => fetch('http://127.0.0.1:9/'), deno: () => Deno.readTextFileSync('/etc/passwd'), run: () => Deno.run({ cmd: ['id'] }),
            command: () => new Deno.Command('id').outputSync(), connect: () => Deno.connect({ port: 9 }), require: () => require('fs'),
            fs: () => import('node' + ':fs'), child: () => import('node' + ':child_process'), core: () => Deno.core.ops.op_read_all,
            url: () => import('http' + 's://example.com/x.js'), file: () => import('file' + ':///etc/passwd'), eval: () => Deno[Symbol.for('x')].y,
        };
        const got = {};
        for (const [name, attempt] of Object.entries(tries)) {
            try { const value = await attempt(); got[name] = value === undefined ? 'nothing' : 'GOT ' + String(value); }
            catch (error) { got[name] = 'refused'; }
        }
        return got;
    };";
    app.deploy("tries", source, json!({ "timeout_s": 10 })).await;
    let got = app.invoke("tries", &json!({})).await.assert_status(200).json();
    for (name, outcome) in got.as_object().expect("an object") {
        assert!(outcome == "refused" || outcome == "nothing", "{name}: {outcome}");
    }
}

/// What is known beyond Lambda's words: the limit, its value, its setting, the phase, and what was pending.
#[tokio::test]
async fn a_failure_says_which_limit_was_hit_and_what_was_pending() {
    let app = TestApp::start_with("[functions]\ninit_timeout = \"1s\"").await;
    let timeout = |phase, setting| json!({ "phase": phase, "limit": "timeout", "value": 1, "unit": "s", "setting": setting });
    let cases = [
        (
            "waits",
            "export const handler = () => new Promise((done) => { setTimeout(done, 60_000); setInterval(() => {}, 700); });",
            timeout("handler", "timeout_s"),
        ),
        (
            "loops",
            "export const handler = async () => { setTimeout(() => {}, 9000); for (;;) {} };",
            timeout("handler", "timeout_s"),
        ),
        (
            "stuck",
            "export const handler = () => Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);",
            timeout("handler", "timeout_s"),
        ),
        (
            "slow-init",
            "await new Promise((done) => setTimeout(done, 60_000)); export const handler = () => 1;",
            timeout("init", "functions.init_timeout"),
        ),
        (
            "eats",
            "const all = []; export const handler = () => { for (;;) all.push(new Array(1e5).fill(Math.random())); };",
            json!({ "phase": "handler", "limit": "memory", "value": 128, "unit": "MB", "setting": "memory_mb" }),
        ),
        (
            "large",
            "export const handler = async () => 'x'.repeat(7 * 1024 * 1024);",
            json!({ "phase": "handler", "limit": "response_size", "value": 6_291_556, "unit": "bytes" }),
        ),
        ("throws", "export const handler = async () => { throw new Error('x'); };", json!({ "phase": "handler" })),
        ("init", "throw new Error('x'); export const handler = () => 1;", json!({ "phase": "init" })),
        ("never", "export const handler = () => new Promise(() => {});", json!({ "phase": "handler" })),
    ];
    let mut all = serde_json::Map::new();
    for (name, source, expected) in cases {
        let body = broken(&app, name, source).await.json();
        let mut details = body["details"].clone();
        let logged = app.service().get(&format!("/admin/v1/functions/{name}/logs?kind=platform&level=error")).await.json();
        let record = logged["entries"].as_array().and_then(|entries| entries.last()).and_then(|entry| entry["text"].as_str());
        let record: Value = serde_json::from_str(record.expect("a record")).expect("it is JSON");
        assert_eq!((&record["details"], &record["errorType"]), (&details, &body["errorType"]), "{name}: the log says the same");
        let more = details.as_object_mut().expect("an object");
        let known: serde_json::Map<_, _> =
            ["pending", "peak_mb"].into_iter().filter_map(|name| more.remove_entry(name)).collect();
        assert_eq!(details, expected, "{name}");
        all.insert(name.to_owned(), Value::Object(known));
    }
    let waits = &all["waits"]["pending"];
    assert_eq!((&waits["running"], &waits["timers"]), (&json!(false), &json!(2)), "{waits}");
    let next: Vec<_> = waits["next_timers"]
        .as_array()
        .expect("timers")
        .iter()
        .map(|timer| (timer["in_ms"].as_i64().unwrap_or_default(), timer["repeats"] == true))
        .collect();
    assert!(matches!(next[..], [(..=700, true), (58_000..=59_100, false)]), "{waits}");
    let loops = &all["loops"]["pending"];
    assert_eq!((&loops["running"], &loops["timers"]), (&json!(true), &json!(1)), "{loops}");
    assert_eq!(all["slow-init"]["pending"]["timers"], 1);
    assert_eq!(all["stuck"].get("pending"), None, "who cannot be stopped tells nothing");
    assert!(all["eats"]["peak_mb"].as_u64().is_some_and(|peak| peak >= 32), "{:?}", all["eats"]);
    assert_eq!(all["never"]["pending"]["timers"], 0);
    assert_eq!(all["throws"].get("pending"), None);
}
