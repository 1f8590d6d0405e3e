//! Why a call failed, and what the caller is told in AWS Lambda's words.

use std::time::Duration;

use crate::isolate::protocol::{FunctionError, MAX_RESPONSE};
use crate::sys::process::Exit;
use crate::types::RequestId;

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
    pub(super) fn into_failure(self, request: RequestId, memory_mb: u32) -> Failure {
        let tell = |error_type: &str, message: String, outcome| Failure {
            error: FunctionError { error_type: error_type.to_owned(), message, trace: Vec::new() },
            outcome,
        };
        match self {
            Self::Function(mut error) => {
                // What the runtime itself says of an exit does not know the call's id.
                if error.error_type == "Runtime.ExitError" && error.message.starts_with("Error: ") {
                    error.message.insert_str(0, &format!("RequestId: {request} "));
                }
                let fatal = error.error_type.starts_with("Runtime.") || error.error_type.starts_with("Sandbox.");
                Failure { error, outcome: if fatal { Outcome::Failure } else { Outcome::Error } }
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
        }
    }
}
