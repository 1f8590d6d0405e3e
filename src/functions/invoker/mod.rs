//! Runs one function call in a worker process, within its limits.
//!
//! A call is *admitted* ([`admit`]: it gets one of the places to run in, or is refused when none becomes free in time), given an
//! idle environment of its revision by [`pool`], or a new one by [`start`], and sent as one frame over [`channel`]. The answer
//! comes back the same way, on the thread that made the call.
//!
//! ```text
//! service::invoke -> admit -> pool::checkout ------------------> call::run -> pool::checkin
//!                                   | none idle                     ^
//!                                   start: package -> spares::take -+ (on the core runtime)
//! ```
//!
//! [`spares`] keeps workers ready; [`spawner`] is the one thread that starts them, from the startup snapshot of [`snapshot`];
//! [`worker`] watches a process until it is reaped.
//!
//! # Invariants
//!
//! - A worker runs one revision in its life, and after any fault (a timeout, a crash, memory, a broken protocol) never again.
//! - The server never waits on a worker without a deadline, and believes nothing a worker says beyond [`protocol`].
//! - Whoever holds a [`worker::Worker`] owns its process: dropping it kills it. Nothing else needs to be cleaned up.
//! - A place is given back after the environment, so that whoever is admitted finds an environment or room for one.
//! - No V8 here: this side speaks only [`protocol`].
//!
//! Retries are not here either.

mod admit;
mod call;
mod channel;
mod compile;
mod environment;
mod fault;
mod pool;
mod snapshot;
mod spares;
mod spawner;
mod start;
mod tap;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub use self::call::{Done, Reply};
pub use self::fault::{Failure, Outcome};
pub(super) use self::snapshot::hex;

use self::admit::{Admission, NoPlace, Place};
use self::call::{Running, Start};
use self::environment::Environment;
use self::pool::Pool;
use self::spares::Spares;
use self::start::StartError;
use super::error::{Error, Result};
use super::logs::Logs;
use super::metering::Phases;
use super::model::Revision;
use super::packages::Packages;
use crate::auth::vault::Vault;
use crate::config;
use crate::isolate::protocol::{self, FrameError, HttpRequest, Invoke, Sandbox, ToWorker};
use crate::tasks::Tasks;
use crate::types::{FunctionId, RequestId, RevisionId};

/// How often idle environments are looked through and gauges set.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How often one call is tried when workers end just before it reaches them.
const TRIES: usize = 3;

/// Runs calls. Cheap to clone.
#[derive(Clone)]
pub(super) struct Invoker(Arc<Parts>);

pub(super) struct Parts {
    admission: Admission,
    pool: Pool,
    spares: Spares,
    packages: Packages,
    logs: Logs,
    config: config::Functions,
    tasks: Tasks,
}

impl std::ops::Deref for Invoker {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the invoker is made of.
pub(super) struct Setup {
    pub(super) config: config::Functions,
    pub(super) packages: Packages,
    pub(super) logs: Logs,
    pub(super) vault: Vault,
    /// The server's data folder.
    pub(super) data: PathBuf,
    pub(super) tasks: Tasks,
}

/// A call to be made.
pub(super) struct Work {
    pub(super) revision: Arc<Revision>,
    pub(super) request: RequestId,
    /// `None`: the payload is an event.
    pub(super) http: Option<HttpRequest>,
    pub(super) payload: Bytes,
}

/// How many of what there are.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) environments: usize,
    pub(super) idle: usize,
    pub(super) spares: usize,
    pub(super) processes: usize,
    pub(super) running: usize,
    pub(super) waiting: usize,
}

impl Invoker {
    pub(super) fn start(setup: Setup) -> Result<Self> {
        let Setup { config, packages, logs, vault, data, tasks } = setup;
        let pool = Pool::new(config.max_environments);
        let source = snapshot::Source { program: PathBuf::from("/proc/self/exe"), cache: data.join("cache"), vault };
        let spares = Spares::new(source, tasks.clone(), config.spares, pool.clone())
            .map_err(|err| Error::NoWorker(format!("the thread that starts workers cannot be started: {err}")))?;
        let admission = Admission::new(max_running(&config));
        let invoker = Self(Arc::new(Parts { admission, pool, spares, packages, logs, config, tasks }));
        invoker.spawn_sweeper();
        Ok(invoker)
    }

    /// Runs a call.
    ///
    /// # Errors
    /// When it was not run: no place, no room, no worker, no package. The function's own failures are in [`Done`].
    pub(super) async fn invoke(&self, work: Work) -> Result<Done> {
        let Work { revision, request, http, payload } = work;
        let mut message = ToWorker::Invoke(Box::new(invocation(&revision, request, http)));
        for _ in 0..TRIES {
            let place = self.place(revision.function_id).await?;
            let (mut environment, phases, cold) = match self.pool.checkout(revision.id, Handle::current().id()) {
                Some(environment) => (environment, Phases::default(), false),
                None => match self.start_apart(&revision, request).await? {
                    Ok((environment, phases)) => (environment, phases, true),
                    Err(done) => return Ok(done),
                },
            };
            environment.calls += 1;
            let frame = frame_of(&mut message, environment.calls, &payload).map_err(|err| too_large(&err))?;
            let (pool, log_limit) = (self.pool.clone(), self.config.log_limit);
            let start = Start { request, phases, cold, place, pool, log_limit };
            if let Some(done) = call::run(Running::new(environment, frame, start), &self.tasks).await {
                return Ok(done);
            }
        }
        Err(workers_end())
    }

