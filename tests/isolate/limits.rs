//! Functions that take more than they may.

use std::time::{Duration, Instant};

use plinth::isolate::protocol::{FromWorker, Pending};
use plinth::sys::process::Exit;
use serde_json::json;

use super::driver::{Reply, Settings, Worker};

/// Private memory beyond what a spare has, as the server would allow a function of 128 MB.
const MEMORY: u64 = 256 << 20;

#[test]
fn filling_the_heap_is_told_as_such() {
    for source in [
        "export const handler = async () => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)) }",
        "export const handler = async () => { const all = []; for (;;) all.push({ n: all.length, s: 'x' + all.length }) }",
        "export const handler = async () => { const all = new Map(); for (let i = 0;; i++) all.set(i, { i }) }",
        "export const handler = async () => { let s = []; for (;;) { s.push('x'.repeat(10000) + s.length); s.at(-1).charCodeAt(5) ; JSON.stringify(s.at(-1)) } }",
    ] {
        let settings = Settings { heap: 64 << 20, ..Settings::default() };
        let mut worker = Worker::with(settings, source);
        worker.limit_memory(MEMORY);
        let (error, fatal) = worker.failure("{}");
        assert_eq!(error.error_type, "Runtime.OutOfMemory", "{source}");
        assert!(error.message.contains("64 MB") && fatal, "{error:?}");
        let exit = worker.exit();
        // V8 aborts where one step needs more than there is; the worker has told the cause by then.
        assert!(matches!(exit, Exit::Code(0) | Exit::Signal(_)), "{source}: {exit:?}");
    }
}

#[test]
fn a_heap_may_grow_far_beyond_a_spares() {
    let source = "export const handler = async () => { const all = []; while (all.length < 2e7) all.push(all.length + 0.5); return all.length }";
    let mut worker = Worker::with(Settings { heap: 400 << 20, ..Settings::default() }, source);
    assert_eq!(worker.result("{}"), json!(20_000_000));
}

/// One allocation beyond the limit makes V8 abort, whatever anybody does: the process dies, and says why as far as it can.
#[test]
fn one_huge_allocation_ends_that_process_alone() {
    for source in [
        "export const handler = async () => [...'.'.repeat(5e8)].length",
        "export const handler = async () => JSON.parse('[' + '1,'.repeat(1e8) + '1]').length",
        "export const handler = async () => new Array(1e8).fill(0.5).length",
    ] {
        let settings = Settings { heap: 64 << 20, ..Settings::default() };
        let mut worker = Worker::with(settings, source);
        worker.limit_memory(MEMORY);
        match worker.event("{}") {
            Reply::Failed { error, fatal: true, .. } => assert_eq!(error.error_type, "Runtime.OutOfMemory", "{source}"),
            Reply::Failed { error, .. } => assert_eq!(error.error_type, "RangeError", "{source}"),
            Reply::Gone(exit) => assert!(matches!(exit, Exit::Signal(_)), "{source}: {exit:?}"),
            answered @ Reply::Answer { .. } => panic!("{source}: {answered:?}"),
        }
    }
}

/// Memory outside V8's heap is bounded by the limit on the process's data; refused, it is an ordinary error.
#[test]
fn buffers_and_webassembly_are_bounded_by_the_data_limit() {
    for source in [
        "export const handler = async () => { const all = []; for (;;) all.push(new ArrayBuffer(16 << 20)) }",
        "export const handler = async () => { const b = new ArrayBuffer(0, { maxByteLength: 2 ** 31 }); for (let n = 1 << 20;; n += 1 << 20) b.resize(n) }",
        "export const handler = async () => { const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) m.grow(256) }",
        "export const handler = async () => new Uint8Array(500 << 20).length",
    ] {
        let mut worker = Worker::of(source);
        worker.limit_memory(MEMORY);
        let (error, fatal) = worker.failure("{}");
        match error.error_type.as_str() {
            "RangeError" => {
                assert!(!fatal);
                let again = worker.failure("{}").0.error_type;
                assert!(["RangeError", "Runtime.OutOfMemory"].contains(&again.as_str()), "the environment lives on: {again}");
            }
            // V8 may find that collecting garbage is of no use any more before an allocation is refused.
            kind => assert_eq!((kind, fatal), ("Runtime.OutOfMemory", true), "{source}: {error:?}"),
        }
    }
}

