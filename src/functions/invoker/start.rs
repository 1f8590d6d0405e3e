//! A cold start: package, worker, limits, initialisation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call::{Context, Wire, WireError};
use super::channel::{LinkError, Outgoing};
use super::environment::{Environment, Secrets};
use super::runner::{Invoker, TRIES};
use super::tap::Tap;
use super::worker::Worker;
use crate::functions::error::Error;
use crate::functions::fault::{Circumstances, Failure, Fault, Phase};
use crate::functions::logs::{Buffer, What};
use crate::functions::metering::Phases;
use crate::functions::model::{REGION, Revision};
use crate::functions::packages::Built;
use crate::isolate::protocol::{Assign, FromWorker, LogLevel, Pending, ToWorker, Usage, encode};
use crate::secrets::Given;
use crate::sys::process;
use crate::types::{RequestId, RevisionId};

pub(super) const MB: u64 = 1024 * 1024;

/// Private memory a worker may take beyond the function's own, for V8's code and young generation.
const SLACK: u64 = 64 * MB;

/// How long after the worker's own limit the server waits before it ends the worker.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// The longest frame during initialisation: log lines and an error.
pub(super) const SMALL_FRAME: usize = 2 * 1024 * 1024;

/// How a cold start failed.
pub(super) enum StartError {
    /// By the function's own fault.
    Fault(Box<FailedStart>),
    /// By the server's.
    Server(Error),
    /// The worker had ended before it read what it was to become: another may be tried.
    NeverBegan,
}

/// A cold start that the function failed.
pub(super) struct FailedStart {
    pub(super) fault: Fault,
    pub(super) phases: Phases,
    /// The most memory the worker ever held, in bytes.
    pub(super) peak_bytes: u64,
    /// CPU time of the initialisation, as the worker says.
    pub(super) cpu: Duration,
    pub(super) pending: Option<Box<Pending>>,
}

impl FailedStart {
    /// What is told of it.
    pub(super) fn into_failure(self, request: RequestId, revision: &Revision) -> Failure {
        let Self { fault, peak_bytes, pending, .. } = self;
        let memory_mb = revision.settings.memory_mb;
        fault.into_failure(Circumstances { request, memory_mb, phase: Phase::Init, peak_bytes, pending })
    }
}

/// Makes an environment for a revision; `provisioned` when no call waits for it. The package is fetched and a worker taken; then the
/// worker is limited and initialised.
pub(super) async fn start(
    invoker: &Invoker,
    revision: Arc<Revision>,
    request: RequestId,
    provisioned: bool,
) -> Result<(Box<Environment>, Phases), StartError> {
    let mut phases = Phases::default();
    let began = Instant::now();
    let built = invoker.package(&revision).await.map_err(StartError::Server)?;
    let mut variables = invoker.packages.variables(&revision).map_err(StartError::Server)?;
    let log = invoker.logs.buffer(revision.function_id);
    let names = &revision.settings.permissions.secrets;
    let given = invoker.secrets.give(names).await.map_err(|err| StartError::Server(err.into()))?;
    let secrets = (!names.is_empty()).then(|| Secrets { service: invoker.secrets.clone(), changes: given.changes });
    take_in(given, &mut variables, &log, request);
    complete(&mut variables, invoker);
    phases.download = began.elapsed();

    let began = Instant::now();
    let room =
        invoker.pool.make_room(revision.function_id, provisioned).map_err(|lack| StartError::Server(Error::Busy(lack.told())))?;
    let memory = u64::from(revision.settings.memory_mb) * MB;
    let worker = take_limited(invoker, memory).await.map_err(StartError::Server)?;
    phases.environment = began.elapsed();

    let mut environment = Box::new(Environment::new(worker, Arc::clone(&revision), log, invoker.usage.meter(&revision), room));
    environment.provisioned = provisioned;
    environment.secrets = secrets;
    let began = Instant::now();
    environment.log.push(request, [What::InitStart]);
    let mut pending = None;
    let initialised = initialise(invoker, &mut environment, request, &built, variables, &mut pending).await;
    phases.init = began.elapsed();
    let peak_bytes = environment.peak_memory(phases.init);
    environment.meter.started(phases.init);
    match initialised {
        Ok(()) => {
            // A provisioned one counts once it is in the pool, where the next call finds it.
            if !provisioned {
                environment.alive = invoker.pool.count_alive(revision.id);
            }
            Ok((environment, phases))
        }
        Err(None) => Err(StartError::NeverBegan),
        Err(Some(fault)) => {
            let status = if matches!(fault, Fault::TimedOut(_)) { "timeout" } else { "error" };
            environment.log.push(request, [What::InitReport(phases.init, status)]);
            let cpu = environment.init_cpu;
            Err(StartError::Fault(Box::new(FailedStart { fault, phases, peak_bytes, cpu, pending })))
        }
    }
}

