//! Who takes events that are due, and how many at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::event::StoredEvent;
use crate::db::{self, Db};
use crate::functions::queries::events as queries;
use crate::types::{Clock, FunctionId, RequestId, Timestamp};

/// How long a lease is; it is renewed three times as often.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// How often leases are renewed.
pub(in crate::functions) const RENEW_EVERY: Duration = Duration::from_secs(10);

/// The longest wait for something to become due, where other nodes accept events too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest wait where this is the only node: whatever is accepted wakes the runner.
const LOOK_EVERY_ALONE: Duration = Duration::from_mins(1);

/// The wait for what became due a moment ago.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How many events are claimed at a time at the most.
const CLAIM: usize = 64;

/// Takes events for this process. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions) struct Runner(Arc<Inner>);

struct Inner {
    /// What this process is called in leases.
    name: String,
    db: Db,
    clock: Clock,
    /// Events that run at once at the most, and of one function.
    most: usize,
    most_of_one: usize,
    running: Mutex<Running>,
    /// Something may be due, or there is room again.
    wake: Notify,
}

#[derive(Default)]
struct Running {
    events: HashSet<RequestId>,
    by_function: HashMap<FunctionId, usize>,
}

/// An event that runs; its place is free again when this is dropped.
pub(in crate::functions) struct Taken {
    pub(in crate::functions) event: StoredEvent,
    runner: Runner,
}

impl Runner {
    /// A runner that has nothing yet. `most` is how many events run at once; one function gets all but one of these places at
    /// the most, so that none has to wait for another's to end.
    pub(in crate::functions) fn new(db: Db, clock: Clock, most: usize) -> Self {
        let most = most.max(1);
        Self(Arc::new(Inner {
            name: Uuid::new_v4().to_string(),
            db,
            clock,
            most,
            most_of_one: most.saturating_sub(1).max(1),
            running: Mutex::default(),
            wake: Notify::new(),
        }))
    }

    /// What this process is called in leases.
    pub(in crate::functions) fn name(&self) -> &str {
        &self.0.name
    }

    /// Has the table looked at soon.
    pub(in crate::functions) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Events that this process runs.
    pub(in crate::functions) fn running(&self) -> usize {
        self.0.lock().events.len()
    }

    /// Takes what is due, as much as there is room for.
    pub(in crate::functions) async fn take(&self) -> db::Result<Vec<Taken>> {
        let (room, full) = self.room();
        if room == 0 {
            return Ok(Vec::new());
        }
        let (name, now) = (self.0.name.clone(), self.now());
        let limit = u32::try_from(room.min(CLAIM)).unwrap_or(u32::MAX);
        let claimed = self.0.db.write(move |tx| {
            let (name, full) = (name.clone(), full.clone());
            Box::pin(async move { queries::claim(tx, &name, (now, now.plus(LEASE)), &full, limit).await })
        });
        let mut claimed = claimed.await?;
        let mut running = self.0.lock();
        // Where leases could not be renewed in time, what still runs here is due; claiming it renewed its lease.
        claimed.retain(|event| running.events.insert(event.id));
        for event in &claimed {
            *running.by_function.entry(event.function_id).or_default() += 1;
        }
        drop(running);
        Ok(claimed.into_iter().map(|event| Taken { event, runner: self.clone() }).collect())
    }

    /// How many more events may run, and the functions that have all places they may have.
    fn room(&self) -> (usize, Vec<FunctionId>) {
        let running = self.0.lock();
        let full = running.by_function.iter().filter(|(_, count)| **count >= self.0.most_of_one);
        (self.0.most.saturating_sub(running.events.len()), full.map(|(function, _)| *function).collect())
    }

    /// Holds on to what runs, and to nothing else: an event whose end could not be written is tried again when its lease ends.
    pub(in crate::functions) async fn renew(&self) -> db::Result<()> {
        let running: Vec<RequestId> = self.0.lock().events.iter().copied().collect();
        if running.is_empty() {
            return Ok(());
        }
        let (name, ends) = (self.0.name.clone(), self.now().plus(LEASE));
        let renewed = self.0.db.write(move |tx| {
            let (name, running) = (name.clone(), running.clone());
            Box::pin(async move { queries::renew(tx, &name, &running, ends).await })
        });
        renewed.await
    }

    /// Frees what processes before this one had, where there is one at a time.
    pub(in crate::functions) async fn free_what_was_left(&self) -> db::Result<()> {
        if self.0.db.is_postgres() {
            return Ok(());
        }
        let now = self.now();
        self.0.db.write(move |tx| Box::pin(async move { queries::release(tx, now).await })).await
    }

    /// Waits until something may be due.
    pub(in crate::functions) async fn idle(&self) {
        let longest = if self.0.db.is_postgres() { LOOK_EVERY } else { LOOK_EVERY_ALONE };
        let (room, full) = self.room();
        let next = if room > 0 { self.next_due().await } else { None };
        let wait = match next.map(|due| due.since(self.now())) {
            None => longest,
            // It may wait for a place of its function: whoever frees one wakes.
            Some(Duration::ZERO) if !full.is_empty() => LOOK_EVERY,
            // It became due since what is due was taken, or another node is just taking it.
            Some(Duration::ZERO) => LOOK_AGAIN,
            Some(wait) => wait.min(longest),
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.0.wake.notified() => {}
        }
    }

    async fn next_due(&self) -> Option<Timestamp> {
        let mut conn = self.0.db.read().await.ok()?;
        queries::next_due(&mut conn).await.ok().flatten()
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let function = self.event.function_id;
        let mut running = self.runner.0.lock();
        running.events.remove(&self.event.id);
        if let Some(count) = running.by_function.get_mut(&function) {
            *count -= 1;
            if *count == 0 {
                running.by_function.remove(&function);
            }
        }
        drop(running);
        self.runner.wake();
    }
}