#[test]
fn blobs_and_text_outside_the_heap_are_bounded_too() {
    for source in [
        "export const handler = async () => { const all = []; for (;;) all.push(new Blob([new Uint8Array(8 << 20)])) }",
        "export const handler = async () => { const all = []; const e = new TextEncoder(); for (;;) all.push(e.encode('x'.repeat(8 << 20))) }",
        "export const handler = async () => { const all = []; for (;;) all.push(structuredClone(new Uint8Array(8 << 20))) }",
    ] {
        let mut worker = Worker::of(source);
        worker.limit_memory(MEMORY);
        match worker.event("{}") {
            Reply::Failed { .. } => {}
            Reply::Gone(exit) => assert!(matches!(exit, Exit::Signal(_)), "{source}: {exit:?}"),
            answered @ Reply::Answer { .. } => panic!("{source}: {answered:?}"),
        }
    }
}

/// `faas.md` a.5: built-ins without a check for interrupts. The worker cannot end them, so the server kills it.
#[test]
fn built_ins_that_cannot_be_ended_are_killed_and_their_log_is_kept() {
    for program in [
        "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)",
        "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })",
        "Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)",
        "Array.prototype.join.call({ length: 2 ** 32 - 1 })",
    ] {
        let source = format!("export const handler = async () => {{ console.log('before'); return {program} }}");
        let mut worker = Worker::of(&source);
        let start = Instant::now();
        worker.start(b"{}", None, Duration::from_millis(200));
        let line = worker.receive().map(|(message, _)| message);
        let Some(FromWorker::Log(line)) = line else { panic!("{program}: {line:?}") };
        assert_eq!(line.text, "before");
        assert!(start.elapsed() >= Duration::from_millis(150), "the log is sent when the time is over");
        worker.kill();
        assert!(matches!(worker.finish(), Reply::Gone(Exit::Signal(9))), "{program}");
    }
}

#[test]
fn waiting_for_memory_that_others_share_is_not_allowed() {
    let source = "export const handler = async () => {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        Atomics.wait(new Int32Array(memory.buffer), 0, 0) }";
    let (error, _) = Worker::of(source).failure("{}");
    assert_eq!(error.error_type, "TypeError", "{error:?}");
}

#[test]
fn a_worker_whose_server_hangs_up_ends_itself() {
    let worker = Worker::of("export const handler = async () => 1");
    worker.child.socket.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(worker.exit(), Exit::Code(0));
}

/// What a call waited for when its time was over is told before its failure.
#[test]
fn what_was_pending_is_told() {
    let cases = [
        ("setTimeout(() => {}, 60000); await new Promise(() => {})", (false, 1, 0)),
        ("for (let i = 0; i < 40; i++) setTimeout(() => {}, 60000 + i); await new Promise(() => {})", (false, 40, 0)),
        (
            "const t = setTimeout(() => {}, 60000); clearTimeout(t); setInterval(() => {}, 60000); await new Promise(() => {})",
            (false, 1, 0),
        ),
        ("setTimeout(() => {}, 1); for (;;) {}", (true, 1, 0)),
    ];
    for (body, (running, timers, wait_until)) in cases {
        let mut worker = Worker::of(&format!("export const handler = async () => {{ {body} }}"));
        let pending = pending(&mut worker, Duration::from_millis(300));
        assert_eq!((pending.running, pending.timers, pending.wait_until), (running, timers, wait_until), "{body}: {pending:?}");
        let told = if running { 0 } else { usize::try_from(timers).unwrap().min(16) };
        assert_eq!(pending.soonest.len(), told, "{body}");
        assert!(
            pending.soonest.is_sorted() && pending.soonest.iter().all(|(left, _)| (58_000..=60_100).contains(left)),
            "{pending:?}"
        );
    }
    let web = "export default { async fetch(request, env, ctx) {
        ctx.waitUntil(new Promise(() => {})); ctx.waitUntil(new Promise((done) => setTimeout(done, 60000)));
        await crypto.subtle.deriveBits({ name: 'PBKDF2', salt: new Uint8Array(8), iterations: 5e8, hash: 'SHA-512' },
            await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits']), 256);
        return new Response('x') } }";
    let mut worker = Worker::of(web);
    let pending = pending(&mut worker, Duration::from_millis(500));
    assert_eq!((pending.wait_until, pending.timers), (2, 1), "{pending:?}");
    assert_eq!(pending.operations.values().sum::<u32>(), 1, "{pending:?}");
}

/// What a call that runs out of time says is pending.
fn pending(worker: &mut Worker, timeout: Duration) -> Pending {
    worker.start(b"{}", None, timeout);
    let told = worker.receive().map(|(message, _)| message);
    let Some(FromWorker::Pending(pending)) = told else { panic!("{told:?}") };
    let Reply::Failed { error, .. } = worker.finish() else { panic!("no failure follows") };
    assert_eq!(error.error_type, "Sandbox.Timedout");
    *pending
}