    async fn place(&self, function: FunctionId) -> Result<Place> {
        self.admission.admit(function, self.config.queue_timeout).await.map_err(|why| match why {
            NoPlace::Busy => {
                Error::Busy("ConcurrentInvocationLimitExceeded: every place to run is taken (functions.max_running)")
            }
            NoPlace::Closed => Error::Stopping,
        })
    }

    /// Starts an environment on the core runtime. A caller that goes away leaves it to the next.
    async fn start_apart(
        &self,
        revision: &Arc<Revision>,
        request: RequestId,
    ) -> Result<Result<(Box<Environment>, Phases), Done>> {
        let (sender, started) = oneshot::channel();
        let (invoker, revision) = (self.clone(), Arc::clone(revision));
        drop(self.tasks.spawn(async move {
            let outcome = invoker.start_and_record(revision, request).await;
            if let Err(Ok(Ok((environment, _)))) = sender.send(outcome) {
                invoker.pool.checkin(environment);
            }
            // The next spare is made when this start is over, so as not to compete with it.
            invoker.spares.refill();
        }));
        started.await.unwrap_or(Err(Error::Stopping))
    }

    async fn start_and_record(
        &self,
        revision: Arc<Revision>,
        request: RequestId,
    ) -> Result<Result<(Box<Environment>, Phases), Done>> {
        for _ in 0..TRIES {
            match start::start(self, Arc::clone(&revision), request).await {
                Ok(started) => return Ok(Ok(started)),
                Err(StartError::NeverBegan) => {}
                Err(StartError::Server(err)) => return Err(err),
                Err(StartError::Fault(fault, phases)) => {
                    let failure = fault.into_failure(request, revision.settings.memory_mb);
                    let records = call::record_failed_start(&revision, &failure, phases, 0);
                    self.logs.buffer(revision.function_id).push(request, records);
                    environment::count_failed_start(&revision, failure.outcome);
                    return Ok(Err(Done { result: Err(failure), phases, cold: true }));
                }
            }
        }
        Err(workers_end())
    }

    /// Begins to keep spare workers.
    pub(super) fn warm_up(&self) {
        self.spares.activate();
    }

    /// Says which revision new calls of a function run; idle environments of others end.
    pub(super) fn set_live(&self, function: FunctionId, revision: Option<RevisionId>) {
        self.pool.set_live(function, revision);
    }

    /// Which layers of the sandbox hold, as the last worker found them; `None` before there was one.
    pub(super) fn sandbox(&self) -> Option<Sandbox> {
        self.spares.sandbox()
    }

    pub(super) fn counts(&self) -> Counts {
        let ((environments, idle), (spares, processes)) = (self.pool.counts(), self.spares.counts());
        let (running, waiting) = self.admission.counts();
        Counts { environments, idle, spares, processes, running, waiting }
    }

    /// Whether no call is admitted any more.
    pub(super) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Ends what is idle and admits no call any more; calls under way finish.
    pub(super) fn close(&self) {
        self.admission.close();
        self.pool.close();
        self.spares.close();
    }

    fn spawn_sweeper(&self) {
        let invoker = self.clone();
        drop(self.tasks.spawn(async move {
            while !invoker.tasks.is_stopping() {
                tokio::select! {
                    () = tokio::time::sleep(SWEEP_EVERY) => invoker.pool.sweep(invoker.config.idle_timeout),
                    () = invoker.tasks.soft_stopped() => break,
                }
                environment::set_gauges(&invoker.counts());
            }
        }));
    }
}

fn workers_end() -> Error {
    Error::NoWorker("workers end before they are told what to do".to_owned())
}

/// Calls that may run at once: as configured, or four for each core.
fn max_running(config: &config::Functions) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if config.max_running == 0 { 4 * cores } else { config.max_running }
}

fn invocation(revision: &Revision, request: RequestId, http: Option<HttpRequest>) -> Invoke {
    Invoke {
        call: 0,
        request_id: request.to_string(),
        timeout_ms: u64::try_from(revision.settings.timeout.as_millis()).unwrap_or(u64::MAX),
        memory_mb: revision.settings.memory_mb,
        invoked_arn: format!("arn:aws:lambda:local:000000000000:function:{}", revision.name),
        http,
    }
}

fn frame_of(message: &mut ToWorker, number: u64, payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    if let ToWorker::Invoke(invoke) = message {
        invoke.call = number;
    }
    protocol::encode(message, payload)
}

fn too_large(err: &FrameError) -> Error {
    Error::Invalid { field: "body".to_owned(), message: err.to_string() }
}
