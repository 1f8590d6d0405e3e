//! Environments that wait for their next call.
//!
//! A busy environment is not in the pool: its call owns it. It comes back when the call ended well and its revision is still the
//! live one, or a version; otherwise it is dropped, which ends the process.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tokio::runtime::Id;

use super::eviction::{Evicted, Evictions, Why};
use super::keeper::{Keeper, Kept};
use super::memory::Memory;
use super::room::{Alive, Freed, most_provisioned};
use super::sharing::Sharing;
use crate::functions::invoker::environment::{Counted, Environment};
use crate::types::{FunctionId, RevisionId};

/// How many idle environments of one revision are looked through for one that is at home on the caller's runtime.
const LOOK_AT: usize = 8;

/// The idle environments, by revision. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::functions::invoker) struct Pool(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Environments, busy and idle.
    pub(super) count: Arc<AtomicUsize>,
    pub(super) max: usize,
    pub(super) memory: Memory,
    pub(super) freed: Arc<Freed>,
    keeper: Arc<Keeper>,
    evictions: Evictions,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The one used last is at the end.
    pub(super) idle: HashMap<RevisionId, Vec<Idle>>,
    /// The revisions of each function that calls run.
    known: HashMap<FunctionId, Known>,
    /// Environments of each function, from their start to their end.
    pub(super) held: HashMap<FunctionId, Arc<AtomicUsize>>,
    /// Initialised environments of each revision, busy and idle.
    alive: HashMap<RevisionId, Count>,
    /// How many provisioned ones each revision shall have.
    wanted: HashMap<RevisionId, usize>,
    /// Environments that calls share just now.
    pub(super) sharing: HashMap<RevisionId, Sharing>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Count {
    all: Arc<AtomicUsize>,
    provisioned: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Known {
    /// The one that calls without a qualifier run.
    live: Option<RevisionId>,
    /// Published versions that were called.
    versions: HashSet<RevisionId>,
}

#[derive(Debug)]
pub(super) struct Idle {
    pub(super) environment: Box<Environment>,
    pub(super) since: Instant,
}

impl Pool {
    /// A pool of so many environments at the most, whose workers may hold so many bytes (0: half of what there is).
    pub(in crate::functions::invoker) fn new(max: usize, budget: usize) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            count: Arc::default(),
            max: max.max(1),
            memory: Memory::new(budget),
            freed: Arc::default(),
            keeper: Arc::default(),
            evictions: Evictions::default(),
        }))
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Takes an idle environment of a revision, if there is one: the one used last, of the few used last one that is registered
    /// with this runtime where there is such a one. Provisioned ones come first, so that what was added to them can end.
    pub(in crate::functions::invoker) fn checkout(&self, revision: RevisionId, runtime: Id) -> Option<Box<Environment>> {
        loop {
            let environment = {
                let mut state = self.0.lock();
                let has_provisioned = !state.wanted.is_empty() && state.wanted.contains_key(&revision);
                let idle = state.idle.get_mut(&revision)?;
                let at_home = |idle: &Idle| idle.environment.worker.link.is_settled_at(runtime);
                let near = idle.iter().enumerate().rev().take(LOOK_AT).find(|(_, idle)| at_home(idle)).map(|(at, _)| at);
                let kept = if has_provisioned { idle.iter().rposition(|idle| idle.environment.provisioned) } else { None };
                let at = kept.or(near).or(idle.len().checked_sub(1))?;
                idle.remove(at).environment
            };
            let is_fit = !environment.worker.process().has_ended() && !environment.worker.link.has_leftovers();
            if is_fit && !environment.is_outdated() {
                return Some(environment);
            }
        }
    }

    /// Puts an environment back after a call that did it no harm.
    pub(in crate::functions::invoker) fn checkin(&self, environment: Box<Environment>) {
        let mut state = self.0.lock();
        let over = self.put_back(&mut state, environment);
        drop(state);
        // Ends it, outside the lock.
        if over.is_none() {
            self.0.freed.tell();
        }
        drop(over);
    }

    /// Puts an environment back; gives one that no call is to run in any more.
    pub(super) fn put_back(&self, state: &mut State, mut environment: Box<Environment>) -> Option<Box<Environment>> {
        let is_run = state.is_run(environment.revision.function_id, environment.revision.id);
        if state.closed || !is_run || environment.is_outdated() {
            return Some(environment);
        }
        if environment.alive.is_none() {
            environment.alive = state.count_alive(environment.revision.id, environment.provisioned.then_some(&self.0.keeper));
        }
        let idle = Idle { environment, since: Instant::now() };
        state.idle.entry(idle.environment.revision.id).or_default().push(idle);
        None
    }

    /// Says which revision of a function is live; idle environments of the one before end, and with `None` those of its versions too.
    pub(in crate::functions::invoker) fn set_live(&self, function: FunctionId, revision: Option<RevisionId>) {
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
    pub(in crate::functions::invoker) fn keep_version(&self, function: FunctionId, version: RevisionId) {
        self.0.lock().known.entry(function).or_default().versions.insert(version);
    }

    /// Says that a version is gone; its idle environments end.
    pub(in crate::functions::invoker) fn drop_version(&self, function: FunctionId, version: RevisionId) {
        let ended = {
            let mut state = self.0.lock();
            if let Some(known) = state.known.get_mut(&function) {
                known.versions.remove(&version);
            }
            state.take_idle(version, |_, _| true)
        };
        drop(ended);
    }

    /// Ends environments that have been idle for long, of provisioned ones those that are too many, and those whose secrets were changed.
    pub(in crate::functions::invoker) fn sweep(&self, idle_timeout: Duration) {
        let (ended, outdated) = {
            let mut state = self.0.lock();
            let revisions: Vec<RevisionId> = state.idle.keys().copied().collect();
            state.alive.retain(|_, count| count.is_needed());
            state.held.retain(|_, held| held.load(Ordering::Acquire) > 0 || Arc::strong_count(held) > 1);
            let (mut ended, mut outdated) = (Vec::new(), Vec::new());
            for revision in revisions {
                outdated.extend(state.take_idle(revision, |idle, _| idle.environment.is_outdated()));
                let mut surplus = state.surplus(revision);
                // Those used longest ago stand first.
                ended.extend(state.take_idle(revision, |idle, _| {
                    let is_over = idle.since.elapsed() > idle_timeout && (surplus > 0 || !idle.environment.provisioned);
                    surplus -= usize::from(is_over && idle.environment.provisioned);
                    is_over
                }));
            }
            (ended, outdated)
        };
        drop::<Vec<Idle>>(outdated);
        ended.into_iter().for_each(|idle| self.end(idle, Why::Idle));
    }

    /// Looks at what the workers hold of memory, and ends idle environments while that is too much. Reads a file for each worker.
    pub(in crate::functions::invoker) fn measure(&self) {
        self.0.memory.measure();
        while self.0.memory.lacks(0) {
            let last = self.0.lock().take_least_needed(self.0.max, true);
            let Some(last) = last else { break };
            self.end(last, Why::Memory);
        }
        self.0.freed.tell();
    }

    /// Ends an environment that did nothing wrong.
    pub(super) fn end(&self, idle: Idle, why: Why) {
        let Idle { environment, since } = idle;
        self.0.evictions.record(&environment, since.elapsed(), why);
        self.0.memory.give_back(environment.worker.process().pid);
        drop(environment);
    }

    /// A worker was started.
    pub(in crate::functions::invoker) fn worker_began(&self, pid: Pid) {
        self.0.memory.add(pid);
    }

    /// A worker has ended: its environment, when it was idle, is forgotten.
    pub(in crate::functions::invoker) fn worker_ended(&self, pid: Pid) {
        self.0.memory.remove(pid);
        self.forget_ended();
    }

    /// Forgets the idle environments whose process has ended.
    fn forget_ended(&self) {
        let ended: Vec<Idle> = {
            let mut state = self.0.lock();
            let revisions: Vec<RevisionId> = state.idle.keys().copied().collect();
            let dead = |idle: &Idle, _| idle.environment.worker.process().has_ended();
            revisions.into_iter().flat_map(|revision| state.take_idle(revision, dead)).collect()
        };
        drop(ended);
    }

    /// Counts one more environment of a revision that a call waits for, for as long as what this returns lives.
    pub(in crate::functions::invoker) fn count_alive(&self, revision: RevisionId) -> Option<Alive> {
        self.0.lock().count_alive(revision, None)
    }

    /// Whether the live revision of a function has environments.
    pub(in crate::functions::invoker) fn is_in_use(&self, function: FunctionId) -> bool {
        let state = self.0.lock();
        let live = state.known.get(&function).and_then(|known| known.live);
        live.is_some_and(|live| state.alive.get(&live).is_some_and(|count| count.all.load(Ordering::Acquire) > 0))
    }

    /// Says how many environments of which revisions are kept though nobody calls them.
    pub(in crate::functions::invoker) fn set_provisioned(&self, wanted: HashMap<RevisionId, usize>) {
        self.0.lock().wanted = wanted;
    }

    /// Provisioned environments of a revision, busy and idle.
    pub(in crate::functions::invoker) fn provisioned(&self, revision: RevisionId) -> usize {
        self.0.lock().provisioned_of(revision)
    }

    /// How many environments may be provisioned, and the setting that says so.
    pub(super) fn most_provisioned(&self) -> (usize, &'static str) {
        let (by_count, by_memory) = (most_provisioned(self.0.max), self.0.memory.most());
        if by_count <= by_memory { (by_count, "functions.max_environments") } else { (by_memory, "functions.memory_budget") }
    }

    /// What keeps provisioned environments.
    pub(super) fn keeper(&self) -> &Keeper {
        &self.0.keeper
    }

    /// Environments in all, those that are idle, and those that are provisioned.
    pub(in crate::functions::invoker) fn counts(&self) -> (usize, usize, usize) {
        let state = self.0.lock();
        let idle = state.idle.values().map(Vec::len).sum();
        let provisioned = state.alive.values().map(|count| count.provisioned.load(Ordering::Relaxed)).sum();
        (self.0.count.load(Ordering::Relaxed), idle, provisioned)
    }

    /// Environments of a function, and those of them that are idle.
    pub(in crate::functions::invoker) fn counts_of(&self, function: FunctionId) -> (usize, usize) {
        let state = self.0.lock();
        let is_of = |idle: &&Idle| idle.environment.revision.function_id == function;
        let idle = state.idle.values().flatten().filter(is_of).count();
        (state.held.get(&function).map_or(0, |held| held.load(Ordering::Acquire)), idle)
    }

    /// What the workers hold of memory and what they may hold, in bytes.
    pub(in crate::functions::invoker) fn memory(&self) -> (u64, u64) {
        (self.0.memory.held(), self.0.memory.allowed())
    }

    /// How many environments were ended though they did nothing wrong.
    pub(in crate::functions::invoker) fn evicted(&self) -> Evicted {
        self.0.evictions.counts()
    }

    /// Ends all idle environments, and every other when its call ends.
    pub(in crate::functions::invoker) fn close(&self) {
        let idle = {
            let mut state = self.0.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        drop(idle);
    }
}

impl Count {
    /// Whether there are such environments, or may be in a moment.
    fn is_needed(&self) -> bool {
        let is_held = |count: &Arc<AtomicUsize>| count.load(Ordering::Acquire) > 0 || Arc::strong_count(count) > 1;
        is_held(&self.all) || is_held(&self.provisioned)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count_alive(&mut self, revision: RevisionId, keeper: Option<&Arc<Keeper>>) -> Option<Alive> {
        let count = self.alive.entry(revision).or_default();
        let kept = match keeper {
            Some(keeper) => Some(Kept::new(revision, keeper, Counted::one_of(&count.provisioned, usize::MAX)?)),
            None => None,
        };
        Some(Alive::new(Counted::one_of(&count.all, usize::MAX)?, kept))
    }

    fn provisioned_of(&self, revision: RevisionId) -> usize {
        self.alive.get(&revision).map_or(0, |count| count.provisioned.load(Ordering::Acquire))
    }

    /// Provisioned environments of a revision that are more than there shall be.
    fn surplus(&self, revision: RevisionId) -> usize {
        self.provisioned_of(revision).saturating_sub(self.wanted.get(&revision).copied().unwrap_or(0))
    }

    /// Whether an environment of this revision is one of those that shall be there though nobody calls.
    pub(super) fn is_kept(&self, revision: RevisionId, environment: &Environment) -> bool {
        environment.provisioned && self.wanted.contains_key(&revision)
    }

    /// Whether calls run this revision.
    fn is_run(&self, function: FunctionId, revision: RevisionId) -> bool {
        let runs = |known: &Known| known.live == Some(revision) || known.versions.contains(&revision);
        self.known.get(&function).is_some_and(runs)
    }

    /// Takes out the idle environments of a revision that `which` chooses, by what they are and where they stand.
    pub(super) fn take_idle(&mut self, revision: RevisionId, mut which: impl FnMut(&Idle, usize) -> bool) -> Vec<Idle> {
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
