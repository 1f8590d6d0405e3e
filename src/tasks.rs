//! Tracked spawning, and a stop in two steps.
//!
//! Every background task is spawned through [`Tasks`], so that a stop can wait for it. A soft stop asks ([`Tasks::soft_stopped`]
//! resolves: take no new work, finish what is under way); a hard stop ends the wait.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks on the core runtime and knows when they are done. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tasks {
    core: Handle,
    tracker: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Tasks {
    /// Makes a tracker whose tasks run on `core`.
    #[must_use]
    pub fn new(core: Handle) -> Self {
        Self { core, tracker: TaskTracker::new(), soft: CancellationToken::new(), hard: CancellationToken::new() }
    }

    /// Spawns a task on the core runtime; it is dropped where it awaits when the hard stop comes.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let hard = self.hard.clone();
        let task = async move { hard.run_until_cancelled(task).await };
        self.tracker.spawn_on(task, &self.core)
    }

    /// As [`Tasks::spawn`], in a thread of its own: the task may wait without awaiting.
    pub fn spawn_waiting<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (core, hard) = (self.core.clone(), self.hard.clone());
        let task = move || core.block_on(hard.run_until_cancelled(task));
        self.tracker.spawn_blocking_on(task, &self.core);
    }

    /// The core runtime.
    #[must_use]
    pub const fn core(&self) -> &Handle {
        &self.core
    }

    /// Resolves when the server begins to stop.
    pub async fn soft_stopped(&self) {
        self.soft.cancelled().await;
    }

    /// Whether the server has begun to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Resolves when everything is to end where it is.
    pub async fn hard_stopped(&self) {
        self.hard.cancelled().await;
    }

    /// Whether everything is to end where it is.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.hard.is_cancelled()
    }

    /// Asks every task to finish.
    pub fn begin_stop(&self) {
        self.soft.cancel();
    }

    /// Ends every task where it awaits.
    pub fn stop_now(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Asks every task to finish and waits; whatever is left after `patience` is ended.
    pub async fn stop(&self, patience: Duration) {
        self.soft.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_err() {
            self.hard.cancel();
            self.tracker.wait().await;
        }
    }
}
