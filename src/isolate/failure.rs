//! Failures in AWS Lambda's words.

use std::time::Duration;

use deno_core::error::{CoreError, CoreErrorKind, JsError};

use super::modules::resolve::ROOT;
use super::protocol::FunctionError;

/// The longest message, and the most and longest lines of a trace, that are passed on, in bytes and lines.
const MESSAGE: usize = 64 * 1024;
const TRACE_LINES: usize = 64;
const TRACE_LINE: usize = 4 * 1024;

/// An error with the stack as V8 tells it; frames of the runtime's own are left out, places are `file:line:column`.
pub(super) fn error(error_type: String, message: String, stack: &str) -> FunctionError {
    let lines = stack.lines().filter(|line| !is_internal(line)).take(TRACE_LINES);
    let trace = lines.map(|line| cut(line.replace(ROOT, ""), TRACE_LINE)).collect();
    FunctionError { error_type: cut(error_type, TRACE_LINE), message: cut(message, MESSAGE), trace }
}

/// An error without a stack.
pub(super) fn plain(error_type: &str, message: impl Into<String>) -> FunctionError {
    FunctionError { error_type: error_type.to_owned(), message: message.into(), trace: Vec::new() }
}

fn is_internal(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("at ") && (line.contains("ext:") || line.contains("[native code]"))
}

fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

/// What Lambda says when a process ended by itself.
pub(super) fn exited(status: i32) -> FunctionError {
    if status == 0 {
        return plain("Runtime.ExitError", "Error: Runtime exited without providing a reason");
    }
    plain("Runtime.ExitError", format!("Error: Runtime exited with error: exit status {status}"))
}

/// The handler did not settle in time.
pub(super) fn timed_out(request_id: &str, timeout: Duration) -> FunctionError {
    let message = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64());
    plain("Sandbox.Timedout", message)
}

/// The code outside the handler did not finish in time.
pub(super) fn init_timed_out(timeout: Duration) -> FunctionError {
    plain("Sandbox.Timedout", format!("Init phase timed out after {:.2} seconds", timeout.as_secs_f64()))
}

/// The heap reached its limit.
pub(super) fn out_of_memory(limit: usize) -> FunctionError {
    let megabytes = limit / (1024 * 1024);
    let message =
        format!("the function ran out of memory (its JavaScript heap may hold {megabytes} MB): give it more, or keep less");
    plain("Runtime.OutOfMemory", message)
}

/// Nothing is left that could settle the promise.
pub(super) fn never_settled(what: &str) -> FunctionError {
    let message = format!(
        "{what} never settles: it waits for a promise, and no timer, stream, message or other work is pending that could settle it"
    );
    plain("Runtime.NodeJsExit", message)
}

/// Another call ended the isolate that it shared.
pub(super) fn ended_beside(cause: &FunctionError) -> FunctionError {
    let FunctionError { error_type, message, .. } = cause;
    let message = format!("the environment was ended by another call that ran beside this one: {error_type}: {message}");
    plain("Runtime.EnvironmentEnded", message)
}

/// Whether a failure raises the question what was still pending.
pub(super) fn is_about_pending(error: &FunctionError) -> bool {
    matches!(error.error_type.as_str(), "Sandbox.Timedout" | "Runtime.NodeJsExit")
}

/// What went wrong in the modules, or below the JavaScript of the extension.
pub(super) fn from_core(error: &CoreError) -> FunctionError {
    match &*error.0 {
        CoreErrorKind::Js(error) => from_js(error),
        CoreErrorKind::ModuleEvaluationDeadlock | CoreErrorKind::PendingPromiseResolution => never_settled("the module"),
        _ => plain("Runtime.ImportModuleError", error.to_string()),
    }
}

/// What went wrong before a module could run: it does not parse, or it asks for what is not there.
pub(super) fn from_load(error: &CoreError) -> FunctionError {
    match &*error.0 {
        CoreErrorKind::Js(thrown) if thrown.name.as_deref() == Some("SyntaxError") => {
            let error = from_js(thrown);
            FunctionError { error_type: "Runtime.UserCodeSyntaxError".to_owned(), ..error }
        }
        CoreErrorKind::Js(thrown) => {
            plain("Runtime.ImportModuleError", thrown.message.clone().unwrap_or_else(|| thrown.exception_message.clone()))
        }
        other => plain("Runtime.ImportModuleError", other.to_string()),
    }
}

/// A thrown value, as deno's runtime describes it.
pub(super) fn from_js(thrown: &JsError) -> FunctionError {
    if thrown.exception_message.contains("Top-level await promise never resolved") {
        return never_settled("the top-level await");
    }
    let Some(name) = &thrown.name else {
        let text = thrown.exception_message.trim_start_matches("Uncaught ").trim_start_matches("(in promise) ");
        return plain("string", text);
    };
    error(name.clone(), thrown.message.clone().unwrap_or_default(), thrown.stack.as_deref().unwrap_or_default())
}
