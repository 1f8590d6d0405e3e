//! What is known of keeping environments initialised: that one is missing, and how the last tries went.
//!
//! An environment that cannot be initialised, or ends soon after it was, is started again after a wait that doubles, so that a
//! function that is broken costs next to nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::functions::invoker::environment::Counted;
use crate::types::RevisionId;

/// An environment that ends within this time has not been of use.
const EARLY: Duration = Duration::from_secs(10);

/// How often an environment that ended early is replaced at once: a crash is no pattern yet.
const AT_ONCE: u32 = 2;

/// The longest wait before the next try.
const LONGEST: Duration = Duration::from_mins(5);

/// How long all must be well for earlier trouble to be forgotten.
const WELL: Duration = Duration::from_mins(1);

/// Knows of what is missing. One for each node.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    changed: Notify,
    troubles: Mutex<HashMap<RevisionId, Trouble>>,
}

/// Why there are not as many as there should be.
#[derive(Debug)]
struct Trouble {
    why: String,
    times: u32,
    again: Instant,
}

/// A provisioned environment among those of its revision. Its end wakes the keeper.
#[derive(Debug)]
pub(super) struct Kept {
    revision: RevisionId,
    since: Instant,
    keeper: Arc<Keeper>,
    _counted: Counted,
    // Dropped last: whoever is woken finds the count lower.
    _wakes: Wakes,
}

#[derive(Debug)]
struct Wakes(Arc<Keeper>);

impl Keeper {
    /// Says that something about what is provisioned may have changed.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until that is so.
    pub(super) async fn woken(&self) {
        self.changed.notified().await;
    }

    /// An environment could not be initialised: the next try waits.
    pub(super) fn failed(&self, revision: RevisionId, why: String) {
        self.wait_longer(revision, why, 0);
    }

    /// An environment ended soon after it was initialised.
    fn ended_early(&self, revision: RevisionId) {
        self.wait_longer(revision, format!("an environment ended within {} s of its initialisation", EARLY.as_secs()), AT_ONCE);
    }

    /// Waits 1 s, 2 s, 4 s … before the next try, once there were `at_once` without a wait.
    fn wait_longer(&self, revision: RevisionId, why: String, at_once: u32) {
        let mut troubles = self.lock();
        let times = troubles.get(&revision).map_or(0, |trouble| trouble.times).saturating_add(1);
        let doubled =
            times.checked_sub(at_once + 1).map(|doublings| Duration::from_secs(1) * 2_u32.saturating_pow(doublings.min(16)));
        let wait = doubled.unwrap_or_default().min(LONGEST);
        troubles.insert(revision, Trouble { why, times, again: Instant::now() + wait });
    }

    /// Why environments of a revision are missing, when that is known.
    pub(super) fn why(&self, revision: RevisionId) -> Option<String> {
        self.lock().get(&revision).map(|trouble| trouble.why.clone())
    }

    /// Whether it is time for another try.
    pub(super) fn may_try(&self, revision: RevisionId) -> bool {
        self.lock().get(&revision).is_none_or(|trouble| trouble.again <= Instant::now())
    }

    /// How long it is to the next try that is waited for; `None` when there is none.
    pub(super) fn next_try(&self) -> Option<Duration> {
        let now = Instant::now();
        self.lock().values().map(|trouble| trouble.again).filter(|again| *again > now).min().map(|again| again - now)
    }

    /// Forgets what went wrong with a revision, since it is tried anew.
    pub(super) fn forget(&self, revision: RevisionId) {
        self.lock().remove(&revision);
    }

    /// Forgets what went wrong with a revision, if that is long ago.
    pub(super) fn is_well(&self, revision: RevisionId) {
        let mut troubles = self.lock();
        if troubles.get(&revision).is_some_and(|trouble| trouble.again.elapsed() > WELL) {
            troubles.remove(&revision);
        }
    }

    /// Forgets what went wrong with all others.
    pub(super) fn keep_only(&self, wanted: &HashSet<RevisionId>) {
        self.lock().retain(|revision, _| wanted.contains(revision));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RevisionId, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    pub(super) fn new(revision: RevisionId, keeper: &Arc<Keeper>, counted: Counted) -> Self {
        let keeper = Arc::clone(keeper);
        Self { revision, since: Instant::now(), _wakes: Wakes(Arc::clone(&keeper)), keeper, _counted: counted }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.since.elapsed() < EARLY {
            self.keeper.ended_early(self.revision);
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.wake();
    }
}
