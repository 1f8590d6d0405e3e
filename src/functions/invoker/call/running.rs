//! A call as a frame out and a frame back.
//!
//! The call runs on the runtime of whoever makes it. All its progress is in [`Running`], so when the caller goes away in the
//! middle (a client that hangs up), the call is not broken off: it moves to the core runtime and runs to its end there, since a
//! function that was started is finished, as AWS Lambda does it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::body::{Download, Upload};
use super::session::{self, Beginning};
use super::way::Way;
use super::wire::{Context, Limits};
use crate::functions::egress::{Egress, Platform};
use crate::functions::fault::{Circumstances, Failure, Fault, Outcome, Phase};
use crate::functions::invoker::admit::Place;
use crate::functions::invoker::channel::{LinkError, Outgoing};
use crate::functions::invoker::pool::Pool;
use crate::functions::invoker::start::{GRACE, MB};
use crate::functions::invoker::tap::Tap;
use crate::functions::logs::What;
use crate::functions::metering::{Phases, Report};
use crate::functions::model::Revision;
use crate::isolate::protocol::{FromWorker, FunctionError, HttpResponse, MAX_RESPONSE, Pending, Usage};
use crate::tasks::Tasks;
use crate::types::RequestId;

/// The longest frame of a call: an answer's body, and its head.
pub(super) const FRAME: usize = MAX_RESPONSE + 512 * 1024;

/// A call that was made, and how it ended.
#[derive(Debug)]
pub struct Done {
    pub result: Result<Reply, Failure>,
    pub phases: Phases,
    /// Whether an environment was started for it.
    pub cold: bool,
    /// The end of the call's log, when it was asked for and the call began.
    pub log: Option<String>,
}

/// What a handler answered.
#[derive(Debug)]
pub struct Reply {
    /// The head, when the call was an HTTP request.
    pub http: Option<HttpResponse>,
    pub body: Body,
}

/// The content of an answer.
#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// It comes as the function writes it. The call goes on until its end.
    Streamed(Download),
}

/// A call that has its environment.
pub(in crate::functions::invoker) struct Running {
    pub(super) way: Way,
    request: RequestId,
    phases: Phases,
    cold: bool,
    out: Outgoing,
    /// Its number on the worker's socket.
    pub(super) number: u64,
    /// Whether the whole frame has left.
    sent: bool,
    pub(super) began: Instant,
    pub(super) tap: Tap,
    /// What the worker says is pending, in case it fails now.
    pub(super) pending: Option<Box<Pending>>,
    /// What the worker says the handler cost.
    pub(super) usage: Usage,
    // Given back after the environment is, so that whoever gets the place finds the environment.
    place: Place,
    pool: Pool,
    hops: u8,
    /// Whether the answer may be a stream.
    pub(super) may_stream: bool,
    apart: Apart,
}

/// What a call needs that goes on apart from its caller. Cheap to clone.
#[derive(Clone)]
pub(in crate::functions::invoker) struct Apart {
    pub(in crate::functions::invoker) tasks: Tasks,
    pub(in crate::functions::invoker) egress: Egress,
    pub(in crate::functions::invoker) platform: Arc<dyn Platform>,
    pub(in crate::functions::invoker) limits: Limits,
}

/// How the worker left the call.
pub(super) enum Verdict {
    /// `waiting`: promises go on.
    Answered { reply: Reply, waiting: bool },
    /// The handler failed; the environment lives on.
    Failed(Fault),
    /// The environment must not be used again.
    Ended(Fault),
    /// The worker had ended before it read the call: another may be tried.
    NeverBegan,
}

/// What a call has come to as frames go to and fro.
enum Progress {
    Over(Verdict),
    /// The worker said something that a session must take.
    Wider(FromWorker, Bytes),
}

impl Verdict {
    /// What the worker itself said of a failure.
    pub(in crate::functions::invoker) fn failed(error: FunctionError, fatal: bool, allowed: Duration) -> Self {
        let fault = Fault::reported(error, allowed);
        let is_over = fatal || matches!(fault, Fault::TimedOut(_));
        if is_over { Self::Ended(fault) } else { Self::Failed(fault) }
    }

    /// Whether the environment may take another call.
    pub(super) const fn is_reusable(&self) -> bool {
        matches!(self, Self::Answered { .. } | Self::Failed(_))
    }

    /// Whether promises go on in it.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self, Self::Answered { waiting: true, .. })
    }
}

