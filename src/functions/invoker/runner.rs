//! The invoker itself: finds a place and an environment for each call, and keeps count.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use super::admit::{Admission, NoPlace, Place};
use super::call::{Apart, Done, Limits, Payload, Running, Start, Way};
use super::environment::Environment;
use super::pool::{Evicted, Pool};
use super::spares::Spares;
use super::start::StartError;
use super::{call, compile, environment, snapshot, start};
use crate::auth::vault::Vault;
use crate::config;
use crate::functions::egress::{Egress, Platform};
use crate::functions::error::{Error, Result};
use crate::functions::logs::Logs;
use crate::functions::metering::{Phases, Report, Usage};
use crate::functions::model::Revision;
use crate::functions::packages::BuildId;
use crate::functions::packages::Packages;
use crate::isolate::protocol::{self, FrameError, HttpRequest, Invoke, Sandbox, ToWorker};
use crate::secrets::SecretsService;
use crate::tasks::Tasks;
use crate::types::{FunctionId, RequestId, RevisionId};

/// How often idle environments are looked through and gauges set.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How long after a cold start its spare is replaced.
const REFILL_AFTER: Duration = Duration::from_millis(50);

/// How long a deployment waits at the most for an environment of the new revision.
const PREPARE: Duration = Duration::from_secs(2);

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
    pub(super) usage: Usage,
    pub(super) secrets: SecretsService,
    pub(super) config: config::Functions,
    pub(in crate::functions) tasks: Tasks,
    pub(super) apart: Apart,
    /// What the functions find the server by.
    pub(super) anon_key: String,
    /// Turns to compile.
    pub(super) builds: Semaphore,
    /// Held while what another build made is made anew.
    pub(super) rebuilding: tokio::sync::Mutex<()>,
    /// Calls that were refused since there was no place or no room for them.
    throttled: AtomicU64,
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
    pub(in crate::functions) usage: Usage,
    pub(in crate::functions) vault: Vault,
    pub(in crate::functions) build: BuildId,
    /// The server's data folder.
    pub(in crate::functions) data: PathBuf,
    /// What workers are started from.
    pub(in crate::functions) program: PathBuf,
    pub(in crate::functions) tasks: Tasks,
    pub(in crate::functions) egress: Egress,
    pub(in crate::functions) platform: Arc<dyn Platform>,
    pub(in crate::functions) secrets: SecretsService,
    pub(in crate::functions) anon_key: String,
}

/// A call to be made.
pub(in crate::functions) struct Work {
    pub(in crate::functions) revision: Arc<Revision>,
    pub(in crate::functions) request: RequestId,
    /// What was called, as `context.invokedFunctionArn` shows it.
    pub(in crate::functions) arn: String,
    /// `None`: the payload is an event.
    pub(in crate::functions) http: Option<HttpRequest>,
    pub(in crate::functions) payload: Payload,
    /// What `context.clientContext` is; JSON.
    pub(in crate::functions) client_context: Option<String>,
    /// Whether the end of the call's log is wanted.
    pub(in crate::functions) wants_log: bool,
    /// Whether the answer may be a stream.
    pub(in crate::functions) may_stream: bool,
    /// How many functions the request has gone through already.
    pub(in crate::functions) hops: u8,
}

/// An environment of a revision that is about to become live, where one was wanted and came up.
pub(in crate::functions) struct Prepared(Option<Box<Environment>>);

impl Work {
    /// A call with an event, whose answer is whole and whose log is not wanted.
    pub(in crate::functions) const fn new(revision: Arc<Revision>, request: RequestId, arn: String, payload: Payload) -> Self {
        let (http, client_context, wants_log, may_stream, hops) = (None, None, false, false, 0);
        Self { revision, request, arn, http, payload, client_context, wants_log, may_stream, hops }
    }
}

