//! An environment that calls share: a task that owns it, and a member for each of its calls.
//!
//! ```text
//! member --frames--> | task: one socket | --> worker
//! member <--inbox--- | frames by call   | <--
//! ```
//!
//! The task lives as long as there are members; the environment goes back to the pool with the last one. Who joins, and whether it is
//! over, is decided under the pool's lock, so that a call finds either a place beside others or the environment idle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::running::FRAME;
use crate::functions::fault::Fault;
use crate::functions::invoker::admit::Place;
use crate::functions::invoker::channel::{LinkError, Outgoing};
use crate::functions::invoker::environment::{Environment, Sample, Secrets};
use crate::functions::invoker::pool::Pool;
use crate::functions::invoker::start::fault_of;
use crate::functions::invoker::worker::Killer;
use crate::functions::logs::Buffer;
use crate::functions::metering::Meter;
use crate::functions::model::Revision;
use crate::isolate::protocol::{FromWorker, FunctionError, call_of};

/// Frames that wait for one call to take them. The worker's further ones wait in its socket.
const INBOX: usize = 16;

/// While so many bytes wait to be sent to the worker, nothing is put behind them.
const ENOUGH: usize = 256 * 1024;

/// A worker that has not taken up a call after this time is busy with others: further calls go elsewhere.
const STUCK: Duration = Duration::from_millis(250);

/// How long a worker may take to read what is left for it when its calls are over.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Frames about calls that are over that a worker may send.
const STRAYS: usize = 20_000;

/// An environment that calls share.
pub(in crate::functions::invoker) struct Crowd {
    pub(super) revision: Arc<Revision>,
    pub(super) log: Arc<Buffer>,
    pub(super) meter: Arc<Meter>,
    pub(super) init_cpu: Duration,
    secrets: Option<Secrets>,
    most: usize,
    state: Mutex<State>,
    commands: mpsc::UnboundedSender<Command>,
    killer: Killer,
    memory: Mutex<Sample>,
    /// Why it was ended by the server.
    condemned: OnceLock<String>,
    /// Why its worker is of no use any more.
    lost: OnceLock<Lost>,
}

struct State {
    members: usize,
    /// The number of the last call.
    last: u64,
    /// No further calls.
    closed: bool,
    /// Calls that the worker has not said to have begun.
    unbegun: Vec<(u64, Instant)>,
    /// The sum of the environment's time, each moment divided by the calls that shared it.
    clock: Duration,
    since: Instant,
}

struct Lost {
    fault: Fault,
    /// Whether its first and only call had no effect.
    never_began: bool,
}

enum Command {
    Join(u64, mpsc::Sender<(FromWorker, Bytes)>),
    /// Frames, and what is held until they are sent.
    Send(Vec<u8>, Vec<OwnedSemaphorePermit>),
    Leave(u64),
}

/// A call among those of an environment. Dropped without [`Self::leave`], the environment takes no further calls.
pub(in crate::functions::invoker) struct Member {
    crowd: Arc<Crowd>,
    number: u64,
    inbox: mpsc::Receiver<(FromWorker, Bytes)>,
    joined: Instant,
    /// What the environment's clock said then.
    clock: Duration,
    is_sound: bool,
}

impl Crowd {
    /// Begins with an environment in which nothing runs.
    pub(in crate::functions::invoker) fn begin(environment: Box<Environment>, place: Place, pool: Pool) -> (Arc<Self>, Task) {
        let (sender, commands) = mpsc::unbounded_channel();
        let crowd = Arc::new(Self {
            revision: Arc::clone(&environment.revision),
            log: Arc::clone(&environment.log),
            meter: Arc::clone(&environment.meter),
            init_cpu: environment.init_cpu,
            secrets: environment.secrets.clone(),
            most: usize::try_from(environment.revision.settings.concurrency).unwrap_or(usize::MAX),
            state: Mutex::new(State {
                members: 0,
                last: environment.calls,
                closed: false,
                unbegun: Vec::new(),
                clock: Duration::ZERO,
                since: Instant::now(),
            }),
            commands: sender,
            killer: environment.worker.process().killer(),
            memory: Mutex::new(environment.memory),
            condemned: OnceLock::new(),
            lost: OnceLock::new(),
        });
        let task = Task {
            crowd: Arc::clone(&crowd),
            environment,
            inboxes: HashMap::new(),
            commands,
            out: Outgoing::new(Vec::new()),
            held: Vec::new(),
            strays: 0,
            heard: false,
            place,
            pool,
        };
        (crowd, task)
    }

