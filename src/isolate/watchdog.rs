//! The thread that ends a script which does not end by itself.
//!
//! Arming and disarming is one atomic store each; the thread is woken only when it sleeps past the new deadline. It sleeps until
//! the deadline it knows and looks again: calls that follow one another leave it asleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use deno_core::v8::IsolateHandle;

use super::channel::Outbox;

/// Nothing is timed.
const DISARMED: u64 = u64::MAX;
/// The deadline passed and the script was ended.
const FIRED: u64 = u64::MAX - 1;

#[derive(Debug)]
struct Shared {
    start: Instant,
    /// Microseconds after `start`, or one of the two marks.
    deadline: AtomicU64,
    /// When the thread will look again; [`DISARMED`] when only a wake-up makes it.
    looks_at: AtomicU64,
}

/// Holds the deadline of what runs now.
#[derive(Debug)]
pub(super) struct Watchdog {
    shared: Arc<Shared>,
    thread: Thread,
}

impl Watchdog {
    /// Starts the thread, disarmed.
    pub(super) fn start(isolate: IsolateHandle, outbox: Outbox) -> std::io::Result<Self> {
        let start = Instant::now();
        let shared = Arc::new(Shared { start, deadline: AtomicU64::new(DISARMED), looks_at: AtomicU64::new(0) });
        let watched = Arc::clone(&shared);
        let builder = thread::Builder::new().name("watchdog".to_owned()).stack_size(64 * 1024);
        let handle = builder.spawn(move || watch(&watched, &isolate, &outbox))?;
        Ok(Self { shared, thread: handle.thread().clone() })
    }

    /// Ends the script when `timeout` has passed, unless it is disarmed before.
    pub(super) fn arm(&self, timeout: Duration) {
        let deadline = micros(self.shared.start.elapsed().saturating_add(timeout)).min(FIRED - 1);
        self.shared.deadline.store(deadline, Ordering::SeqCst);
        if deadline < self.shared.looks_at.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }

    /// Stops timing; `true` when the deadline passed before.
    pub(super) fn disarm(&self) -> bool {
        self.shared.deadline.swap(DISARMED, Ordering::SeqCst) == FIRED
    }

    /// Takes the deadline for passed, since another clock says so.
    pub(super) fn mark_fired(&self) {
        self.shared.deadline.store(FIRED, Ordering::SeqCst);
    }

    /// Whether the deadline has passed.
    pub(super) fn has_fired(&self) -> bool {
        self.shared.deadline.load(Ordering::SeqCst) == FIRED
    }
}

fn watch(shared: &Shared, isolate: &IsolateHandle, outbox: &Outbox) {
    loop {
        let deadline = shared.deadline.load(Ordering::SeqCst);
        if deadline >= FIRED {
            shared.looks_at.store(DISARMED, Ordering::SeqCst);
            // Armed between the two lines above: then nobody wakes this thread, so it must not sleep.
            if shared.deadline.load(Ordering::SeqCst) >= FIRED {
                thread::park();
            }
            continue;
        }
        let now = micros(shared.start.elapsed());
        if now < deadline {
            shared.looks_at.store(deadline, Ordering::SeqCst);
            if shared.deadline.load(Ordering::SeqCst) >= deadline {
                thread::park_timeout(Duration::from_micros(deadline - now));
            }
        } else if shared.deadline.compare_exchange(deadline, FIRED, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            isolate.terminate_execution();
            // Should the script be in a built-in that cannot be ended, the server kills the process: its log must be out by then.
            outbox.flush_last_words();
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