/// How many of what there are.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Counts {
    pub(in crate::functions) environments: usize,
    pub(in crate::functions) idle: usize,
    pub(in crate::functions) provisioned: usize,
    pub(in crate::functions) spares: usize,
    pub(in crate::functions) processes: usize,
    pub(in crate::functions) running: usize,
    pub(in crate::functions) waiting: usize,
    /// What the workers hold of memory, in bytes.
    pub(in crate::functions) memory: u64,
    /// What they may hold.
    pub(in crate::functions) memory_allowed: u64,
    pub(in crate::functions) evicted: Evicted,
    pub(in crate::functions) throttled: u64,
}

impl Invoker {
    pub(in crate::functions) fn start(setup: Setup) -> Result<Self> {
        let Setup { config, packages, logs, usage, vault, build, data, program, tasks, egress, platform, secrets, anon_key } =
            setup;
        let pool = Pool::new(config.max_environments, config.memory_budget);
        let source = snapshot::Source { program, cache: data.join("cache"), vault, build };
        let spares = Spares::new(source, tasks.clone(), config.spares, pool.clone())
            .map_err(|err| Error::NoWorker(format!("the thread that starts workers cannot be started: {err}")))?;
        let admission = Admission::new(config.max_running);
        let limits = Limits {
            streamed: config.max_streamed,
            fetches: config.max_fetches,
            fetched: config.max_fetched,
            asks: config.max_platform_calls,
            stall: config.stream_stall,
        };
        let apart = Apart { tasks: tasks.clone(), egress, platform, limits };
        let invoker = Self(Arc::new(Parts {
            admission,
            pool,
            spares,
            packages,
            logs,
            usage,
            secrets,
            config,
            tasks,
            apart,
            anon_key,
            builds: Semaphore::new(compile::AT_ONCE),
            rebuilding: tokio::sync::Mutex::default(),
            throttled: AtomicU64::new(0),
        }));
        invoker.spawn_sweeper();
        Ok(invoker)
    }

    /// Runs a call.
    ///
    /// # Errors
    /// When it was not run: no place, no room, no worker, no package. The function's own failures are in [`Done`].
    pub(in crate::functions) async fn invoke(&self, work: Work) -> Result<Done> {
        let revision = Arc::clone(&work.revision);
        let done = self.run(work).await;
        if let Err(err) = &done
            && let Some(reason) = err.throttle()
        {
            self.throttled.fetch_add(1, Ordering::Relaxed);
            self.usage.meter(&revision).throttled(reason);
        }
        done
    }

