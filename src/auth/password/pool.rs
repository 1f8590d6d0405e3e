//! Threads that hash, behind a queue with an end.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::Block;
use tokio::sync::oneshot;

use crate::auth::{Error, Result};

/// How long a thread keeps its memory with nothing to do; making 19 MiB anew for each hash costs a tenth of it.
const KEEP_MEMORY: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// A fixed number of threads and a bounded queue. The threads end when the last handle is dropped. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Handle>);

struct Handle(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts `threads` threads with room for `capacity` waiting jobs.
    pub(super) fn start(threads: usize, capacity: usize) -> Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), filled: Condvar::new(), capacity });
        let pool = Self(Arc::new(Handle(Arc::clone(&shared))));
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&shared))
                .map_err(|_| Error::Crypto("starting a hashing thread"))?;
        }
        Ok(pool)
    }

    /// Runs a job on one of the threads. A job whose caller has gone away is not begun.
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        self.0.0.push(Box::new(move |memory| {
            if !sender.is_closed() {
                // Nobody is waiting any more if this fails.
                drop(sender.send(job(memory)));
            }
        }))?;
        receiver.await.map_err(|_| Error::Crypto("a hashing thread ended"))
    }
}

impl Shared {
    fn push(&self, job: Job) -> Result<()> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.jobs.len() >= self.capacity {
            return Err(Error::HashQueueFull);
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// The next job; `None` when the pool is closed. Gives `memory` back to the system when there is nothing to do.
    fn next(&self, memory: &mut Vec<Block>) -> Option<Job> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = if memory.is_empty() {
                self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner)
            } else {
                let (queue, waited) = self.filled.wait_timeout(queue, KEEP_MEMORY).unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() {
                    *memory = Vec::new();
                }
                queue
            };
        }
    }
}

fn work(shared: &Shared) {
    // Hashing yields to whoever serves requests; a kernel that refuses leaves it at the usual priority.
    if let Err(err) = rustix::process::nice(5) {
        tracing::debug!(error = %err, "the hashing threads run at the usual priority");
    }
    let mut memory = Vec::new();
    while let Some(job) = shared.next(&mut memory) {
        // A job that panics fails its own caller, whose channel it drops, and not the thread.
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            memory = Vec::new();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.filled.notify_all();
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("capacity", &self.0.0.capacity).finish_non_exhaustive()
    }
}
