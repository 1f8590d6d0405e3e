//! Workers that are ready before they are needed: started, sandboxed, V8 up, waiting for code.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::pool::Pool;
use super::snapshot::Source;
use super::spawner::Spawner;
use super::worker::{Process, Worker};
use crate::isolate::protocol::{FromWorker, Sandbox};
use crate::sys::process::Child;
use crate::tasks::Tasks;

/// How long a worker may take to be ready; the first one waits for the snapshot to be made.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How long after a worker did not come up the next one is tried without anybody's asking.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// The longest first frame of a worker.
const READY_FRAME: usize = 64 * 1024;

/// Keeps spare workers. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Spares(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    spawner: Spawner,
    tasks: Tasks,
    /// Told when a process has ended.
    pool: Pool,
    /// Spares to keep ready.
    wanted: usize,
    /// Processes that live, spare or assigned.
    alive: AtomicUsize,
    /// Whether the snapshot was made anew because a worker did not come up with it.
    renewed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Worker>,
    starting: usize,
    waiting: VecDeque<oneshot::Sender<Result<Worker, String>>>,
    /// Whether spares are kept at all yet.
    active: bool,
    closed: bool,
    sandbox: Option<Sandbox>,
    /// When the last worker that was ordered did not come up; `None` when it did, or none was ordered yet.
    failed: Option<Instant>,
}

impl Spares {
    pub(super) fn new(source: Source, tasks: Tasks, wanted: usize, pool: Pool) -> io::Result<Self> {
        let spawner = Spawner::start(source)?;
        let shared = Shared {
            state: Mutex::default(),
            spawner,
            tasks,
            wanted,
            alive: AtomicUsize::new(0),
            pool,
            renewed: AtomicBool::new(false),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Starts keeping spares, if that has not begun: a server without functions starts no worker.
    pub(super) fn activate(&self) {
        self.0.lock().active = true;
        self.refill();
    }

    /// Takes a spare, or waits for one to be started. The error says why there is none.
    pub(super) async fn take(&self) -> Result<Worker, String> {
        let turn = {
            let mut state = self.0.lock();
            if state.closed {
                return Err("the server stops".to_owned());
            }
            while let Some(spare) = state.ready.pop_front() {
                if !spare.process().has_ended() {
                    return Ok(spare);
                }
            }
            let (sender, turn) = oneshot::channel();
            state.waiting.push_back(sender);
            turn
        };
        self.order(0);
        match tokio::time::timeout(READY_LIMIT, turn).await {
            Ok(Ok(worker)) => worker,
            Ok(Err(_)) => Err("the server stops".to_owned()),
            Err(_) => Err(format!("no worker was ready within {} s", READY_LIMIT.as_secs())),
        }
    }

    /// Whether workers come up as far as is known: the last one did, or none is needed yet.
    pub(super) fn are_sound(&self) -> bool {
        let state = self.0.lock();
        !state.active || state.failed.is_none()
    }

    /// Orders a worker some time after one did not come up, though nobody may be asking: whoever sends calls to this node only while
    /// it says that it is ready would otherwise never learn that it is again.
    pub(super) fn try_again(&self) {
        let is_due = {
            let mut state = self.0.lock();
            let is_due = state.failed.is_some_and(|at| at.elapsed() >= TRY_AGAIN) && state.starting == 0;
            if is_due {
                state.failed = Some(Instant::now());
            }
            is_due
        };
        if is_due {
            self.order(self.0.wanted.max(1));
        }
    }

    /// Starts as many spares as are missing. Called when a cold start is over, so as not to compete with it.
    pub(super) fn refill(&self) {
        let wanted = if self.0.lock().active { self.0.wanted } else { 0 };
        self.order(wanted);
    }

    /// Orders workers for who waits, and so many that are kept ready.
    fn order(&self, spares: usize) {
        let missing = {
            let mut state = self.0.lock();
            if state.closed {
                return;
            }
            state.waiting.retain(|turn| !turn.is_closed());
            let wanted = state.waiting.len() + spares;
            let missing = wanted.saturating_sub(state.starting + state.ready.len());
            state.starting += missing;
            missing
        };
        for _ in 0..missing {
            self.start_one();
        }
    }

    /// Spares that are ready, and processes that live.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.0.lock().ready.len(), self.0.alive.load(Ordering::Relaxed))
    }

    /// The sandbox as the last worker found it.
    pub(super) fn sandbox(&self) -> Option<Sandbox> {
        self.0.lock().sandbox.clone()
    }

    /// Ends all spares and starts none any more.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.waiting.clear();
        let ready = std::mem::take(&mut state.ready);
        drop(state);
        drop(ready);
    }

