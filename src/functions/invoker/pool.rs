//! Environments that wait for their next call.
//!
//! A busy environment is not in the pool: its call owns it. It comes back when the call ended well and its revision is still the
//! live one, or a version; otherwise it is dropped, which ends the process.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Id;

use super::environment::{Counted, Environment};
use crate::types::{FunctionId, RevisionId};

/// How many idle environments of one revision are looked through for one that is at home on the caller's runtime.
const LOOK_AT: usize = 8;

/// The idle environments, by revision. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Environments, busy and idle.
    count: Arc<AtomicUsize>,
    max: usize,
}

#[derive(Debug, Default)]
struct State {
    /// The one used last is at the end.
    idle: HashMap<RevisionId, Vec<Idle>>,
    /// The revisions of each function that calls run.
    known: HashMap<FunctionId, Known>,
    /// Initialised environments of each revision, busy and idle.
    alive: HashMap<RevisionId, Arc<AtomicUsize>>,
    /// How many of them are kept though nobody calls.
    provisioned: HashMap<RevisionId, usize>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Known {
    /// The one that calls without a qualifier run.
    live: Option<RevisionId>,
    /// Published versions that were called.
    versions: HashSet<RevisionId>,
}

#[derive(Debug)]
struct Idle {
    environment: Box<Environment>,
    since: Instant,
}

impl Pool {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), count: Arc::default(), max: max.max(1) }))
    }

    /// Takes an idle environment of a revision, if there is one: the one used last, of the few used last one that is registered
    /// with this runtime where there is such a one.
    pub(super) fn checkout(&self, revision: RevisionId, runtime: Id) -> Option<Box<Environment>> {
        loop {
            let environment = {
                let mut state = self.0.lock();
                let idle = state.idle.get_mut(&revision)?;
                let at_home = |idle: &Idle| idle.environment.worker.link.is_settled_at(runtime);
                let near = idle.iter().enumerate().rev().take(LOOK_AT).find(|(_, idle)| at_home(idle)).map(|(at, _)| at);
                let at = near.or(idle.len().checked_sub(1))?;
                idle.remove(at).environment
            };
            if !environment.worker.process().has_ended() && !environment.worker.link.has_leftovers() {
                return Some(environment);
            }
        }
    }

    /// Puts an environment back after a call that did it no harm.
    pub(super) fn checkin(&self, mut environment: Box<Environment>) {
        let mut state = self.0.lock();
        if state.closed || !state.is_run(environment.revision.function_id, environment.revision.id) {
            drop(state);
            // Ends it, outside the lock.
            drop(environment);
            return;
        }
        if environment.alive.is_none() {
            environment.alive = state.count_alive(environment.revision.id);
        }
        let idle = Idle { environment, since: Instant::now() };
        state.idle.entry(idle.environment.revision.id).or_default().push(idle);
    }

    /// Makes room for one more environment: within the limit, or by ending the one that has been idle longest. `None` when all
    /// are busy.
    pub(super) fn make_room(&self) -> Option<Counted> {
        loop {
            if let Some(counted) = Counted::one_of(&self.0.count, self.0.max) {
                return Some(counted);
            }
            let oldest = {
                let mut state = self.0.lock();
                let unkept = |id: &RevisionId| !state.provisioned.contains_key(id);
                let oldest =
                    state.idle.iter().filter(|(id, _)| unkept(id)).filter_map(|(id, idle)| Some((*id, idle.first()?.since)));
                let (revision, _) = oldest.min_by_key(|(_, since)| *since)?;
                state.take_idle(revision, |_, at| at == 0)
            };
            drop(oldest);
        }
    }

    /// Says which revision of a function is live; idle environments of the one before end, and with `None` those of its versions too.
    pub(super) fn set_live(&self, function: FunctionId, revision: Option<RevisionId>) {
        let ended: Vec<Idle> = {
            let mut state = self.0.lock();
            let over: Vec<RevisionId> = match revision {
                Some(revision) => state.known.entry(function).or_default().live.replace(revision).into_iter().collect(),
                None => state
                    .known
                    .remove(&function)
                    .into_iter()
                    .flat_map(|known| known.live.into_iter().chain(known.versions))
                    .collect(),
            };
            let over = over.into_iter().filter(|before| Some(*before) != revision);
            over.flat_map(|before| state.take_idle(before, |_, _| true)).collect()
        };
        drop(ended);
    }

    /// Says that a version of a function is called: its environments are kept as the live one's are.
    pub(super) fn keep_version(&self, function: FunctionId, version: RevisionId) {
        self.0.lock().known.entry(function).or_default().versions.insert(version);
    }

    /// Says that a version is gone; its idle environments end.
    pub(super) fn drop_version(&self, function: FunctionId, version: RevisionId) {
        let ended = {
            let mut state = self.0.lock();
            if let Some(known) = state.known.get_mut(&function) {
                known.versions.remove(&version);
            }
            state.take_idle(version, |_, _| true)
        };
        drop(ended);
    }

    /// Ends environments that have been idle for long.
    pub(super) fn sweep(&self, idle_timeout: Duration) {
        let ended: Vec<Idle> = {
            let mut state = self.0.lock();
            let revisions: Vec<RevisionId> = state.idle.keys().copied().collect();
            state.alive.retain(|_, alive| alive.load(Ordering::Acquire) > 0 || Arc::strong_count(alive) > 1);
            let mut ended = Vec::new();
            for revision in revisions {
                // Those used longest ago stand first.
                let surplus = state.alive_of(revision).saturating_sub(state.provisioned.get(&revision).copied().unwrap_or(0));
                ended.extend(state.take_idle(revision, |idle, at| at < surplus && idle.since.elapsed() > idle_timeout));
            }
            ended
        };
        drop(ended);
    }

    /// Forgets the idle environments whose process has ended.
    pub(super) fn forget_ended(&self) {
        let ended: Vec<Idle> = {
            let mut state = self.0.lock();
            let revisions: Vec<RevisionId> = state.idle.keys().copied().collect();
            let dead = |idle: &Idle, _| idle.environment.worker.process().has_ended();
            revisions.into_iter().flat_map(|revision| state.take_idle(revision, dead)).collect()
        };
        drop(ended);
    }

    /// Counts one more environment of a revision, for as long as what this returns lives.
    pub(super) fn count_alive(&self, revision: RevisionId) -> Option<Counted> {
        self.0.lock().count_alive(revision)
    }

    /// Environments of a revision, busy and idle.
    pub(super) fn alive(&self, revision: RevisionId) -> usize {
        self.0.lock().alive_of(revision)
    }

    /// Whether the live revision of a function has environments.
    pub(super) fn is_in_use(&self, function: FunctionId) -> bool {
        let state = self.0.lock();
        let live = state.known.get(&function).and_then(|known| known.live);
        live.is_some_and(|live| state.alive_of(live) > 0)
    }

    /// Says how many environments of which revisions are kept though nobody calls them.
    pub(super) fn set_provisioned(&self, provisioned: HashMap<RevisionId, usize>) {
        self.0.lock().provisioned = provisioned;
    }

    /// Environments in all, and those that are idle.
    pub(super) fn counts(&self) -> (usize, usize) {
        let idle = self.0.lock().idle.values().map(Vec::len).sum();
        (self.0.count.load(Ordering::Relaxed), idle)
    }

    /// Ends all idle environments, and every other when its call ends.
    pub(super) fn close(&self) {
        let idle = {
            let mut state = self.0.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        drop(idle);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count_alive(&mut self, revision: RevisionId) -> Option<Counted> {
        Counted::one_of(self.alive.entry(revision).or_default(), usize::MAX)
    }

    fn alive_of(&self, revision: RevisionId) -> usize {
        self.alive.get(&revision).map_or(0, |alive| alive.load(Ordering::Acquire))
    }

    /// Whether calls run this revision.
    fn is_run(&self, function: FunctionId, revision: RevisionId) -> bool {
        let runs = |known: &Known| known.live == Some(revision) || known.versions.contains(&revision);
        self.known.get(&function).is_some_and(runs)
    }

    /// Takes out the idle environments of a revision that `which` chooses, by what they are and where they stand.
    fn take_idle(&mut self, revision: RevisionId, which: impl Fn(&Idle, usize) -> bool) -> Vec<Idle> {
        let Some(all) = self.idle.remove(&revision) else { return Vec::new() };
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        for (at, idle) in all.into_iter().enumerate() {
            if which(&idle, at) { taken.push(idle) } else { kept.push(idle) }
        }
        if !kept.is_empty() {
            self.idle.insert(revision, kept);
        }
        taken
    }
}
