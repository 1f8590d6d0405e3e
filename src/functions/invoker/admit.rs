//! Who may run now: a bound on the calls that run at once, shared fairly between functions.
//!
//! A call beyond the bound waits in its function's own queue, and freed places go round the functions in turn, so that one
//! function's flood is felt by that function. Within a queue the call goes first that waits on the thread which frees the place, if it
//! is near the front: it finds the environment at home there, and no other thread has to be woken. A function of which nothing runs is let past the bound (up to twice the bound
//! over all), so that five that spin for their whole time cannot shut a sixth out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

use crate::types::FunctionId;

/// Calls that may wait, as a multiple of those that may run.
const WAITING_FACTOR: usize = 64;

/// How far from the front of a queue a call is looked for that waits on the same runtime, and how often the one in front may be passed
/// over before its turn comes whatever it waits on.
const LOOK_AT: usize = 8;

/// Lanes kept though nothing runs or waits in them, to spare the hot path their making.
const IDLE_LANES: usize = 4096;

/// Hands out places. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    max: usize,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting: usize,
    lanes: HashMap<FunctionId, Lane>,
    /// Functions with waiting calls, the next to be served first.
    turns: VecDeque<FunctionId>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Lane {
    /// Places that are taken.
    running: usize,
    /// Those of them that are environments which calls share.
    environments: usize,
    /// The calls that share them.
    beside: usize,
    waiting: VecDeque<Waiting>,
    /// How often the call in front was passed over.
    passed_over: usize,
}

#[derive(Debug)]
struct Waiting {
    turn: oneshot::Sender<Place>,
    kind: Kind,
    /// Where it waits.
    runtime: Option<Id>,
}

impl Lane {
    /// Calls that run or wait.
    fn calls(&self) -> usize {
        let waiting = self.waiting.iter().filter(|waiting| waiting.kind == Kind::Call).count();
        self.running - self.environments + waiting + self.beside
    }

    fn take(&mut self, kind: Kind) {
        match kind {
            Kind::Call => self.running += 1,
            Kind::Environment => {
                self.running += 1;
                self.environments += 1;
            }
            Kind::Beside => self.beside += 1,
        }
    }

    fn give_back(&mut self, kind: Kind) {
        match kind {
            Kind::Call => self.running -= 1,
            Kind::Environment => {
                self.running -= 1;
                self.environments -= 1;
            }
            Kind::Beside => self.beside -= 1,
        }
    }

    /// The call whose turn it is.
    fn next(&mut self, here: Option<Id>) -> Option<Waiting> {
        let near = |waiting: &Waiting| waiting.runtime == here;
        let at = if self.passed_over < LOOK_AT { self.waiting.iter().take(LOOK_AT).position(near).unwrap_or(0) } else { 0 };
        self.passed_over = if at == 0 { 0 } else { self.passed_over + 1 };
        self.waiting.remove(at)
    }
}

/// A place to run in; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Option<Arc<Shared>>,
    function: FunctionId,
    kind: Kind,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A call that has an environment for itself.
    Call,
    /// An environment that calls share.
    Environment,
    /// A call in one of those: it takes no place of its own, and is only counted.
    Beside,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// None became free in time, or too many wait already.
    Busy,
    /// As many calls of the function run and wait as may run at once.
    Reserved,
    /// The server stops.
    Closed,
}

