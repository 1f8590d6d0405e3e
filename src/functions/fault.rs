//! Why a call failed, and what the caller is told in AWS Lambda's words.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::isolate::protocol::{FunctionError, MAX_RESPONSE, Pending};
use crate::sys::process::Exit;
use crate::types::RequestId;

const MB: u64 = 1024 * 1024;

/// What a worker says when its time is up, and what the server says when the worker does not.
const TIMED_OUT: &str = "Sandbox.Timedout";

/// A call's failure that is the function's own.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The function threw, or the worker found that it misbehaved.
    Function(FunctionError),
    /// The call or the initialisation took longer than it may.
    TimedOut(Duration),
    /// The worker process ended; what it wrote to standard error is in the log.
    Exited { exit: Exit, out_of_memory: bool },
    /// The answer is longer than it may be.
    AnswerTooLarge(usize),
    /// The worker broke the protocol, or its socket failed.
    Broken,
}

/// What the caller is told, and how the call is counted.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: FunctionError,
    pub outcome: Outcome,
    /// What is known beyond AWS Lambda's words.
    pub details: Box<Details>,
}

/// What is known of a failure beyond AWS Lambda's words: which limit was hit, in which phase, and what was still pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FunctionFailureDetails)]
pub struct Details {
    /// `init` (the code outside the handler) or `handler`.
    #[schema(example = "handler")]
    pub phase: &'static str,
    /// The limit that was hit: `timeout`, `memory` or `response_size`; absent when none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "timeout")]
    pub limit: Option<&'static str>,
    /// The limit's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub value: Option<u64>,
    /// What the value counts: `s`, `MB` or `bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "s")]
    pub unit: Option<&'static str>,
    /// The setting that says the limit: a field of the function's configuration, or a `functions.…` of the server's; absent where it is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "timeout_s")]
    pub setting: Option<&'static str>,
    /// The most memory the environment ever held, in MB, when memory is the matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 131)]
    pub peak_mb: Option<u64>,
    /// What was not over, after a time-out and when a promise never settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingDetails>,
}

/// What was not over when a call ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FunctionPending)]
pub struct PendingDetails {
    /// Whether code was running; otherwise it was waiting.
    #[schema(example = false)]
    pub running: bool,
    /// Timers and intervals that had not fired.
    #[schema(example = 1)]
    pub timers: u32,
    /// The soonest of them, at the most 16.
    pub next_timers: Vec<PendingTimer>,
    /// Operations under way, by name.
    #[schema(example = json!({ "fetch_send": 1 }))]
    pub operations: BTreeMap<String, u32>,
    /// Streams and the like that were open, by kind.
    #[schema(example = json!({ "readableStream": 1 }))]
    pub open: BTreeMap<String, u32>,
    /// Promises given to `waitUntil` that were not settled.
    #[schema(example = 0)]
    pub wait_until: u32,
}

/// A timer that had not fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FunctionPendingTimer)]
pub struct PendingTimer {
    /// In how many milliseconds it was to fire.
    #[schema(example = 58_999)]
    pub in_ms: i64,
    /// Whether it was an interval.
    #[schema(example = false)]
    pub repeats: bool,
}

/// Where and how a fault happened.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    pub(super) request: RequestId,
    pub(super) memory_mb: u32,
    pub(super) phase: Phase,
    /// The most memory the worker ever held, in bytes.
    pub(super) peak_bytes: u64,
    /// What the worker says was pending.
    pub(super) pending: Option<Box<Pending>>,
}

/// Which code ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// That outside the handler.
    Init,
    Handler,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// The function threw.
    Error,
    /// Its process ended, or had to be ended.
    Failure,
    Timeout,
}

impl Outcome {
    /// The outcome as it stands in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
        }
    }
}

impl Fault {
    /// What the worker itself reported; its words for a timeout are replaced by the server's.
    pub(super) fn reported(error: FunctionError, allowed: Duration) -> Self {
        if error.error_type == TIMED_OUT { Self::TimedOut(allowed) } else { Self::Function(error) }
    }

