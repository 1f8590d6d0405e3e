//! Streams over the socket, as the worker speaks and hears them.

use std::time::Duration;

use plinth::isolate::protocol::{
    self, CHUNK, FetchBody, FetchHead, FromWorker, Invoke, MAX_OPENING, ToWorker, WINDOW, request_stream, response_stream,
};
use proptest::prelude::*;
use serde_json::json;

use super::driver::{Worker, request};

/// Calls a worker with a request that is streamed to it, and takes a stream for an answer.
fn call(worker: &mut Worker, number: u64) {
    let invoke = Invoke {
        call: number,
        request_id: "streamed".to_owned(),
        timeout_ms: 10_000,
        memory_mb: 128,
        invoked_arn: String::new(),
        client_context: None,
        http: Some(request("POST", &[])),
        streamed: true,
        may_stream: true,
    };
    worker.send(&ToWorker::Invoke(Box::new(invoke)), b"");
}

fn next(worker: &mut Worker) -> (FromWorker, Vec<u8>) {
    worker.receive().expect("the worker lives")
}

#[test]
fn a_worker_sends_no_more_than_its_window() {
    let mut worker = Worker::of(
        "export default (request) => request.method === 'GET' ? new Response('') : new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(100_000)) },
            cancel() { console.log('cancelled') } }))",
    );
    call(&mut worker, 1);
    let stream = response_stream(1);
    assert!(matches!(next(&mut worker), (FromWorker::Started(started), _) if started.call == 1 && started.http.status == 200));
    let mut got = 0;
    while got < WINDOW {
        let (FromWorker::Chunk { stream: number, end: false }, body) = next(&mut worker) else { panic!("a chunk comes next") };
        assert!(number == stream && body.len() <= CHUNK);
        got += body.len();
    }
    assert_eq!(got, WINDOW);
    worker.send(&ToWorker::Credit { stream, bytes: 10 }, b"");
    assert!(matches!(next(&mut worker), (FromWorker::Chunk { .. }, body) if body.len() == 10));
    worker.send(&ToWorker::Abort { stream, reason: "enough".to_owned() }, b"");
    assert!(matches!(next(&mut worker), (FromWorker::Log(line), _) if line.text == "cancelled"));
    assert!(matches!(next(&mut worker), (FromWorker::Finished { call: 1, waiting: false, .. }, _)));
    assert_eq!(worker.fetch(request("GET", &[]), b"").status, 200, "the next call finds no trace of it");
}

#[test]
fn a_worker_gives_credit_for_what_was_read() {
    let mut worker = Worker::of(
        "export default async (request) => { let bytes = 0; for await (const piece of request.body) bytes += piece.length;
            return Response.json(bytes) }",
    );
    call(&mut worker, 1);
    let stream = request_stream(1);
    let mut credit = WINDOW;
    for _ in 0..40 {
        while credit < CHUNK {
            let (FromWorker::Credit { stream: number, bytes }, _) = next(&mut worker) else { panic!("credit comes next") };
            assert_eq!(number, stream);
            credit += bytes;
        }
        worker.send(&ToWorker::Chunk { stream, end: false }, &[1; CHUNK]);
        credit -= CHUNK;
    }
    worker.send(&ToWorker::Chunk { stream, end: true }, b"end");
    loop {
        match next(&mut worker) {
            (FromWorker::Credit { .. }, _) => {}
            (FromWorker::Answer(_), body) => return assert_eq!(body, (40 * CHUNK + 3).to_string().as_bytes()),
            other => panic!("the call was answered by {other:?}"),
        }
    }
}

#[test]
fn a_worker_holds_requests_back() {
    let mut worker = Worker::of(
        "export default async () => { const all = await Promise.all(Array.from({ length: 100 }, (_, at) => fetch(`http://example.com/${at}`)));
            return Response.json(all.length) }",
    );
    call(&mut worker, 1);
    let mut seen = Vec::new();
    while seen.len() < MAX_OPENING {
        let (FromWorker::Fetch(fetch), _) = next(&mut worker) else { panic!("a request comes next") };
        assert_eq!(fetch.body, FetchBody::None);
        seen.push(fetch.stream);
    }
    for at in 0..100 {
        let head = FetchHead { stream: seen[at], status: 204, headers: Vec::new(), ended: true };
        worker.send(&ToWorker::FetchHead(Box::new(head)), b"");
        if seen.len() < 100 {
            let (FromWorker::Fetch(fetch), _) = next(&mut worker) else { panic!("a request comes next") };
            seen.push(fetch.stream);
        }
    }
    assert!(seen.is_sorted() && seen.iter().all(|number| number % 2 == 1), "{seen:?}");
    assert!(matches!(next(&mut worker), (FromWorker::Answer(_), body) if body == b"100"));
}

#[test]
fn frames_about_streams_that_are_not_there_are_dropped() {
    let mut worker = Worker::of("export const handler = async (event) => event");
    for stream in [0, 1, 2, 3, 4, 999, u64::MAX] {
        worker.send(&ToWorker::Chunk { stream, end: false }, b"some");
        worker.send(&ToWorker::Credit { stream, bytes: usize::MAX }, b"");
        worker.send(&ToWorker::Abort { stream, reason: "x".to_owned() }, b"");
        worker.send(&ToWorker::FetchFailed { stream, message: "x".to_owned() }, b"");
        worker.send(&ToWorker::FetchHead(Box::new(FetchHead { stream, status: 0, headers: Vec::new(), ended: false })), b"");
        assert_eq!(worker.result("{\"a\":1}"), json!({ "a": 1 }));
    }
}

#[test]
fn a_server_that_leaves_in_mid_stream_ends_the_worker() {
    let mut worker = Worker::of("export default async (request) => new Response(await request.text())");
    call(&mut worker, 1);
    worker.send(&ToWorker::Chunk { stream: request_stream(1), end: false }, b"some");
    worker.child.socket.shutdown(std::net::Shutdown::Write).unwrap();
    worker.child.socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    while worker.receive().is_some() {}
    worker.exit();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_upset_the_reader_of_frames(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = protocol::decode::<FromWorker>(&bytes);
        let _ = protocol::decode::<ToWorker>(&bytes);
    }

    #[test]
    fn no_json_upsets_the_reader_of_frames(
        name in prop::sample::select(vec!["chunk", "abort", "credit", "fetch", "started", "finished", "settled", "answer", "failed", "x"]),
        fields in prop::collection::btree_map("stream|end|bytes|reason|call|url|method|headers|body|usage", any::<i64>(), 0..6),
    ) {
        let json = json!({ name: fields }).to_string();
        let mut frame = u32::try_from(json.len()).unwrap().to_le_bytes().to_vec();
        frame.extend_from_slice(json.as_bytes());
        let _ = protocol::decode::<FromWorker>(&frame);
    }

    #[test]
    fn a_frame_of_a_stream_reads_as_it_was_written(stream in any::<u64>(), end in any::<bool>(), body in prop::collection::vec(any::<u8>(), 0..300)) {
        let frame = protocol::encode(&ToWorker::Chunk { stream, end }, &body).unwrap();
        let (message, at) = protocol::decode::<FromWorker>(&frame[4..]).unwrap();
        let FromWorker::Chunk { stream: number, end: last } = message else { panic!("{message:?}") };
        prop_assert_eq!((number, last), (stream, end));
        prop_assert_eq!(&frame[4 + at..], &body);
    }
}
