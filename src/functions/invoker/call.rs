//! One call in one environment, from the frame out to the frame back.
//!
//! The call runs on the runtime of whoever makes it. All its progress is in [`Running`], so when the caller goes away in the
//! middle (a client that hangs up), the call is not broken off: it moves to the core runtime and runs to its end there, since a
//! function that was started is finished, as AWS Lambda does it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::admit::Place;
use super::channel::{LinkError, Outgoing};
use super::environment::Environment;
use super::pool::Pool;
use super::start::{GRACE, MB, fault_of};
use super::tap::Tap;
use crate::functions::fault::{Circumstances, Failure, Fault, Outcome, Phase};
use crate::functions::logs::What;
use crate::functions::metering::{Phases, Report};
use crate::functions::model::Revision;
use crate::isolate::protocol::{FromWorker, HttpResponse, MAX_RESPONSE, Pending};
use crate::tasks::Tasks;
use crate::types::RequestId;

/// The longest frame of a call: an answer's body, and its head.
const FRAME: usize = MAX_RESPONSE + 512 * 1024;

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
    pub body: Bytes,
}

/// A call that has its environment.
pub(super) struct Running {
    pub(super) environment: Box<Environment>,
    pub(super) request: RequestId,
    pub(super) phases: Phases,
    pub(super) cold: bool,
    out: Outgoing,
    call: u64,
    /// Whether the whole frame has left.
    sent: bool,
    began: Instant,
    tap: Tap,
    /// What the worker says is pending, in case it fails now.
    pending: Option<Box<Pending>>,
    /// What the worker says its heap held when it failed, in bytes.
    heap_bytes: u64,
    // Given back after the environment is, so that whoever gets the place finds the environment.
    _place: Place,
    pool: Pool,
}

/// How the worker left the call.
pub(super) enum Verdict {
    Answered(Reply),
    /// The handler failed; the environment lives on.
    Failed(Fault),
    /// The environment must not be used again.
    Ended(Fault),
    /// The worker had ended before it read the call: another may be tried.
    NeverBegan,
}

/// What a call needs beside its environment.
pub(super) struct Start {
    pub(super) request: RequestId,
    pub(super) phases: Phases,
    pub(super) cold: bool,
    pub(super) place: Place,
    pub(super) pool: Pool,
    pub(super) log_limit: usize,
    /// Whether the end of the log is to be kept for the answer.
    pub(super) wants_log: bool,
}

impl Running {
    /// A call that begins now: its frame says that it is the environment's `call`-th.
    pub(super) fn new(environment: Box<Environment>, frame: Vec<u8>, start: Start) -> Box<Self> {
        let Start { request, phases, cold, place, pool, log_limit, wants_log } = start;
        let tap = Tap::new(Arc::clone(&environment.log), request, log_limit);
        let (call, tap) = (environment.calls, if wants_log { tap.with_excerpt() } else { tap });
        let (out, began) = (Outgoing::new(frame), Instant::now());
        Box::new(Self {
            environment,
            request,
            phases,
            cold,
            out,
            call,
            sent: false,
            began,
            tap,
            pending: None,
            heap_bytes: 0,
            _place: place,
            pool,
        })
    }