    fn start_one(&self) {
        let (spares, delivery) = (self.clone(), Delivery(Some(self.clone())));
        self.0.spawner.order(move |child| {
            // Kept until the worker is there, so that a delivery that never happens is counted as failed.
            let mut delivery = delivery;
            let tasks = spares.0.tasks.clone();
            match child {
                Ok(child) => drop(tasks.spawn(async move {
                    let ready = spares.ready(child).await;
                    if let Some(spares) = delivery.0.take() {
                        spares.deliver(ready);
                    }
                })),
                Err(err) => {
                    if let Some(spares) = delivery.0.take() {
                        spares.deliver(Err(format!("a worker cannot be started: {err}")));
                    }
                }
            }
        });
    }

    /// Waits until a worker says it is ready.
    async fn ready(&self, child: Child) -> Result<Worker, String> {
        let shared = Arc::clone(&self.0);
        shared.alive.fetch_add(1, Ordering::Relaxed);
        let pid = child.pid;
        shared.pool.worker_began(pid);
        let (mut process, mut link) = Process::watch(child, &self.0.tasks, move || {
            shared.alive.fetch_sub(1, Ordering::Relaxed);
            shared.pool.worker_ended(pid);
        });
        match tokio::time::timeout(READY_LIMIT, link.receive(READY_FRAME)).await {
            Ok(Ok((FromWorker::Ready(sandbox), _))) => Ok(Worker::new(process, link, sandbox)),
            Ok(Ok(_)) => Err("a worker did not begin with its being ready".to_owned()),
            Ok(Err(err)) => {
                process.kill();
                Err(format!("a worker did not get ready: {err} ({})", process.end().await.exit.describe()))
            }
            Err(_) => Err(format!("a worker was not ready within {} s", READY_LIMIT.as_secs())),
        }
    }

    /// Hands a worker to who waits, or keeps it. A failure goes to who waits, and the next cold call tries again.
    fn deliver(&self, worker: Result<Worker, String>) {
        if let Err(why) = &worker {
            tracing::error!("{why}");
            // A worker that does not come up may be due to a snapshot that is not sound.
            if !self.0.renewed.swap(true, Ordering::Relaxed) {
                self.0.spawner.renew_snapshot();
                return self.start_one();
            }
        }
        let mut state = self.0.lock();
        state.starting -= 1;
        match &worker {
            Ok(worker) => (state.sandbox, state.failed) = (Some(worker.sandbox.clone()), None),
            Err(_) => state.failed = Some(Instant::now()),
        }
        let mut worker = worker;
        while let Some(turn) = state.waiting.pop_front() {
            match turn.send(worker) {
                Ok(()) => return,
                Err(unclaimed) => worker = unclaimed,
            }
        }
        match worker {
            Ok(worker) if !state.closed => state.ready.push_back(worker),
            Ok(worker) => {
                drop(state);
                drop(worker);
            }
            Err(_) => {}
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that an ordered worker is accounted for, even when a stop drops the order.
struct Delivery(Option<Spares>);

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(spares) = self.0.take() {
            spares.0.lock().starting -= 1;
        }
    }
}
