//! Environments that calls share: who joins which, and who starts another.
//!
//! An environment is in here while calls run in it; with its last call it becomes an idle one. Calls that come while one is started wait
//! for a place in it, as many as it will have: a burst starts as many environments as it needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::idle::{Pool, State};
use crate::functions::error::{Error, Result};
use crate::functions::invoker::Invoker;
use crate::functions::invoker::admit::Place;
use crate::functions::invoker::call::{Crowd, Done, Member, Task};
use crate::functions::invoker::environment::Environment;
use crate::functions::metering::Phases;
use crate::functions::model::Revision;
use crate::types::{RequestId, RevisionId};

/// The environments of a revision that calls share just now.
#[derive(Default)]
pub(super) struct Sharing {
    crowds: Vec<Arc<Crowd>>,
    /// Calls that each start, or wait for, an environment.
    starting: usize,
    /// Calls that wait for a place in one of those.
    expecting: usize,
}

/// What a call may do.
enum Seat {
    Taken(Member),
    /// Wait until something has changed.
    Expect(Waits),
    /// Start an environment.
    Start(Waits),
}

/// A call that waits is counted for as long as this lives.
struct Waits {
    pool: Pool,
    revision: RevisionId,
    starts: bool,
}

/// A call's place beside others, what it took to get there, and whether an environment was started for it.
type Seated = (Member, Phases, bool);

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { crowds, starting, expecting } = self;
        f.debug_struct("Sharing")
            .field("crowds", &crowds.len())
            .field("starting", starting)
            .field("expecting", expecting)
            .finish()
    }
}

impl Sharing {
    /// A place in the environment that has the most calls, of those with room for another: the rest become idle first.
    fn join(&self) -> Option<Member> {
        let mut crowds: Vec<_> = self.crowds.iter().map(|crowd| (crowd.members(), crowd)).collect();
        crowds.sort_unstable_by_key(|(members, _)| std::cmp::Reverse(*members));
        crowds.into_iter().find_map(|(_, crowd)| crowd.join())
    }

    const fn is_empty(&self) -> bool {
        self.crowds.is_empty() && self.starting == 0 && self.expecting == 0
    }
}

impl State {
    fn count_waiting(&mut self, revision: RevisionId, starts: bool, more: bool) {
        let sharing = self.sharing.entry(revision).or_default();
        let count = if starts { &mut sharing.starting } else { &mut sharing.expecting };
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        if sharing.is_empty() {
            self.sharing.remove(&revision);
        }
    }
}

impl Pool {
    fn join(&self, revision: RevisionId) -> Option<Member> {
        self.shared().lock().sharing.get(&revision)?.join()
    }

    fn sit(&self, revision: &Revision) -> Seat {
        let each = usize::try_from(revision.settings.concurrency).unwrap_or(usize::MAX);
        let mut state = self.shared().lock();
        let sharing = state.sharing.entry(revision.id).or_default();
        if let Some(member) = sharing.join() {
            return Seat::Taken(member);
        }
        let starts = sharing.starting + sharing.expecting >= sharing.starting.saturating_mul(each);
        state.count_waiting(revision.id, starts, true);
        let waits = Waits { pool: self.clone(), revision: revision.id, starts };
        if starts { Seat::Start(waits) } else { Seat::Expect(waits) }
    }

    /// Opens an environment to calls; gives the first one its place.
    fn open(&self, environment: Box<Environment>, place: Place) -> Option<(Member, Task)> {
        let (crowd, task) = Crowd::begin(environment, place, self.clone());
        let mut state = self.shared().lock();
        let member = crowd.join()?;
        state.sharing.entry(crowd.revision().id).or_default().crowds.push(crowd);
        Some((member, task))
    }

    /// Takes an environment back with its last call, unless another has come meanwhile.
    pub(in crate::functions::invoker) fn retire(&self, task: Task) -> Option<Task> {
        let mut state = self.shared().lock();
        let Some((last, is_sound)) = task.crowd().over() else { return Some(task) };
        state.remove(task.crowd());
        let (mut environment, place) = task.into_parts();
        environment.calls = last;
        let ended = if is_sound { self.put_back(&mut state, environment) } else { Some(environment) };
        drop(state);
        // Outside the lock, and the place last.
        drop(ended);
        self.shared().freed.tell();
        drop(place);
        None
    }

    /// No further call joins these.
    pub(in crate::functions::invoker) fn forget(&self, crowd: &Arc<Crowd>) {
        self.shared().lock().remove(crowd);
    }

    /// Says that there may be a place beside others that was not there before.
    pub(in crate::functions::invoker) fn has_left(&self) {
        self.shared().freed.tell();
    }
}

impl State {
    fn remove(&mut self, crowd: &Arc<Crowd>) {
        let revision = crowd.revision().id;
        if let Some(sharing) = self.sharing.get_mut(&revision) {
            sharing.crowds.retain(|other| !Arc::ptr_eq(other, crowd));
            if sharing.is_empty() {
                self.sharing.remove(&revision);
            }
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.pool.shared().lock().count_waiting(self.revision, self.starts, false);
        // Those who expected a place in what was started look anew.
        if self.starts {
            self.pool.shared().freed.tell();
        }
    }
}

impl Invoker {
    /// A place for a call in an environment that it may share: beside others, in an idle one, or in one that is started.
    pub(in crate::functions::invoker) async fn seat(
        &self,
        revision: &Arc<Revision>,
        request: RequestId,
    ) -> Result<std::result::Result<Seated, Done>> {
        let until = Instant::now() + self.config.queue_timeout;
        let busy = || Error::Busy("ConcurrentInvocationLimitExceeded: every place to run is taken (functions.max_running)");
        loop {
            // Before it is looked for a place, so that none that comes free meanwhile is missed.
            let changed = self.pool.freed();
            match self.pool.sit(revision) {
                Seat::Taken(member) => return Ok(Ok((member, Phases::default(), false))),
                Seat::Expect(_waits) => timeout_at(until, changed).await.map_err(|_| busy())?,
                Seat::Start(waits) => {
                    let started = tokio::select! {
                        biased;
                        started = self.start_shared(revision, request, until.duration_since(Instant::now())) => started?,
                        member = self.wait_beside(revision.id) => Some(Ok((member, Phases::default(), false))),
                    };
                    drop(waits);
                    if let Some(seated) = started {
                        return Ok(seated);
                    }
                }
            }
        }
    }

    /// Takes an idle environment, or starts one, and opens it to calls. `None` when its secrets were changed just now.
    async fn start_shared(
        &self,
        revision: &Arc<Revision>,
        request: RequestId,
        patience: Duration,
    ) -> Result<Option<std::result::Result<Seated, Done>>> {
        let place = self.place_to_share(revision, patience).await?;
        let (environment, phases, cold) = match self.pool.checkout(revision.id, Handle::current().id()) {
            Some(environment) => (environment, Phases::default(), false),
            None => match self.find_or_start(revision, request).await? {
                Ok(found) => found,
                Err(done) => return Ok(Some(Err(done))),
            },
        };
        let Some((member, task)) = self.pool.open(environment, place) else { return Ok(None) };
        drop(self.tasks.spawn(task.run()));
        Ok(Some(Ok((member, phases, cold))))
    }

    /// Resolves when there is a place beside others.
    async fn wait_beside(&self, revision: RevisionId) -> Member {
        loop {
            let changed = self.pool.freed();
            if let Some(member) = self.pool.join(revision) {
                return member;
            }
            changed.await;
        }
    }
}
