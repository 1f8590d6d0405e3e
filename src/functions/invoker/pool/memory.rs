//! What the workers hold of memory, and what they may hold.
//!
//! Once a second the kernel is asked what each worker has of its own and what the machine, or the server's control group, has left.
//! In between an estimate is kept: what begins takes its usual share, what is ended gives back what it had.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;

use crate::sys::{memory, process};

/// What an environment takes at the least, in bytes: V8's heap of its own with small code in it.
pub(super) const FRESH: u64 = 16 * 1024 * 1024;

/// The part of the memory there is that workers never take, whatever the budget.
const MARGIN: u64 = 32;

/// Counts what the workers hold.
#[derive(Debug)]
pub(super) struct Memory {
    workers: Mutex<HashSet<Pid>>,
    /// What they may hold together.
    budget: u64,
    held: AtomicU64,
    /// The budget, or less while the machine is short of memory.
    allowed: AtomicU64,
}

impl Memory {
    /// A count against a budget, in bytes; 0 takes half of what there is.
    pub(super) fn new(budget: usize) -> Self {
        let half = || memory::machine().map_or(u64::MAX, |machine| machine.total / 2);
        let budget = if budget == 0 { half() } else { budget as u64 };
        Self { workers: Mutex::default(), budget, held: AtomicU64::new(0), allowed: AtomicU64::new(budget) }
    }

    /// A worker was started.
    pub(super) fn add(&self, pid: Pid) {
        self.lock().insert(pid);
    }

    /// A worker is gone.
    pub(super) fn remove(&self, pid: Pid) {
        self.lock().remove(&pid);
    }

    /// Asks the kernel anew. Reads a file for each worker.
    pub(super) fn measure(&self) {
        let workers: Vec<Pid> = self.lock().iter().copied().collect();
        // One that has ended meanwhile holds nothing.
        let held: u64 = workers.into_iter().filter_map(|pid| process::memory(pid).ok()).map(|memory| memory.private).sum();
        let left = memory::machine()
            .map_or(u64::MAX, |machine| held.saturating_add(machine.available).saturating_sub(machine.total / MARGIN));
        self.held.store(held, Ordering::Relaxed);
        self.allowed.store(self.budget.min(left), Ordering::Relaxed);
    }

    /// Whether so many bytes more are too many.
    pub(super) fn lacks(&self, more: u64) -> bool {
        self.held().saturating_add(more) > self.allowed()
    }

    /// A new environment takes its share.
    pub(super) fn take_fresh(&self) {
        self.held.fetch_add(FRESH, Ordering::Relaxed);
    }

    /// A worker is being ended, and gives back what it holds.
    pub(super) fn give_back(&self, pid: Pid) {
        let bytes = process::memory(pid).map_or(0, |memory| memory.private);
        let less = |held: u64| Some(held.saturating_sub(bytes));
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.remove(pid);
    }

    pub(super) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    /// Environments that the budget has room for at the most.
    pub(super) fn most(&self) -> usize {
        usize::try_from(self.budget / FRESH).unwrap_or(usize::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Pid>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