    /// Adds a call, unless there are as many as may be, or the environment is not fit for one.
    pub(in crate::functions::invoker) fn join(self: &Arc<Self>) -> Option<Member> {
        let mut state = self.lock();
        let is_stuck = state.unbegun.first().is_some_and(|(_, since)| since.elapsed() > STUCK);
        if state.closed || state.members >= self.most || is_stuck || self.secrets.as_ref().is_some_and(Secrets::are_outdated) {
            return None;
        }
        state.settle();
        state.members += 1;
        state.last += 1;
        let (number, joined, clock) = (state.last, Instant::now(), state.clock);
        state.unbegun.push((number, joined));
        let (sender, inbox) = mpsc::channel(INBOX);
        // A task that has ended took the crowd out of the pool before.
        let _ = self.commands.send(Command::Join(number, sender));
        Some(Member { crowd: Arc::clone(self), number, inbox, joined, clock, is_sound: false })
    }

    /// How many calls there are.
    pub(in crate::functions::invoker) fn members(&self) -> usize {
        self.lock().members
    }

    /// The number of the last call, and whether further ones may follow, when there are none now.
    pub(in crate::functions::invoker) fn over(&self) -> Option<(u64, bool)> {
        let mut state = self.lock();
        if state.members > 0 {
            return None;
        }
        let is_sound = !state.closed;
        state.closed = true;
        Some((state.last, is_sound))
    }

    /// The revision that all its calls run.
    pub(in crate::functions::invoker) const fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }

    /// Ends the worker, since one of its calls does what it must not.
    pub(super) fn condemn(&self, why: &str) {
        let _ = self.condemned.set(why.to_owned());
        self.lock().closed = true;
        self.killer.kill();
        tracing::warn!(pid = self.killer.pid.as_raw_nonzero(), "a function worker was ended: {why}");
    }

    pub(super) fn peak_memory(&self, phase: Duration) -> u64 {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).peak(self.killer.pid, phase)
    }

    fn began(&self, number: u64) {
        self.lock().unbegun.retain(|(unbegun, _)| *unbegun != number);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Brings the clock up to now.
    fn settle(&mut self) {
        let now = Instant::now();
        let members = u32::try_from(self.members).unwrap_or(u32::MAX).max(1);
        self.clock += now.duration_since(self.since) / members;
        self.since = now;
    }
}

impl Member {
    pub(super) const fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    pub(in crate::functions::invoker) const fn number(&self) -> u64 {
        self.number
    }

    /// Hands frames over.
    pub(super) fn send(&self, out: &mut Outgoing, held: Vec<OwnedSemaphorePermit>) -> Result<(), LinkError> {
        if out.left() == 0 {
            return Ok(());
        }
        self.crowd.commands.send(Command::Send(out.take(), held)).map_err(|_| self.end())
    }

    /// Waits for the next frame.
    pub(super) async fn receive(&mut self) -> Result<(FromWorker, Bytes), LinkError> {
        match self.inbox.recv().await {
            Some(frame) => Ok(frame),
            None => Err(self.end()),
        }
    }

    fn end(&self) -> LinkError {
        if self.crowd.lost.get().is_none_or(|lost| lost.never_began) { LinkError::Unread } else { LinkError::Closed }
    }

    /// Why the worker is of no use any more.
    pub(super) fn fault(&self) -> Fault {
        self.crowd.lost.get().map_or(Fault::Broken, |lost| lost.fault.clone())
    }

    /// The part of the environment that the call has had so far, of so many parts.
    pub(super) fn share(&self, parts: u32) -> u32 {
        let clock = {
            let mut state = self.crowd.lock();
            state.settle();
            state.clock
        };
        let (had, whole) = (clock.saturating_sub(self.clock).as_nanos(), self.joined.elapsed().as_nanos().max(1));
        u32::try_from(had * u128::from(parts) / whole).unwrap_or(parts).clamp(1, parts)
    }

    /// The call did the environment no harm.
    pub(in crate::functions::invoker) fn leave(mut self) {
        self.is_sound = true;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        state.settle();
        state.members -= 1;
        state.closed |= !self.is_sound;
        state.unbegun.retain(|(number, _)| *number != self.number);
        drop(state);
        let _ = self.crowd.commands.send(Command::Leave(self.number));
    }
}

/// What owns the environment.
pub(in crate::functions::invoker) struct Task {
    crowd: Arc<Crowd>,
    environment: Box<Environment>,
    inboxes: HashMap<u64, mpsc::Sender<(FromWorker, Bytes)>>,
    commands: mpsc::UnboundedReceiver<Command>,
    out: Outgoing,
    /// Of what is in `out`.
    held: Vec<OwnedSemaphorePermit>,
    strays: usize,
    /// Whether the worker has said anything.
    heard: bool,
    // Given back after the environment is.
    place: Place,
    pool: Pool,
}

