//! What a worker still says when V8 runs out of memory and is about to abort the process.
//!
//! V8 offers a callback without a place for data, and aborts when it returns. The server would know only of a signal; this tells it
//! the cause.

use std::ffi::c_char;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use deno_core::{JsRuntime, v8};

use super::channel::Outbox;
use super::failure;
use super::protocol::{FromWorker, Usage};
use super::runtime::engine::Heap;

struct LastWords {
    outbox: Outbox,
    heap: Arc<Heap>,
    call: AtomicU64,
}

static LAST_WORDS: OnceLock<LastWords> = OnceLock::new();

/// Installs the callback. Once in a process.
pub(super) fn prepare(runtime: &mut JsRuntime, outbox: Outbox, heap: Arc<Heap>) {
    if LAST_WORDS.set(LastWords { outbox, heap, call: AtomicU64::new(0) }).is_ok() {
        runtime.v8_isolate().set_oom_error_handler(on_out_of_memory);
    }
}

/// Remembers which call is under way; 0 is initialisation.
pub(super) fn begin(call: u64) {
    if let Some(words) = LAST_WORDS.get() {
        words.call.store(call, Ordering::Relaxed);
    }
}

extern "C" fn on_out_of_memory(_: *const c_char, _: &v8::OomDetails) {
    let Some(LastWords { outbox, heap, call }) = LAST_WORDS.get() else { return };
    let usage = Usage { heap_bytes: heap.limit() as u64, ..Usage::default() };
    let error = failure::out_of_memory(heap.limit());
    let message = match call.load(Ordering::Relaxed) {
        0 => FromWorker::InitFailed { error, usage },
        call => FromWorker::Failed { call, error, fatal: true, usage },
    };
    // The process ends either way.
    let _ = outbox.push(&message, &[]);
    outbox.flush_last_words();
}
