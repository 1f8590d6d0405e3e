//! Calls side by side in one worker, by the protocol itself.

use std::collections::BTreeMap;
use std::time::Duration;

use plinth::isolate::protocol::{
    FetchHead, FromWorker, Invoke, ToWorker, call_of, fetch_stream, request_stream, response_stream,
};

use super::driver::{Settings, Worker, request};

const SHARED: Settings = Settings {
    file: "index.js",
    handler: None,
    env: &[],
    heap: 96 << 20,
    init_timeout: Duration::from_secs(10),
    log_limit: 1000,
    shared: true,
};

fn invoke(call: u64, timeout_ms: u64, streamed: bool) -> Invoke {
    Invoke {
        call,
        request_id: format!("request-{call}"),
        timeout_ms,
        memory_mb: 128,
        invoked_arn: String::new(),
        http: Some(request("POST", &[])),
        client_context: None,
        streamed,
        may_stream: true,
    }
}

fn start(worker: &mut Worker, call: u64, body: &str) {
    worker.send(&ToWorker::Invoke(Box::new(invoke(call, 10_000, false))), body.as_bytes());
}

/// The next frame that is no beginning of a call.
fn next(worker: &mut Worker) -> (FromWorker, String) {
    loop {
        let (message, body) = worker.receive().expect("the worker lives");
        if !matches!(message, FromWorker::Began { .. }) {
            return (message, String::from_utf8(body).expect("text"));
        }
    }
}

/// The answers of so many calls, by number.
fn answers(worker: &mut Worker, count: usize) -> BTreeMap<u64, String> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        match next(worker) {
            (FromWorker::Answer(answer), body) => drop(all.insert(answer.call, body)),
            (FromWorker::Log(_), _) => {}
            other => panic!("a call was answered by {other:?}"),
        }
    }
    all
}

#[test]
fn a_call_begins_while_another_waits_and_each_answer_says_whose_it_is() {
    let mut worker = Worker::with(
        SHARED,
        "let go; export default async (request) => { const text = await request.text();
            if (text === 'waits') await new Promise((done) => go = done); else go?.();
            return new Response('to ' + text) }",
    );
    start(&mut worker, 7, "waits");
    assert!(matches!(worker.receive(), Some((FromWorker::Began { call: 7 }, _))));
    start(&mut worker, 9, "other");
    assert!(matches!(worker.receive(), Some((FromWorker::Began { call: 9 }, _))));
    let all = answers(&mut worker, 2);
    assert_eq!(all, BTreeMap::from([(7, "to waits".to_owned()), (9, "to other".to_owned())]));
}

#[test]
fn requests_and_bodies_belong_to_their_calls() {
    let mut worker = Worker::with(
        SHARED,
        "export default async (request) => { const text = await request.text();
            const answer = await fetch('http://example.com/' + text); return new Response(text + answer.status) }",
    );
    for call in [3, 4] {
        worker.send(&ToWorker::Invoke(Box::new(invoke(call, 10_000, true))), b"");
    }
    // The pieces come crosswise.
    for piece in ["a", "b"] {
        for call in [3, 4] {
            let stream = request_stream(call);
            worker.send(&ToWorker::Chunk { stream, end: piece == "b" }, format!("{piece}{call}").as_bytes());
        }
    }
    let mut seen = BTreeMap::new();
    while seen.len() < 2 {
        if let (FromWorker::Fetch(fetch), _) = next(&mut worker) {
            seen.insert(call_of(fetch.stream), (fetch.stream, fetch.url));
        }
    }
    for (call, (stream, url)) in &seen {
        assert_eq!((*stream, url.as_str()), (fetch_stream(*call, 1), format!("http://example.com/a{call}b{call}").as_str()));
        let status = 200 + u16::try_from(*call).unwrap();
        let head = FetchHead { stream: *stream, status, headers: Vec::new(), ended: true };
        worker.send(&ToWorker::FetchHead(Box::new(head)), b"");
    }
    let all = answers(&mut worker, 2);
    assert_eq!(all, BTreeMap::from([(3, "a3b3203".to_owned()), (4, "a4b4204".to_owned())]));
}

#[test]
fn what_comes_after_the_end_of_its_call_is_of_no_effect() {
    let mut worker = Worker::with(
        SHARED,
        "let late; export default async (request) => { const text = await request.text();
            if (text === 'first') { late = (async () => { await new Promise((go) => setTimeout(go, 50));
                try { await fetch('http://example.com/'); return 'sent' } catch (error) { return error.message } })(); return new Response('') }
            return new Response(await late) }",
    );
    start(&mut worker, 1, "first");
    assert_eq!(answers(&mut worker, 1)[&1], "");
    start(&mut worker, 2, "second");
    let told = &answers(&mut worker, 1)[&2];
    assert!(told.contains("the call it belonged to has ended"), "{told}");
    for stream in [request_stream(1), response_stream(1), fetch_stream(1, 1), fetch_stream(99, 1), u64::MAX] {
        worker.send(&ToWorker::Chunk { stream, end: true }, b"late");
        worker.send(&ToWorker::Abort { stream, reason: "late".to_owned() }, b"");
    }
    start(&mut worker, 3, "third");
    assert_eq!(answers(&mut worker, 1).len(), 1);
}

#[test]
fn each_call_has_a_log_of_its_own_length() {
    let mut worker = Worker::with(
        SHARED,
        "export default async (request) => { const text = await request.text();
            await new Promise((go) => setTimeout(go, 5)); console.log(text.repeat(text === 'x' ? 5000 : 3)); return new Response('') }",
    );
    start(&mut worker, 1, "x");
    start(&mut worker, 2, "y");
    let (mut lines, mut done) = (BTreeMap::<u64, Vec<String>>::new(), 0);
    while done < 2 {
        match next(&mut worker) {
            (FromWorker::Log(line), _) => lines.entry(line.call).or_default().push(line.text),
            (FromWorker::Answer(_), _) => done += 1,
            other => panic!("a call was answered by {other:?}"),
        }
    }
    assert_eq!(lines[&2], ["yyy"]);
    assert_eq!((lines[&1][0].len(), lines[&1].len()), (1000, 2), "{lines:?}");
    assert!(lines[&1][1].contains("functions.log_limit"));
}

#[test]
fn a_deadline_that_passes_while_code_runs_ends_those_whose_time_is_over_and_in_the_end_all() {
    let mut worker = Worker::with(
        SHARED,
        "export default async (request) => { const text = await request.text(); if (text === 'spins') for (;;);
            await new Promise((go) => setTimeout(go, 30_000)) }",
    );
    worker.send(&ToWorker::Invoke(Box::new(invoke(1, 200, false))), b"waits");
    worker.send(&ToWorker::Invoke(Box::new(invoke(2, 600, false))), b"spins");
    let mut failed = BTreeMap::new();
    while let Some((message, _)) = worker.receive() {
        if let FromWorker::Failed { call, error, fatal, usage } = message {
            assert!(fatal);
            failed.insert(call, (error.error_type, usage));
        }
    }
    let kinds: Vec<_> = failed.iter().map(|(call, (kind, _))| (*call, kind.as_str())).collect();
    assert_eq!(kinds, [(1, "Sandbox.Timedout"), (2, "Sandbox.Timedout")]);
    assert!(failed[&2].1.wall_us >= 600_000, "it ran to its own limit: {failed:?}");
    worker.exit();
}