impl Admission {
    pub(super) fn new(max: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), max: max.max(1) }))
    }

    /// A place for a call of this function, waiting for one no longer than `patience`. `reserved` is how many calls of the function
    /// may run at once, where that is bounded.
    pub(super) async fn admit(
        &self,
        function: FunctionId,
        reserved: Option<usize>,
        patience: Duration,
    ) -> Result<Place, NoPlace> {
        self.wait(function, Kind::Call, reserved, patience).await
    }

    /// A place for an environment that calls of this function share, waiting for one no longer than `patience`.
    pub(super) async fn admit_environment(&self, function: FunctionId, patience: Duration) -> Result<Place, NoPlace> {
        self.wait(function, Kind::Environment, None, patience).await
    }

    /// Counts a call that shares an environment; `reserved` as for [`Self::admit`].
    pub(super) fn admit_beside(&self, function: FunctionId, reserved: Option<usize>) -> Result<Place, NoPlace> {
        let mut state = self.0.lock();
        state.lane(function, reserved)?.take(Kind::Beside);
        Ok(Place { shared: Some(Arc::clone(&self.0)), function, kind: Kind::Beside })
    }

    async fn wait(
        &self,
        function: FunctionId,
        kind: Kind,
        reserved: Option<usize>,
        patience: Duration,
    ) -> Result<Place, NoPlace> {
        let turn = match self.0.enter(function, kind, reserved)? {
            Entry::Admitted(place) => return Ok(place),
            Entry::Waiting(turn) => turn,
        };
        match tokio::time::timeout(patience, turn).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(NoPlace::Closed),
            Err(_) => Err(NoPlace::Busy),
        }
    }

    /// Calls that run, and calls that wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.0.lock();
        let beside = |lane: &Lane| lane.beside.saturating_sub(lane.environments);
        (state.running + state.lanes.values().map(beside).sum::<usize>(), state.waiting)
    }

    /// Whether nobody is admitted any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().closed
    }

    /// Admits nobody any more; who waits is refused.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.turns.clear();
        state.waiting = 0;
        for lane in state.lanes.values_mut() {
            lane.waiting.clear();
        }
    }
}

impl State {
    /// A function's lane, if one more call may run or wait in it.
    fn lane(&mut self, function: FunctionId, reserved: Option<usize>) -> Result<&mut Lane, NoPlace> {
        if self.closed {
            return Err(NoPlace::Closed);
        }
        let lane = self.lanes.entry(function).or_default();
        if reserved.is_some_and(|reserved| lane.calls() >= reserved) { Err(NoPlace::Reserved) } else { Ok(lane) }
    }
}

enum Entry {
    Admitted(Place),
    Waiting(oneshot::Receiver<Place>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, function: FunctionId, kind: Kind, reserved: Option<usize>) -> Result<Entry, NoPlace> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let (running, all_waiting) = (state.running, state.waiting);
        let lane = state.lane(function, reserved)?;
        if lane.waiting.is_empty() && may_run(running, lane.running, self.max) {
            lane.take(kind);
            state.running += 1;
            return Ok(Entry::Admitted(Place { shared: Some(Arc::clone(self)), function, kind }));
        }
        if all_waiting >= self.max.saturating_mul(WAITING_FACTOR) {
            return Err(NoPlace::Busy);
        }
        let (sender, turn) = oneshot::channel();
        let is_first = lane.waiting.is_empty();
        lane.waiting.push_back(Waiting { turn: sender, kind, runtime: here() });
        if is_first {
            state.turns.push_back(function);
        }
        state.waiting += 1;
        Ok(Entry::Waiting(turn))
    }

    fn leave(self: &Arc<Self>, function: FunctionId, kind: Kind) {
        let mut state = self.lock();
        if let Some(lane) = state.lanes.get_mut(&function) {
            lane.give_back(kind);
        }
        if kind == Kind::Beside {
            return;
        }
        state.running -= 1;
        self.serve_waiting(&mut state);
        if state.lanes.len() > IDLE_LANES {
            state.lanes.retain(|_, lane| lane.running + lane.beside > 0 || !lane.waiting.is_empty());
        }
    }

    /// Gives free places to who waits, one a function and turn.
    fn serve_waiting(self: &Arc<Self>, state: &mut State) {
        let here = here();
        for _ in 0..state.turns.len() {
            let Some(function) = state.turns.pop_front() else { return };
            let Some(lane) = state.lanes.get_mut(&function) else { continue };
            while may_run(state.running, lane.running, self.max)
                && let Some(waiting) = lane.next(here)
            {
                state.waiting -= 1;
                if let Err(mut place) = waiting.turn.send(Place { shared: Some(Arc::clone(self)), function, kind: waiting.kind })
                {
                    // It gave up waiting; the place was never counted.
                    place.shared = None;
                    continue;
                }
                lane.take(waiting.kind);
                state.running += 1;
                break;
            }
            if !lane.waiting.is_empty() {
                state.turns.push_back(function);
            }
        }
    }
}

/// The runtime that this runs on.
fn here() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

const fn may_run(running: usize, of_function: usize, max: usize) -> bool {
    running < max || (of_function == 0 && running < max.saturating_mul(2))
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.leave(self.function, self.kind);
        }
    }
}