    /// The failure as the caller is told.
    pub(super) fn into_failure(self, circumstances: Circumstances) -> Failure {
        let Circumstances { request, memory_mb, .. } = circumstances;
        let details = Box::new(self.details(circumstances));
        let tell = |error_type: &str, message: String, outcome| {
            (FunctionError { error_type: error_type.to_owned(), message, trace: Vec::new() }, outcome)
        };
        let (error, outcome) = match self {
            Self::Function(mut error) => {
                // What the runtime itself says of an exit does not know the call's id.
                if error.error_type == "Runtime.ExitError" && error.message.starts_with("Error: ") {
                    error.message.insert_str(0, &format!("RequestId: {request} "));
                }
                let fatal = error.error_type.starts_with("Runtime.") || error.error_type.starts_with("Sandbox.");
                (error, if fatal { Outcome::Failure } else { Outcome::Error })
            }
            Self::TimedOut(allowed) => {
                let message = format!("RequestId: {request} Error: Task timed out after {:.2} seconds", allowed.as_secs_f64());
                tell(TIMED_OUT, message, Outcome::Timeout)
            }
            Self::Exited { out_of_memory: true, .. } => {
                let message = format!("RequestId: {request} Error: Runtime exited: out of memory (limit {memory_mb} MB)");
                tell("Runtime.OutOfMemory", message, Outcome::Failure)
            }
            Self::Exited { exit: Exit::Code(0), .. } => {
                let message = format!("RequestId: {request} Error: Runtime exited without providing a reason");
                tell("Runtime.ExitError", message, Outcome::Failure)
            }
            Self::Exited { exit, .. } => {
                let message = format!("RequestId: {request} Error: Runtime exited with error: {}", exit.describe());
                tell("Runtime.ExitError", message, Outcome::Failure)
            }
            Self::AnswerTooLarge(size) => {
                let message =
                    format!("Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).");
                tell("Function.ResponseSizeTooLarge", message, Outcome::Error)
            }
            Self::Broken => {
                let message = format!("RequestId: {request} Error: the sandbox stopped answering as it must");
                tell("Sandbox.Failure", message, Outcome::Failure)
            }
        };
        Failure { error, outcome, details }
    }

    fn details(&self, circumstances: Circumstances) -> Details {
        let Circumstances { memory_mb, phase, peak_bytes, pending, .. } = circumstances;
        let plain = Details { phase: phase.as_str(), pending: pending.map(|pending| (*pending).into()), ..Details::default() };
        let limited = |limit, value, unit, setting| Details {
            limit: Some(limit),
            value: Some(value),
            unit: Some(unit),
            setting,
            ..plain.clone()
        };
        match (self, self.kind()) {
            (Self::TimedOut(allowed), _) => {
                let setting = if phase == Phase::Init { "functions.init_timeout" } else { "timeout_s" };
                limited("timeout", allowed.as_secs(), "s", Some(setting))
            }
            (Self::Exited { out_of_memory: true, .. }, _) | (_, "Runtime.OutOfMemory") => {
                Details { peak_mb: Some(peak_bytes.div_ceil(MB)), ..limited("memory", memory_mb.into(), "MB", Some("memory_mb")) }
            }
            (Self::AnswerTooLarge(_), _) | (_, "Function.ResponseSizeTooLarge") => {
                limited("response_size", MAX_RESPONSE as u64, "bytes", None)
            }
            _ => plain,
        }
    }

    /// The error type that the worker itself gave; empty when it gave none.
    fn kind(&self) -> &str {
        if let Self::Function(error) = self { &error.error_type } else { "" }
    }
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Handler => "handler",
        }
    }
}

impl Details {
    /// Nothing more is known than that it happened in the handler.
    pub(super) fn of_handler() -> Box<Self> {
        Box::new(Self { phase: Phase::Handler.as_str(), ..Self::default() })
    }
}

impl From<Pending> for PendingDetails {
    fn from(pending: Pending) -> Self {
        // A worker may say anything; only so much of it is passed on.
        let Pending { running, timers, soonest, operations, open, wait_until, .. } = pending.bounded();
        let next_timers = soonest.into_iter().map(|(in_ms, repeats)| PendingTimer { in_ms, repeats }).collect();
        Self { running, timers, next_timers, operations, open, wait_until }
    }
}

impl Failure {
    /// The failure as a line of the log: the error in AWS Lambda's shape, and `details`.
    pub(super) fn record(&self) -> String {
        #[derive(Serialize)]
        struct Record<'a> {
            #[serde(flatten)]
            error: &'a FunctionError,
            details: &'a Details,
        }
        let record = Record { error: &self.error, details: &self.details };
        serde_json::to_string(&record).unwrap_or_else(|_| self.error.message.clone())
    }
}