/// What a call needs beside its environment.
pub(in crate::functions::invoker) struct Start {
    pub(in crate::functions::invoker) request: RequestId,
    pub(in crate::functions::invoker) phases: Phases,
    pub(in crate::functions::invoker) cold: bool,
    pub(in crate::functions::invoker) place: Place,
    pub(in crate::functions::invoker) pool: Pool,
    pub(in crate::functions::invoker) log_limit: usize,
    /// Whether the end of the log is to be kept for the answer.
    pub(in crate::functions::invoker) wants_log: bool,
    pub(in crate::functions::invoker) hops: u8,
    pub(in crate::functions::invoker) may_stream: bool,
    pub(in crate::functions::invoker) apart: Apart,
}

impl Running {
    /// A call that begins now; its frame has the number that its way says.
    pub(in crate::functions::invoker) fn new(way: Way, frame: Vec<u8>, start: Start) -> Box<Self> {
        let Start { request, phases, cold, place, pool, log_limit, wants_log, hops, may_stream, apart } = start;
        let tap = Tap::new(Arc::clone(way.log()), request, log_limit);
        let (number, tap) = (way.number(), if wants_log { tap.with_excerpt() } else { tap });
        let (out, began) = (Outgoing::new(frame), Instant::now());
        Box::new(Self {
            way,
            request,
            phases,
            cold,
            out,
            number,
            sent: false,
            began,
            tap,
            pending: None,
            usage: Usage::default(),
            place,
            pool,
            hops,
            may_stream,
            apart,
        })
    }

    /// What its streams need.
    pub(super) fn context(&self) -> Context {
        let Apart { tasks, egress, platform, limits } = self.apart.clone();
        let settings = &self.way.revision().settings;
        Context {
            egress,
            network: settings.network.clone(),
            permissions: settings.permissions.clone(),
            platform,
            hops: self.hops,
            limits,
            tasks,
            log: Arc::clone(self.way.log()),
            request: self.request,
        }
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.apart.limits
    }

    pub(super) fn allowed(&self) -> Duration {
        self.way.revision().settings.timeout
    }

    /// Runs the call to its end, or to where it needs a session; goes on where it stopped when it was dropped in between.
    async fn drive(&mut self) -> Progress {
        let allowed = self.allowed();
        let deadline = self.began + allowed + GRACE;
        Progress::Over(match tokio::time::timeout_at(deadline, self.converse(allowed)).await {
            Ok(Ok(progress)) => return progress,
            Ok(Err(LinkError::Closed)) if !self.sent => Verdict::NeverBegan,
            Ok(Err(LinkError::Unread)) => Verdict::NeverBegan,
            Ok(Err(err)) => Verdict::Ended(self.way.fault(err).await),
            Err(_) => Verdict::Ended(Fault::TimedOut(allowed)),
        })
    }

    /// Sends the call to the worker, if that is not done.
    pub(super) async fn send(&mut self) -> Result<(), LinkError> {
        if !self.sent {
            self.way.send(&mut self.out).await?;
            self.sent = true;
            let version = self.way.revision().version;
            self.tap.push([What::Start(version)]);
        }
        Ok(())
    }

    async fn converse(&mut self, allowed: Duration) -> Result<Progress, LinkError> {
        self.send().await?;
        loop {
            let (message, body) = self.way.receive(FRAME).await?;
            let verdict = match message {
                FromWorker::Answer(answer) if answer.call == self.number => {
                    self.usage = answer.usage;
                    if body.len() > MAX_RESPONSE {
                        Verdict::Ended(Fault::AnswerTooLarge(body.len()))
                    } else {
                        let reply = Reply { http: answer.http, body: Body::Whole(body) };
                        Verdict::Answered { reply, waiting: answer.waiting }
                    }
                }
                FromWorker::Failed { call, error, fatal, usage } if call == self.number => {
                    self.usage = usage;
                    Verdict::failed(error, fatal, allowed)
                }
                FromWorker::Pending(pending) if self.pending.is_none() => {
                    self.pending = Some(pending);
                    continue;
                }
                FromWorker::Log(logged) => {
                    if self.tap.take(logged) {
                        continue;
                    }
                    Verdict::Ended(Fault::Broken)
                }
                FromWorker::Fetch(_) | FromWorker::Ask(_) | FromWorker::Started(_) => return Ok(Progress::Wider(message, body)),
                _ => Verdict::Ended(Fault::Broken),
            };
            return Ok(Progress::Over(verdict));
        }
    }

    /// What the caller is told when a streamed answer begins.
    pub(super) fn begun(&self, reply: Reply) -> Done {
        let phases = Phases { handler: self.began.elapsed(), ..self.phases };
        Done { result: Ok(reply), phases, cold: self.cold, log: None }
    }

