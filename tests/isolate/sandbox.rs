//! The walls around a worker: asked of the kernel, and tried from inside.

use std::os::fd::AsRawFd;
use std::time::Duration;

use plinth::isolate::protocol::Layer;
use serde_json::json;

use super::driver::{Reply, Worker};

#[test]
fn the_kernel_confirms_what_the_worker_reports() {
    let worker = Worker::spare();
    for layer in [&worker.sandbox.no_new_privs, &worker.sandbox.landlock, &worker.sandbox.seccomp] {
        assert!(matches!(layer, Layer::On(_)), "{:?}", worker.sandbox);
    }
    assert_eq!(worker.status("NoNewPrivs"), "1");
    assert_eq!(worker.status("Seccomp"), "2");
    let pid = worker.child.pid.as_raw_nonzero();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "every thread: {status}");
    }
    assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim(), "1000");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    for name in ["Max core file size", "Max file size"] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some("0"), "{line}");
    }
}

#[test]
fn a_worker_holds_its_socket_and_nothing_else_of_the_servers() {
    let worker = Worker::spare();
    let pid = worker.child.pid.as_raw_nonzero();
    assert_ne!(worker.child.socket.as_raw_fd(), -1);
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let entry = entry.unwrap();
        let target = std::fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned();
        let known = ["socket:", "anon_inode:", "pipe:", "/dev/null"].iter().any(|kind| target.starts_with(kind));
        assert!(known, "descriptor {:?} is {target}", entry.file_name());
    }
    assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"", "it was given no environment");
}

#[test]
fn the_ways_out_are_not_there() {
    let source = "export const handler = async () => {
        const outcome = {};
        try { await fetch('http://127.0.0.1:8080/'); outcome.fetch = 'worked' } catch (e) { outcome.fetch = `${e.name}: ${e.message}` }
        outcome.names = ['WebSocket', 'EventSource', 'Worker', 'BroadcastChannel', '__bootstrap', 'SharedArrayBuffer']
            .filter((name) => name in globalThis);
        outcome.deno = Object.keys(Deno).sort();
        outcome.core = typeof Deno.core;
        outcome.require = typeof require;
        try { await import('node:fs'.slice(0)); outcome.import = 'worked' } catch (e) { outcome.import = e.message }
        try { await import('ext:core/ops'.slice(0)); outcome.ops = 'worked' } catch (e) { outcome.ops = e.message }
        return outcome }";
    let mut worker = Worker::of(source);
    let outcome = worker.result("{}");
    assert_eq!(outcome["fetch"], "TypeError: fetch failed: http://127.0.0.1:8080/ is out of reach");
    assert_eq!(outcome["names"], json!([]));
    assert_eq!(outcome["deno"], json!(["env", "exit", "serve"]));
    assert_eq!((&outcome["core"], &outcome["require"]), (&json!("undefined"), &json!("undefined")));
    assert!(outcome["import"].as_str().unwrap().contains("node:fs"), "{outcome}");
    assert_ne!(outcome["ops"], "worked");
}

/// A script that lays hands on deno's internals as they pass by still finds the operations that reach out disabled.
#[test]
fn internals_cannot_be_caught_on_their_way() {
    let source = "const caught = [];
        for (const name of ['__bootstrap', 'Deno']) {
            const own = name === 'Deno' ? globalThis.Deno : undefined;
            Object.defineProperty(globalThis, name, { configurable: true, get: () => own, set(value) { caught.push(value) } });
        }
        export const handler = async () => {
            await crypto.subtle.digest('SHA-256', new Uint8Array(1));
            new Response('x').body; new CompressionStream('gzip'); structuredClone({}); console.log({});
            const found = [];
            Error.prepareStackTrace = (error, sites) => { for (const s of sites) found.push(typeof s.getThis?.(), typeof s.getFunction?.()); return '' };
            new Headers([['a', { toString() { new Error('x').stack; return 'b' } }]]);
            return { caught: caught.length, found: found.filter((kind) => kind !== 'undefined') } }";
    let outcome = Worker::of(source).result("{}");
    assert_eq!(outcome, json!({ "caught": 0, "found": [] }));
}

#[test]
fn compiled_code_and_threads_still_work_behind_the_filter() {
    let source = "export const handler = async () => {
        let n = 0; for (let i = 0; i < 3e6; i++) n = (n * 31 + i) | 0;
        const wasm = await WebAssembly.instantiate(new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]));
        const key = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
        const data = new Uint8Array(1000);
        const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key.privateKey, data);
        const all = []; for (let i = 0; i < 50; i++) all.push(new Array(10000).fill({}));
        return { wasm: wasm.instance.exports.add(2, 3), verified: await crypto.subtle.verify('RSASSA-PKCS1-v1_5', key.publicKey, signature, data) } }";
    let mut worker = Worker::of(source);
    let reply = worker.call(b"{}", None, Duration::from_secs(20));
    let Reply::Answer { body, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), json!({ "wasm": 5, "verified": true }));
}