    async fn run(&self, work: Work) -> Result<Done> {
        let Work { revision, request, arn, http, payload, client_context, wants_log, may_stream, hops } = work;
        let (payload, mut upload) = match payload {
            Payload::Whole(payload) => (payload, None),
            Payload::Streamed(upload) => (Bytes::new(), Some(upload)),
        };
        let mut message = ToWorker::Invoke(Box::new(Invoke {
            invoked_arn: arn,
            http,
            client_context,
            streamed: upload.is_some(),
            may_stream,
            ..invocation(&revision, request)
        }));
        for _ in 0..TRIES {
            let place = self.place(&revision).await?;
            let (way, phases, cold) = match self.way(&revision, request).await? {
                Ok(found) => found,
                Err(done) => return Ok(done),
            };
            let frame = match frame_of(&mut message, way.number(), &payload) {
                Ok(frame) => frame,
                Err(err) => {
                    way.give_back(&self.pool);
                    return Err(too_large(&err));
                }
            };
            let (pool, log_limit) = (self.pool.clone(), self.config.log_limit);
            let apart = self.apart.clone();
            let start = Start { request, phases, cold, place, pool, log_limit, wants_log, hops, may_stream, apart };
            let running = Running::new(way, frame, start);
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

    /// An environment for a call, what it took to get it, and whether it was started for it.
    async fn way(&self, revision: &Arc<Revision>, request: RequestId) -> Result<Result<(Way, Phases, bool), Done>> {
        if revision.settings.is_shared() {
            let seated = self.seat(revision, request).await?;
            return Ok(seated.map(|(member, phases, cold)| (Way::Beside(Box::new(member)), phases, cold)));
        }
        let found = match self.pool.checkout(revision.id, Handle::current().id()) {
            Some(environment) => Ok((environment, Phases::default(), false)),
            None => self.find_or_start(revision, request).await?,
        };
        Ok(found.map(|(mut environment, phases, cold)| {
            environment.calls += 1;
            (Way::Alone(environment), phases, cold)
        }))
    }

    async fn place(&self, revision: &Revision) -> Result<Place> {
        let bound = revision.reserved_concurrency.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        let place = if revision.settings.is_shared() {
            self.admission.admit_beside(revision.function_id, bound)
        } else {
            self.admission.admit(revision.function_id, bound, self.config.queue_timeout).await
        };
        place.map_err(|why| no_place(why, revision))
    }

    /// A place for an environment that calls share.
    pub(super) async fn place_to_share(&self, revision: &Revision, patience: Duration) -> Result<Place> {
        let place = self.admission.admit_environment(revision.function_id, patience).await;
        place.map_err(|why| no_place(why, revision))
    }

    /// Starts an environment; where there is no room, waits for some, or for one to come free, no longer than calls wait for a place.
    pub(super) async fn find_or_start(
        &self,
        revision: &Arc<Revision>,
        request: RequestId,
    ) -> Result<Result<(Box<Environment>, Phases, bool), Done>> {
        let until = Instant::now() + self.config.queue_timeout;
        loop {
            // Before it is looked for room, so that none that comes free meanwhile is missed.
            let mut freed = self.pool.freed();
            let why = match self.start_apart(revision, request).await {
                Ok(started) => return Ok(started.map(|(environment, phases)| (environment, phases, true))),
                Err(Error::Busy(why)) => why,
                Err(err) => return Err(err),
            };
            loop {
                tokio::time::timeout_at(until, freed).await.map_err(|_| Error::Busy(why))?;
                freed = self.pool.freed();
                if let Some(environment) = self.pool.checkout(revision.id, Handle::current().id()) {
                    return Ok(Ok((environment, Phases::default(), false)));
                }
                if self.pool.may_have_room() {
                    break;
                }
            }
        }
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
            match start::start(self, Arc::clone(&revision), request, false).await {
                Ok(started) => return Ok(Ok(started)),
                Err(StartError::NeverBegan) => {}
                Err(StartError::Server(err)) => return Err(err),
                Err(StartError::Fault(failed)) => {
                    let (phases, peak_bytes, cpu) = (failed.phases, failed.peak_bytes, failed.cpu.min(failed.phases.init));
                    let failure = failed.into_failure(request, &revision);
                    let (memory_mb, outcome) = (revision.settings.memory_mb, failure.outcome);
                    let report = Report { phases, cold: true, memory_mb, share: call::WHOLE, peak_bytes, outcome, cpu };
                    self.usage.meter(&revision).ended(&report);
                    let records = call::record_failed_start(&revision, &failure, report);
                    self.logs.buffer(revision.function_id).push(request, records);
                    return Ok(Err(Done { result: Err(failure), phases, cold: true, log: None }));
                }
            }
        }
        Err(workers_end())
    }

    /// Initialises an environment of a revision that is about to become live, where the one before it is in use here: the calls that
    /// move over find it ready. There is none when there is no need, or it takes too long, or fails, of which its first call is told.
    pub(in crate::functions) async fn prepare(&self, revision: &Revision) -> Prepared {
        if !self.pool.is_in_use(revision.function_id) {
            return Prepared(None);
        }
        let started = start::start(self, Arc::new(revision.clone()), RequestId::random(), false);
        match tokio::time::timeout(PREPARE, started).await {
            Ok(Ok((environment, _))) => Prepared(Some(environment)),
            _ => Prepared(None),
        }
    }

    /// Puts a prepared environment to use, once its revision is live.
    pub(in crate::functions) fn use_prepared(&self, prepared: Prepared) {
        if let Prepared(Some(environment)) = prepared {
            self.pool.checkin(environment);
            self.spares.refill();
        }
    }

    /// Begins to keep spare workers.
    pub(in crate::functions) fn warm_up(&self) {
        self.spares.activate();
    }

    /// Says which revision new calls of a function run; idle environments of others end.
    pub(in crate::functions) fn set_live(&self, function: FunctionId, revision: Option<RevisionId>) {
        self.pool.set_live(function, revision);
    }

    /// Says that a version of a function is called, so that its environments are kept.
    pub(in crate::functions) fn keep_version(&self, function: FunctionId, version: RevisionId) {
        self.pool.keep_version(function, version);
    }

    /// Says that a version is gone.
    pub(in crate::functions) fn drop_version(&self, function: FunctionId, version: RevisionId) {
        self.pool.drop_version(function, version);
    }

    /// Which layers of the sandbox hold, as the last worker found them; `None` before there was one.
    pub(in crate::functions) fn sandbox(&self) -> Option<Sandbox> {
        self.spares.sandbox()
    }

    pub(in crate::functions) fn counts(&self) -> Counts {
        let ((environments, idle, provisioned), (spares, processes)) = (self.pool.counts(), self.spares.counts());
        let ((running, waiting), (memory, memory_allowed)) = (self.admission.counts(), self.pool.memory());
        let (evicted, throttled) = (self.pool.evicted(), self.throttled.load(Ordering::Relaxed));
        Counts {
            environments,
            idle,
            provisioned,
            spares,
            processes,
            running,
            waiting,
            memory,
            memory_allowed,
            evicted,
            throttled,
        }
    }

    /// Whether no call is admitted any more.
    pub(in crate::functions) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Whether workers come up as far as is known.
    pub(in crate::functions) fn has_sound_workers(&self) -> bool {
        self.spares.are_sound()
    }

    /// Ends what is idle and admits no call any more; calls under way finish.
    pub(in crate::functions) fn close(&self) {
        self.admission.close();
        self.pool.close();
        self.spares.close();
    }

    /// Environments of a function, and those of them that are idle.
    pub(in crate::functions) fn counts_of(&self, function: FunctionId) -> (usize, usize) {
        self.pool.counts_of(function)
    }

    fn spawn_sweeper(&self) {
        let invoker = self.clone();
        drop(self.tasks.spawn(async move {
            while !invoker.tasks.is_stopping() {
                tokio::select! {
                    () = tokio::time::sleep(SWEEP_EVERY) => invoker.pool.sweep(invoker.config.idle_timeout),
                    () = invoker.tasks.soft_stopped() => break,
                }
                let pool = invoker.pool.clone();
                // Apart, since it reads files.
                if let Err(err) = tokio::task::spawn_blocking(move || pool.measure()).await {
                    tracing::error!(error = %err, "what the workers hold of memory was not measured: {err}");
                }
                invoker.spares.try_again();
                environment::set_gauges(&invoker.counts());
            }
        }));
    }
}

fn no_place(why: NoPlace, revision: &Revision) -> Error {
    match why {
        NoPlace::Reserved => {
            Error::Reserved { function: revision.name.clone(), reserved: revision.reserved_concurrency.unwrap_or_default() }
        }
        NoPlace::Busy => Error::Busy("ConcurrentInvocationLimitExceeded: every place to run is taken (functions.max_running)"),
        NoPlace::Closed => Error::Stopping,
    }
}

fn workers_end() -> Error {
    Error::NoWorker("workers end before they are told what to do".to_owned())
}

/// A call of a revision, without what is called and with what.
fn invocation(revision: &Revision, request: RequestId) -> Invoke {
    Invoke {
        call: 0,
        request_id: request.to_string(),
        timeout_ms: u64::try_from(revision.settings.timeout.as_millis()).unwrap_or(u64::MAX),
        memory_mb: revision.settings.memory_mb,
        invoked_arn: String::new(),
        http: None,
        client_context: None,
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
