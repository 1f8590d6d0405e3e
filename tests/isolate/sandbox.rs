//! The walls around a worker: asked of the kernel, and tried from inside.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use plinth::isolate::protocol::Layer;
use plinth::sys::process::{self, Child, Exit};
use plinth::sys::{sandbox, syscalls};
use rustix::fs::{Mode, OFlags};
use serde_json::json;

use super::driver::{PATIENCE, Reply, Worker, started};
use crate::support::environment;

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
    // As a server has it from whoever started it: without the mark that closes it on exec.
    let _inherited = rustix::fs::open("/dev/zero", OFlags::RDONLY, Mode::empty()).unwrap();
    let (_other, _end) = UnixStream::pair().unwrap();
    let worker = Worker::spare();
    let pid = worker.child.pid.as_raw_nonzero().get();
    let (held, ours) = (descriptors(pid), descriptors(std::process::id().cast_signed()));
    for (number, target) in &held {
        let known = ["socket:", "anon_inode:", "pipe:", "/dev/null"].iter().any(|kind| target.starts_with(kind));
        assert!(known, "descriptor {number} is {target}");
        let is_ours = target.starts_with("socket:") && ours.values().any(|own| own == target);
        assert!(!is_ours, "descriptor {number} is one of the server's");
    }
    assert_eq!((held[&0].as_str(), held[&1].as_str()), ("/dev/null", "/dev/null"));
    assert!(held[&2].starts_with("pipe:"), "{}", held[&2]);
    assert_eq!(held.values().filter(|target| target.starts_with("pipe:")).count(), 1, "{held:?}");
    assert_eq!(std::fs::read(format!("/proc/{pid}/environ")).unwrap(), b"", "it was given no environment");
}

/// What a process has open, by its numbers.
fn descriptors(pid: i32) -> BTreeMap<i32, String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let open = entries.filter_map(|entry| {
        // The folder that is just read is gone when its turn comes.
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, target.to_string_lossy().into_owned()))
    });
    open.collect()
}

#[tokio::test]
async fn a_worker_whose_server_ended_before_it_began_ends() {
    let Child { pidfd, socket, stderr, .. } = started();
    drop(socket);
    let exit = tokio::time::timeout(PATIENCE, process::ended(Arc::new(pidfd))).await.expect("it ends").unwrap();
    assert!(matches!(exit, Exit::Code(_)), "{exit:?}: {}", String::from_utf8_lossy(&process::drain(stderr, 4096)));
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

/// Set for the process that puts the walls up around itself and tries them.
const INSIDE: &str = "PLINTH_TEST_INSIDE_THE_WALLS";

/// The highest system call number there is, and some more: what a newer kernel adds is refused too.
const NUMBERS: std::ops::RangeInclusive<libc::c_long> = 0..=600;

/// The kernel's own trampolines for tracing (`uretprobe`, `uprobe`), on x86-64: no filter sees them, and whoever else calls them is
/// ended by SIGILL.
const TRAMPOLINES: [libc::c_long; 2] = [335, 336];

/// The numbers that must be refused.
fn to_be_refused() -> Vec<libc::c_long> {
    let passed_over = [&syscalls::allowed()[..], &TRAMPOLINES].concat();
    NUMBERS.filter(|number| !passed_over.contains(number)).collect()
}

/// Every system call but those of the list is refused before the kernel looks at its arguments: execve, socket, open, ptrace, fork,
/// mount, bpf, io_uring and all others there are or will be.
#[test]
fn every_system_call_that_is_not_listed_is_refused() {
    if environment(INSIDE).is_some() {
        return tell_what_is_refused();
    }
    let name = "isolate::sandbox::every_system_call_that_is_not_listed_is_refused";
    let inside = std::process::Command::new(std::env::current_exe().expect("the test's program"))
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "yes")
        .output()
        .expect("the test runs again");
    let text = String::from_utf8_lossy(&inside.stdout);
    let told: std::collections::BTreeMap<libc::c_long, i32> = text
        .lines()
        .filter_map(|line| line.split_once("refused ")?.1.split_once(' '))
        .filter_map(|(number, errno)| Some((number.parse().ok()?, errno.parse().ok()?)))
        .collect();
    let tried = to_be_refused();
    assert_eq!(told.len(), tried.len(), "{:?}: {text} {}", inside.status, String::from_utf8_lossy(&inside.stderr));
    for (number, errno) in told {
        let expected = if number == libc::SYS_clone3 { libc::ENOSYS } else { libc::EPERM };
        assert_eq!(errno, expected, "system call {number} was not refused");
    }
    for number in [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_clone3,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_pidfd_send_signal,
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_userfaultfd,
        libc::SYS_keyctl,
        libc::SYS_memfd_create,
        libc::SYS_prlimit64,
        libc::SYS_setuid,
        libc::SYS_ioctl,
    ] {
        assert!(tried.contains(&number), "{number} must not be on the list");
    }
}

/// Puts the walls up around this process and prints what the kernel answers to every system call that is not on the list.
fn tell_what_is_refused() {
    sandbox::before_v8().expect("the early walls");
    sandbox::after_v8().expect("the filter");
    let mut told = String::new();
    for number in to_be_refused() {
        #[expect(unsafe_code, reason = "the filter is to be asked itself, not what a library makes of it")]
        // SAFETY: the filter refuses the number before its arguments are looked at; where it did not, arguments of zero name no
        // memory, no file and no process, and a fork's child would say so below and end with its parent.
        let answer = unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) };
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or_default();
        told.push_str(&format!("refused {number} {}\n", if answer == -1 { errno } else { 0 }));
    }
    println!("\n{told}");
}

#[test]
fn the_documentation_has_the_list_as_it_is() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md")).expect("it can be read");
    let table = syscalls::table();
    assert!(docs.contains(&table), "docs/functions.md does not have this table:\n{table}");
    let listed = syscalls::allowed();
    let distinct: std::collections::BTreeSet<_> = listed.iter().collect();
    assert_eq!(distinct.len(), listed.len(), "none is listed twice");
}