/// Takes a worker, and bounds what it may hold beyond what it holds already. A spare that ended in this moment is passed over.
pub(super) async fn take_limited(invoker: &Invoker, bytes: u64) -> Result<Worker, Error> {
    let mut why = String::new();
    for _ in 0..TRIES {
        let worker = invoker.spares.take().await.map_err(Error::NoWorker)?;
        let pid = worker.process().pid;
        match process::memory(pid).and_then(|memory| process::limit_data(pid, memory.data + bytes + SLACK)) {
            Ok(()) => return Ok(worker),
            Err(err) => why = format!("its memory cannot be limited: {err}"),
        }
    }
    Err(Error::NoWorker(why))
}

/// Tells a worker what it is to become, and waits until it is. `Err(None)`: it ended before it read that.
async fn initialise(
    invoker: &Invoker,
    environment: &mut Environment,
    request: RequestId,
    built: &Built,
    variables: BTreeMap<String, String>,
    pending: &mut Option<Box<Pending>>,
) -> Result<(), Option<Fault>> {
    let limit = invoker.config.init_timeout;
    let mut out = Outgoing::new(assignment(invoker, environment, built, variables)?);
    let mut tap = Tap::new(Arc::clone(&environment.log), request, invoker.config.log_limit);
    let context = Context {
        egress: invoker.apart.egress.clone(),
        network: environment.revision.settings.network.clone(),
        permissions: environment.revision.settings.permissions.clone(),
        platform: Arc::clone(&invoker.apart.platform),
        hops: 0,
        limits: invoker.apart.limits,
        tasks: invoker.tasks.clone(),
        log: Arc::clone(&environment.log),
        request,
    };
    let mut wire = Wire::new(Arc::new(context), 0);
    let link = &mut environment.worker.link;
    let conversation = async {
        link.send(&mut out).await?;
        loop {
            match wire.next(link, SMALL_FRAME).await?.0 {
                FromWorker::Initialised(usage) => return Ok((Ok(()), usage)),
                FromWorker::InitFailed { error, usage } => return Ok((Err(Fault::reported(error, limit)), usage)),
                FromWorker::Pending(told) if pending.is_none() => *pending = Some(told),
                FromWorker::Log(logged) => {
                    if !tap.take(logged) {
                        return Ok((Err(Fault::Broken), Usage::default()));
                    }
                }
                _ => return Ok((Err(Fault::Broken), Usage::default())),
            }
        }
    };
    match tokio::time::timeout(limit + GRACE, conversation).await {
        Ok(Ok((outcome, usage))) => {
            environment.init_cpu = Duration::from_micros(usage.cpu_us);
            outcome.map_err(Some)?;
        }
        Ok(Err(WireError::Link(LinkError::Unread))) => return Err(None),
        Ok(Err(WireError::Link(err))) => return Err(Some(fault_of(err, &mut environment.worker).await)),
        Ok(Err(WireError::Broken(_) | WireError::TooLong)) => return Err(Some(Fault::Broken)),
        Err(_) => return Err(Some(Fault::TimedOut(limit))),
    }
    wire.finish(&mut environment.worker.link).await.map_err(|_| Some(Fault::Broken))
}

