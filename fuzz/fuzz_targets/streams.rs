//! What a worker sends about streams, as the server sees it: well-formed frames in any order with any numbers, and bytes between them.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use plinth::functions::untrusted::{CALL, take};
use plinth::isolate::protocol::{
    Ask, Fetch, FetchBody, FromWorker, KvAsk, Question, WINDOW, encode_into, fetch_stream, request_stream, response_stream,
};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));

fuzz_target!(|bytes: &[u8]| {
    let mut sent = Vec::new();
    let mut rest = bytes;
    while let Some(([kind, which, low, high], after)) = rest.split_first_chunk::<4>() {
        rest = after;
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let stream = match which % 8 {
            0 | 1 => response_stream(CALL),
            2 => request_stream(CALL),
            3 => u64::MAX,
            4 => u64::from(*which),
            _ => fetch_stream(CALL, u64::from(*which)),
        };
        let message = match kind % 9 {
            0..=2 => FromWorker::Chunk { stream, end: kind & 0x80 != 0 },
            3 => FromWorker::Credit { stream, bytes: size.wrapping_mul(usize::from(kind / 8)) },
            4 => FromWorker::Abort { stream, reason: "x".repeat(size % 64) },
            5 => FromWorker::Fetch(Box::new(Fetch {
                stream,
                method: if kind & 0x80 == 0 { "POST".to_owned() } else { "?".to_owned() },
                url: String::from_utf8_lossy(&rest[..rest.len().min(size % 64)]).into_owned(),
                headers: vec![("a".to_owned(), "b".repeat(size % 64))],
                body: [FetchBody::None, FetchBody::Whole, FetchBody::Streamed(Some(u64::from(*high)))][usize::from(low % 3)],
            })),
            6 => FromWorker::Settled { call: stream },
            7 => {
                let text = String::from_utf8_lossy(&rest[..rest.len().min(size % 64)]).into_owned();
                let (store, key) = (text.clone(), text);
                let question = Question::Kv { store, ask: KvAsk::Increment { key, by: i64::from(*high), expires_in_ms: None } };
                FromWorker::Ask(Box::new(Ask { call: CALL - u64::from(which / 128), number: u64::from(which % 8), question }))
            }
            _ => {
                let (raw, after) = rest.split_at(rest.len().min(size % 32));
                sent.extend_from_slice(raw);
                rest = after;
                continue;
            }
        };
        encode_into(&mut sent, &message, &vec![*which; size]).expect("the frame is short enough");
        if sent.len() > 4 * WINDOW {
            break;
        }
    }
    let taken = RUNTIME.block_on(take(&sent)).expect("sockets are to be had");
    assert!(taken.held <= WINDOW, "the server held {} bytes that nobody read", taken.held);
});
