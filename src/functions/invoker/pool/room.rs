//! Whether one more environment may be, and which one goes for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::idle::{Idle, Pool, State};
use super::keeper::Kept;
use super::memory::FRESH;
use crate::functions::invoker::environment::Counted;
use crate::types::{FunctionId, RevisionId};

/// With fewer environments than this none are set aside.
const FEW: usize = 4;

/// What part of the environments is set aside for functions that have none.
const SET_ASIDE: usize = 8;

/// What there is too little of for one more environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::functions::invoker) enum NoRoom {
    /// All are busy, or the rest is set aside for functions that have none.
    Environments,
    /// The workers hold what memory they may.
    Memory,
}

impl NoRoom {
    /// What a caller is told.
    pub(in crate::functions::invoker) const fn told(self) -> &'static str {
        match self {
            Self::Environments => {
                "ConcurrentInvocationLimitExceeded: every environment that the function may have is busy (functions.max_environments)"
            }
            Self::Memory => {
                "ConcurrentInvocationLimitExceeded: the functions' workers hold what memory they may (functions.memory_budget)"
            }
        }
    }
}

/// An environment's place among all of the node and among its function's.
#[derive(Debug)]
pub(in crate::functions::invoker) struct Room {
    _of_all: Counted,
    _of_function: Counted,
    // Dropped last: whoever is woken finds the counts lower.
    _frees: Frees,
}

/// An initialised environment's place among its revision's.
#[derive(Debug)]
pub(in crate::functions::invoker) struct Alive {
    _counted: Counted,
    _kept: Option<Kept>,
}

/// Tells those who wait for room that there may be some.
#[derive(Debug, Default)]
pub(super) struct Freed {
    notify: Notify,
    /// Whether anybody ever waited: most nodes never are full, and pay nothing.
    is_awaited: AtomicBool,
}

#[derive(Debug)]
struct Frees(Arc<Freed>);

/// How many environments one function may have of so many.
const fn most_of_one(max: usize) -> usize {
    if max < FEW { max } else { max - max.div_ceil(SET_ASIDE) }
}

/// How many environments may be provisioned on a node that has room for so many: others must be able to run, too.
pub(super) const fn most_provisioned(max: usize) -> usize {
    most_of_one(max)
}

impl Pool {
    /// Makes room for one more environment of a function: within the limits, or by ending idle ones. `provisioned` ones end no other
    /// provisioned ones.
    ///
    /// # Errors
    /// What there is too little of, when every environment that may go is busy.
    pub(in crate::functions::invoker) fn make_room(&self, function: FunctionId, provisioned: bool) -> Result<Room, NoRoom> {
        loop {
            let (lack, last) = {
                let mut state = self.shared().lock();
                let lack = if self.shared().memory.lacks(FRESH) {
                    NoRoom::Memory
                } else if let Some(room) = self.take_room(&mut state, function) {
                    return Ok(room);
                } else {
                    NoRoom::Environments
                };
                (lack, state.take_least_needed(self.shared().max, !provisioned).ok_or(lack)?)
            };
            self.end(last, lack.into());
        }
    }

    /// Resolves when there may be room that was not there when this was called.
    pub(in crate::functions::invoker) fn freed(&self) -> Notified<'_> {
        let freed = &self.shared().freed;
        freed.is_awaited.store(true, Ordering::SeqCst);
        freed.notify.notified()
    }

    /// Whether [`Pool::make_room`] is worth a try.
    pub(in crate::functions::invoker) fn may_have_room(&self) -> bool {
        let shared = self.shared();
        let is_full = shared.count.load(Ordering::Acquire) >= shared.max || shared.memory.lacks(FRESH);
        !is_full || !shared.lock().idle.is_empty()
    }

    fn take_room(&self, state: &mut State, function: FunctionId) -> Option<Room> {
        let shared = self.shared();
        let held = state.held.entry(function).or_default();
        // Another version of it, or another call, is as good a reason for the function to have one as any.
        let max = if held.load(Ordering::Acquire) == 0 { shared.max } else { most_of_one(shared.max) };
        let of_all = Counted::one_of(&shared.count, max)?;
        let of_function = Counted::one_of(held, usize::MAX)?;
        shared.memory.take_fresh();
        Some(Room { _of_all: of_all, _of_function: of_function, _frees: Frees(Arc::clone(&shared.freed)) })
    }
}

impl State {
    /// Takes out the idle environment that is needed least: provisioned ones last, and only when they may go; before others those of
    /// functions that have more than an even share; among equals the one used longest ago.
    pub(super) fn take_least_needed(&mut self, max: usize, kept_too: bool) -> Option<Idle> {
        let holding = |held: &&Arc<AtomicUsize>| held.load(Ordering::Acquire) > 0;
        let share = (max / self.held.values().filter(holding).count().max(1)).max(1);
        let has_more = |function: &FunctionId| self.held.get(function).is_some_and(|held| held.load(Ordering::Acquire) > share);
        let rank = |(revision, at, idle): (RevisionId, usize, &Idle)| {
            let is_kept = self.is_kept(revision, &idle.environment);
            let is_of_few = !has_more(&idle.environment.revision.function_id);
            (!is_kept || kept_too).then_some(((is_kept, is_of_few, idle.since), (revision, at)))
        };
        let all = self.idle.iter().flat_map(|(id, idle)| idle.iter().enumerate().map(|(at, idle)| (*id, at, idle)));
        let (_, (revision, chosen)) = all.filter_map(rank).min_by_key(|(rank, _)| *rank)?;
        self.take_idle(revision, |_, at| at == chosen).pop()
    }
}

impl Alive {
    pub(super) const fn new(counted: Counted, kept: Option<Kept>) -> Self {
        Self { _counted: counted, _kept: kept }
    }
}

impl Freed {
    /// Wakes whoever waits.
    pub(super) fn tell(&self) {
        if self.is_awaited.load(Ordering::SeqCst) {
            self.notify.notify_waiters();
        }
    }
}

impl Drop for Frees {
    fn drop(&mut self) {
        self.0.tell();
    }
}
