//! What a phase cost.

use std::time::{Duration, Instant};

use deno_core::JsRuntime;

use crate::isolate::protocol::Usage;
use crate::sys::worker::thread_cpu_time;

/// A phase that began.
#[derive(Clone, Copy, Debug)]
pub(in crate::isolate) struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    pub(in crate::isolate) fn start() -> Self {
        Self { wall: Instant::now(), cpu: thread_cpu_time() }
    }

    /// What it cost so far.
    pub(in crate::isolate) fn read(&self, runtime: &mut JsRuntime) -> Usage {
        Usage {
            wall_us: micros(self.wall.elapsed()),
            cpu_us: micros(thread_cpu_time().saturating_sub(self.cpu)),
            heap_bytes: heap_bytes(runtime),
        }
    }
}

/// What V8's heap and the buffers beside it hold, in bytes.
pub(in crate::isolate) fn heap_bytes(runtime: &mut JsRuntime) -> u64 {
    let heap = runtime.v8_isolate().get_heap_statistics();
    (heap.used_heap_size() + heap.external_memory()) as u64
}

/// A duration in whole microseconds.
pub(in crate::isolate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