impl Task {
    /// Serves the calls until there is none left, or the worker is of no use any more.
    pub(in crate::functions::invoker) async fn run(mut self) {
        let err = loop {
            if self.inboxes.is_empty() && self.out.left() == 0 {
                match self.pool.clone().retire(self) {
                    Some(task) => self = task,
                    None => return,
                }
            }
            let has_calls = !self.inboxes.is_empty();
            tokio::select! {
                biased;
                command = self.commands.recv(), if self.out.left() < ENOUGH => match command {
                    Some(Command::Join(number, inbox)) => drop(self.inboxes.insert(number, inbox)),
                    Some(Command::Send(frames, held)) => {
                        self.out.append(frames);
                        self.held.extend(held);
                    }
                    Some(Command::Leave(number)) => {
                        self.inboxes.remove(&number);
                        self.pool.has_left();
                    }
                    None => break LinkError::Closed,
                },
                exchanged = self.environment.worker.link.exchange(&mut self.out, FRAME) => match exchanged {
                    Ok(None) => self.held.clear(),
                    Ok(Some((message, body))) => self.route(message, body).await,
                    Err(err) => break err,
                },
                // It does not read what is left for it.
                () = tokio::time::sleep(LEFTOVERS), if !has_calls && self.out.left() > 0 => break LinkError::Closed,
            }
        };
        self.lose(err).await;
    }

    /// Gives a frame to the call that it is about.
    async fn route(&mut self, message: FromWorker, body: Bytes) {
        self.heard = true;
        let Some(number) = call_of_frame(&message) else {
            return self.crowd.condemn("it says what it must not say now");
        };
        if let FromWorker::Began { call } = message {
            return self.crowd.began(call);
        }
        let taken = match self.inboxes.get(&number) {
            Some(inbox) => inbox.send((message, body)).await.is_ok(),
            None => false,
        };
        if !taken {
            self.strays += 1;
            if self.strays > STRAYS {
                self.crowd.condemn("it speaks of calls that are over");
            }
        }
    }

    /// The worker has ended, or broke the protocol: its calls are told.
    async fn lose(mut self, err: LinkError) {
        self.pool.forget(&self.crowd);
        let (members, unbegun) = {
            let mut state = self.crowd.lock();
            state.closed = true;
            (state.members, state.unbegun.len())
        };
        let is_unread = matches!(err, LinkError::Unread) || (matches!(err, LinkError::Closed) && self.out.left() > 0);
        let never_began = (members, unbegun) == (1, 1) && is_unread && !self.heard;
        let fault = match (fault_of(err, &mut self.environment.worker).await, self.crowd.condemned.get()) {
            (fault, None) => fault,
            (_, Some(_)) if members <= 1 => Fault::Broken,
            (_, Some(why)) => Fault::Function(FunctionError {
                error_type: "Runtime.EnvironmentEnded".to_owned(),
                message: format!("the environment that this call shared with others was ended: {why}"),
                trace: Vec::new(),
            }),
        };
        let _ = self.crowd.lost.set(Lost { fault, never_began });
    }

    pub(in crate::functions::invoker) const fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    /// The environment, in which nothing runs any more, and the place that it took.
    pub(in crate::functions::invoker) fn into_parts(self) -> (Box<Environment>, Place) {
        (self.environment, self.place)
    }
}

/// The call that a frame is about; `None` for frames that no call has.
fn call_of_frame(message: &FromWorker) -> Option<u64> {
    match message {
        FromWorker::Answer(answer) => Some(answer.call),
        FromWorker::Started(started) => Some(started.call),
        FromWorker::Log(line) => Some(line.call),
        FromWorker::Pending(pending) => Some(pending.call),
        FromWorker::Ask(ask) => Some(ask.call),
        FromWorker::Fetch(fetch) => Some(call_of(fetch.stream)),
        FromWorker::Failed { call, .. }
        | FromWorker::Finished { call, .. }
        | FromWorker::Settled { call }
        | FromWorker::Began { call } => Some(*call),
        FromWorker::Chunk { stream, .. } | FromWorker::Abort { stream, .. } | FromWorker::Credit { stream, .. } => {
            Some(call_of(*stream))
        }
        FromWorker::Ready(_)
        | FromWorker::Compiled(_)
        | FromWorker::Rejected { .. }
        | FromWorker::Initialised(_)
        | FromWorker::InitFailed { .. } => None,
    }
}
