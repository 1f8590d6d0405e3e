//! The invoker itself: finds a place and an environment for each call, and keeps count.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::admit::{Admission, NoPlace, Place};
use super::call::{Apart, Done, Limits, Payload, Running, Start};
use super::environment::Environment;
use super::pool::Pool;
use super::spares::Spares;
use super::start::StartError;
use super::{call, environment, snapshot, start};
use crate::auth::vault::Vault;
use crate::config;
use crate::functions::egress::Egress;
use crate::functions::error::{Error, Result};
use crate::functions::logs::Logs;
use crate::functions::metering::Phases;
use crate::functions::model::Revision;
use crate::functions::packages::Packages;
use crate::isolate::protocol::{self, FrameError, HttpRequest, Invoke, Sandbox, ToWorker};
use crate::tasks::Tasks;
use crate::types::{FunctionId, RequestId, RevisionId};

/// How often idle environments are looked through and gauges set.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How long after a cold start its spare is replaced.
const REFILL_AFTER: Duration = Duration::from_millis(50);

/// How often one call is tried when workers end just before it reaches them.
pub(super) const TRIES: usize = 3;

/// Runs calls. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions) struct Invoker(Arc<Parts>);

pub(in crate::functions) struct Parts {
    admission: Admission,
    pub(super) pool: Pool,
    pub(super) spares: Spares,
    pub(super) packages: Packages,
    pub(super) logs: Logs,
    pub(super) config: config::Functions,
    pub(super) tasks: Tasks,
    pub(super) apart: Apart,
    /// What the functions find the server by.
    pub(super) anon_key: String,
}

impl std::ops::Deref for Invoker {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the invoker is made of.
pub(in crate::functions) struct Setup {
    pub(in crate::functions) config: config::Functions,
    pub(in crate::functions) packages: Packages,
    pub(in crate::functions) logs: Logs,
    pub(in crate::functions) vault: Vault,
    /// The server's data folder.
    pub(in crate::functions) data: PathBuf,
    pub(in crate::functions) tasks: Tasks,
    pub(in crate::functions) egress: Egress,
    pub(in crate::functions) anon_key: String,
}

/// A call to be made.
pub(in crate::functions) struct Work {
    pub(in crate::functions) revision: Arc<Revision>,
    pub(in crate::functions) request: RequestId,
    /// `None`: the payload is an event.
    pub(in crate::functions) http: Option<HttpRequest>,
    pub(in crate::functions) payload: Payload,
    /// Whether the answer may be a stream.
    pub(in crate::functions) may_stream: bool,
    /// How many functions the request has gone through already.
    pub(in crate::functions) hops: u8,
}

/// How many of what there are.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Counts {
    pub(in crate::functions) environments: usize,
    pub(in crate::functions) idle: usize,
    pub(in crate::functions) spares: usize,
    pub(in crate::functions) processes: usize,
    pub(in crate::functions) running: usize,
    pub(in crate::functions) waiting: usize,
}

impl Invoker {
    pub(in crate::functions) fn start(setup: Setup) -> Result<Self> {
        let Setup { config, packages, logs, vault, data, tasks, egress, anon_key } = setup;
        let pool = Pool::new(config.max_environments);
        let source = snapshot::Source { program: PathBuf::from("/proc/self/exe"), cache: data.join("cache"), vault };
        let spares = Spares::new(source, tasks.clone(), config.spares, pool.clone())
            .map_err(|err| Error::NoWorker(format!("the thread that starts workers cannot be started: {err}")))?;
        let admission = Admission::new(config.max_running);
        let limits = Limits {
            streamed: config.max_streamed,
            fetches: config.max_fetches,
            fetched: config.max_fetched,
            stall: config.stream_stall,
        };
        let apart = Apart { tasks: tasks.clone(), egress, limits };
        let invoker = Self(Arc::new(Parts { admission, pool, spares, packages, logs, config, tasks, apart, anon_key }));
        invoker.spawn_sweeper();
        Ok(invoker)
    }

    /// Runs a call.
    ///
    /// # Errors
    /// When it was not run: no place, no room, no worker, no package. The function's own failures are in [`Done`].
    pub(in crate::functions) async fn invoke(&self, work: Work) -> Result<Done> {
        let Work { revision, request, http, payload, may_stream, hops } = work;
        let (payload, mut upload) = match payload {
            Payload::Whole(payload) => (payload, None),
            Payload::Streamed(upload) => (Bytes::new(), Some(upload)),
        };
        let mut invoke = invocation(&revision, request, http);
        (invoke.streamed, invoke.may_stream) = (upload.is_some(), may_stream);
        let mut message = ToWorker::Invoke(Box::new(invoke));
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
            let start = Start { request, phases, cold, place, pool, log_limit, hops, may_stream, apart: self.apart.clone() };
            let running = Running::new(environment, frame, start);
            let done = match upload.take() {
                None => call::run(running).await,
                Some(upload) => return call::run_streamed(running, upload).await.ok_or(Error::Stopping),
            };
            if let Some(done) = done {
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
            // The next spare is made when this start and its first call are over, so as not to compete with them.
            tokio::time::sleep(REFILL_AFTER).await;
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
    pub(in crate::functions) fn warm_up(&self) {
        self.spares.activate();
    }

    /// Says which revision new calls of a function run; idle environments of others end.
    pub(in crate::functions) fn set_live(&self, function: FunctionId, revision: Option<RevisionId>) {
        self.pool.set_live(function, revision);
    }

    /// Which layers of the sandbox hold, as the last worker found them; `None` before there was one.
    pub(in crate::functions) fn sandbox(&self) -> Option<Sandbox> {
        self.spares.sandbox()
    }

    pub(in crate::functions) fn counts(&self) -> Counts {
        let ((environments, idle), (spares, processes)) = (self.pool.counts(), self.spares.counts());
        let (running, waiting) = self.admission.counts();
        Counts { environments, idle, spares, processes, running, waiting }
    }

    /// Whether no call is admitted any more.
    pub(in crate::functions) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Ends what is idle and admits no call any more; calls under way finish.
    pub(in crate::functions) fn close(&self) {
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

fn invocation(revision: &Revision, request: RequestId, http: Option<HttpRequest>) -> Invoke {
    Invoke {
        call: 0,
        request_id: request.to_string(),
        timeout_ms: u64::try_from(revision.settings.timeout.as_millis()).unwrap_or(u64::MAX),
        memory_mb: revision.settings.memory_mb,
        invoked_arn: format!("arn:aws:lambda:local:000000000000:function:{}", revision.name),
        http,
        streamed: false,
        may_stream: false,
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