    /// Writes the call's records.
    pub(super) fn finish(&mut self, verdict: Verdict) -> Done {
        self.phases.handler = self.began.elapsed();
        let Self { way, request, phases, cold, pending, usage, tap, .. } = self;
        let result = match verdict {
            Verdict::Answered { reply, .. } => Ok(reply),
            Verdict::Failed(fault) | Verdict::Ended(fault) => Err(fault),
            Verdict::NeverBegan => Err(Fault::Broken),
        };
        let peak_bytes = way.peak_memory(phases.handler);
        let memory_mb = way.revision().settings.memory_mb;
        // A worker that ended can be asked no more; what it said itself is taken as far as it can be true.
        let failed_at = peak_bytes.max(usage.heap_bytes.min(2 * u64::from(memory_mb) * MB));
        let pending = pending.take();
        let circumstances = Circumstances { request: *request, memory_mb, phase: Phase::Handler, peak_bytes: failed_at, pending };
        let result = result.map_err(|fault| fault.into_failure(circumstances));
        let outcome = result.as_ref().map_or_else(|failure| failure.outcome, |_| Outcome::Success);
        // No thread uses more CPU time than there was.
        let init_cpu = if *cold { way.init_cpu().min(phases.init) } else { Duration::ZERO };
        let cpu = Duration::from_micros(usage.cpu_us).min(phases.handler) + init_cpu;
        let report = Report { phases: *phases, cold: *cold, memory_mb, share: way.share(), peak_bytes, outcome, cpu };
        way.meter().ended(&report);
        let report = What::Report(Box::new(report));
        match &result {
            Ok(_) => tap.push([What::End, report]),
            Err(failure) => tap.push([What::Failed(failure.record()), What::End, report]),
        }
        Done { result, phases: *phases, cold: *cold, log: tap.take_excerpt() }
    }

    /// Gives the environment to the next call.
    pub(super) fn give_back(self: Box<Self>) {
        let Self { way, pool, place, .. } = *self;
        way.give_back(&pool);
        drop(place);
    }

    /// Ends a call whose verdict is there.
    fn conclude(mut self: Box<Self>, verdict: Verdict) -> Done {
        let (reusable, waiting) = (verdict.is_reusable(), verdict.is_waiting());
        let done = self.finish(verdict);
        if waiting {
            let tasks = self.apart.tasks.clone();
            drop(tasks.spawn(session::linger(self)));
        } else if reusable {
            self.give_back();
        }
        done
    }
}

/// Runs a call to its end, even when the future this returns is dropped before; of a streamed answer to its head. `None`: its worker
/// had ended before it read the call, so another may run it.
pub(in crate::functions::invoker) async fn run(call: Box<Running>) -> Option<Done> {
    let mut guard = Detached(Some(call));
    let progress = match &mut guard.0 {
        Some(call) => call.drive().await,
        None => Progress::Over(Verdict::NeverBegan),
    };
    let call = guard.0.take()?;
    match progress {
        Progress::Over(Verdict::NeverBegan) => None,
        Progress::Over(verdict) => Some(call.conclude(verdict)),
        Progress::Wider(message, body) => apart(call, Beginning { frame: Some((message, body)), upload: None }).await,
    }
}

/// Runs a call whose request is streamed.
pub(in crate::functions::invoker) async fn run_streamed(call: Box<Running>, upload: Upload) -> Option<Done> {
    apart(call, Beginning { frame: None, upload: Some(upload) }).await
}

/// Runs a call in a session on the core runtime. `None` when the server ends meanwhile.
async fn apart(call: Box<Running>, beginning: Beginning) -> Option<Done> {
    let (caller, done) = oneshot::channel();
    let tasks = call.apart.tasks.clone();
    drop(tasks.spawn(session::run(call, beginning, Some(caller))));
    done.await.ok()
}

/// Moves a call whose caller went away to the core runtime.
struct Detached(Option<Box<Running>>);

impl Drop for Detached {
    fn drop(&mut self) {
        if let Some(mut call) = self.0.take() {
            let tasks = call.apart.tasks.clone();
            drop(tasks.spawn(async move {
                match call.drive().await {
                    Progress::Over(verdict) => drop(call.conclude(verdict)),
                    Progress::Wider(message, body) => {
                        let beginning = Beginning { frame: Some((message, body)), upload: None };
                        session::run(call, beginning, None).await;
                    }
                }
            }));
        }
    }
}

/// The records of a call that failed before its handler ran.
pub(in crate::functions::invoker) fn record_failed_start(revision: &Revision, failure: &Failure, report: Report) -> [What; 4] {
    [What::Start(revision.version), What::Failed(failure.record()), What::End, What::Report(Box::new(report))]
}