    /// Runs the call to its end; goes on where it stopped when it was dropped in between.
    async fn drive(&mut self) -> Verdict {
        let allowed = self.allowed();
        let deadline = self.began + allowed + GRACE;
        match tokio::time::timeout_at(deadline, self.converse(allowed)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(LinkError::Closed)) if !self.sent => Verdict::NeverBegan,
            Ok(Err(LinkError::Unread)) => Verdict::NeverBegan,
            Ok(Err(err)) => Verdict::Ended(fault_of(err, &mut self.environment.worker).await),
            Err(_) => Verdict::Ended(Fault::TimedOut(allowed)),
        }
    }

    async fn converse(&mut self, allowed: Duration) -> Result<Verdict, LinkError> {
        let link = &mut self.environment.worker.link;
        if !self.sent {
            link.send(&mut self.out).await?;
            self.sent = true;
            self.tap.push([What::Start(self.environment.revision.version)]);
        }
        loop {
            let (message, body) = link.receive(FRAME).await?;
            match message {
                FromWorker::Answer(answer) if answer.call == self.call => {
                    if body.len() > MAX_RESPONSE {
                        return Ok(Verdict::Ended(Fault::AnswerTooLarge(body.len())));
                    }
                    return Ok(Verdict::Answered(Reply { http: answer.http, body }));
                }
                FromWorker::Failed { call, error, fatal, usage } if call == self.call => {
                    self.heap_bytes = usage.heap_bytes;
                    let fault = Fault::reported(error, allowed);
                    let is_over = fatal || matches!(fault, Fault::TimedOut(_));
                    return Ok(if is_over { Verdict::Ended(fault) } else { Verdict::Failed(fault) });
                }
                FromWorker::Pending(pending) if self.pending.is_none() => self.pending = Some(pending),
                FromWorker::Log(logged) => {
                    if !self.tap.take(logged) {
                        return Ok(Verdict::Ended(Fault::Broken));
                    }
                }
                _ => return Ok(Verdict::Ended(Fault::Broken)),
            }
        }
    }

    fn allowed(&self) -> Duration {
        self.environment.revision.settings.timeout
    }

    /// Writes the call's records, and gives the environment back or ends it.
    fn finish(mut self: Box<Self>, verdict: Verdict) -> Done {
        self.phases.handler = self.began.elapsed();
        let Self { mut environment, request, phases, cold, pool, pending, heap_bytes, _place, mut tap, .. } = *self;
        let (result, reusable) = match verdict {
            Verdict::Answered(reply) => (Ok(reply), true),
            Verdict::Failed(fault) => (Err(fault), true),
            Verdict::Ended(fault) => (Err(fault), false),
            Verdict::NeverBegan => (Err(Fault::Broken), false),
        };
        let peak_bytes = environment.peak_memory(phases.handler);
        let memory_mb = environment.revision.settings.memory_mb;
        // A worker that ended can be asked no more; what it said itself is taken as far as it can be true.
        let failed_at = peak_bytes.max(heap_bytes.min(2 * u64::from(memory_mb) * MB));
        let circumstances = Circumstances { request, memory_mb, phase: Phase::Handler, peak_bytes: failed_at, pending };
        let result = result.map_err(|fault| fault.into_failure(circumstances));
        let outcome = result.as_ref().map_or_else(|failure| failure.outcome, |_| Outcome::Success);
        environment.meters.record(outcome, phases.handler);
        let report = What::Report(Box::new(Report { phases, cold, memory_mb, peak_bytes, outcome }));
        match &result {
            Ok(_) => tap.push([What::End, report]),
            Err(failure) => tap.push([What::Failed(failure.record()), What::End, report]),
        }
        if reusable {
            pool.checkin(environment);
        }
        Done { result, phases, cold, log: tap.into_excerpt() }
    }
}

/// Runs a call to its end, even when the future this returns is dropped before. `None`: its worker had ended before it read the
/// call, so another may run it.
pub(super) async fn run(call: Box<Running>, tasks: &Tasks) -> Option<Done> {
    let mut guard = Detached { call: Some(call), tasks };
    let verdict = match &mut guard.call {
        Some(call) => call.drive().await,
        None => Verdict::NeverBegan,
    };
    let call = guard.call.take()?;
    if matches!(verdict, Verdict::NeverBegan) { None } else { Some(call.finish(verdict)) }
}

/// Moves a call whose caller went away to the core runtime.
struct Detached<'a> {
    call: Option<Box<Running>>,
    tasks: &'a Tasks,
}

impl Drop for Detached<'_> {
    fn drop(&mut self) {
        if let Some(mut call) = self.call.take() {
            drop(self.tasks.spawn(async move {
                let verdict = call.drive().await;
                call.finish(verdict);
            }));
        }
    }
}

/// The records of a call that failed before its handler ran.
pub(super) fn record_failed_start(revision: &Revision, failure: &Failure, phases: Phases, peak_bytes: u64) -> [What; 4] {
    let report = Report { phases, cold: true, memory_mb: revision.settings.memory_mb, peak_bytes, outcome: failure.outcome };
    [What::Start(revision.version), What::Failed(failure.record()), What::End, What::Report(Box::new(report))]
}