/// Adds the function's secrets, unless its own variables have those names, and keeps them out of its log.
fn take_in(given: Given, variables: &mut BTreeMap<String, String>, log: &Buffer, request: RequestId) {
    let Given { values, missing, .. } = given;
    log.conceal(values.expose().values().map(String::as_str));
    for (name, value) in values.into_exposed() {
        variables.entry(name).or_insert(value);
    }
    let missing = missing.into_iter().map(|name| {
        let text = format!("the secret {name} of its permissions is not there; write it: PUT /admin/v1/secrets/{name}");
        What::Line(LogLevel::Warn, text)
    });
    log.push(request, missing);
}

/// Adds what tells a function where its server is, unless its own variables say otherwise.
fn complete(variables: &mut BTreeMap<String, String>, invoker: &Invoker) {
    let server = [("SUPABASE_URL", invoker.apart.egress.public_url()), ("SUPABASE_ANON_KEY", &invoker.anon_key)];
    for (name, value) in server {
        variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

fn assignment(
    invoker: &Invoker,
    environment: &Environment,
    built: &Built,
    variables: BTreeMap<String, String>,
) -> Result<Vec<u8>, Fault> {
    let revision = &environment.revision;
    let settings = &revision.settings;
    let assign = Assign {
        function: revision.name.as_str().to_owned(),
        version: revision.version_name(),
        handler: settings.handler.clone(),
        env: with_platform(variables, revision, environment.provisioned),
        heap_limit: usize::try_from(u64::from(settings.memory_mb) * MB).unwrap_or(usize::MAX),
        bundle: built.bundle.clone(),
        init_timeout_ms: u64::try_from(invoker.config.init_timeout.as_millis()).unwrap_or(u64::MAX),
        log_limit: invoker.config.log_limit,
        shared: settings.is_shared(),
    };
    encode(&ToWorker::Assign(Box::new(assign)), &built.body).map_err(|err| {
        tracing::error!("a function cannot be handed to its worker: {err}");
        Fault::Broken
    })
}

/// The function's variables and those that AWS Lambda's runtime sets; the former cannot replace the latter. There are no credentials
/// among them: a function has none of the server's.
fn with_platform(mut variables: BTreeMap<String, String>, revision: &Revision, provisioned: bool) -> BTreeMap<String, String> {
    let (name, version) = (revision.name.as_str(), revision.version_name());
    let initialisation = if provisioned { "provisioned-concurrency" } else { "on-demand" };
    let runtime = revision.declared.runtime.as_deref().unwrap_or("nodejs22.x");
    let day = revision.created_at.to_chrono().format("%Y/%m/%d");
    let stream = format!("{day}/[{version}]{}", RevisionId::random().0.simple());
    let platform = [
        ("_HANDLER", revision.settings.handler.clone().unwrap_or_else(|| "index.handler".to_owned())),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", revision.settings.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialisation.to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_REGION", REGION.to_owned()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    variables.extend(platform.map(|(name, value)| (name.to_owned(), value)));
    variables
}

/// What a failed link means: a worker that closed it has ended, and how is known in a moment; one that broke it is ended here.
pub(super) async fn fault_of(err: LinkError, worker: &mut Worker) -> Fault {
    match err {
        LinkError::Closed | LinkError::Unread => {
            let end = worker.process_mut().end().await;
            Fault::Exited { exit: end.exit, out_of_memory: end.out_of_memory }
        }
        LinkError::Broken(_) | LinkError::Io(_) => {
            worker.process().kill();
            tracing::warn!(pid = worker.process().pid.as_raw_nonzero(), "a function worker was ended: {err}");
            Fault::Broken
        }
    }
}
