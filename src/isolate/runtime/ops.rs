//! What the JavaScript of the `plinth` extension may call. User code never holds one of these.

use std::rc::Rc;

use deno_core::{OpState, op2, v8};

use crate::isolate::failure;
use crate::isolate::host::{Host, Outcome};
use crate::isolate::protocol::LogLevel;

/// The event's result, as JSON.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer(state: &mut OpState, #[string] json: String) {
    state.borrow::<Rc<Host>>().answer(json.len(), || Outcome::Event(json.into_bytes()));
}

/// An HTTP response with text for a body. `headers` holds names and values, each ended by a line feed.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer_http_text(
    state: &mut OpState,
    status: u16,
    #[string] headers: &str,
    #[string] body: String,
) {
    let headers = pairs(headers);
    state.borrow::<Rc<Host>>().answer(body.len(), || Outcome::Http(status, headers, body.into_bytes()));
}

/// An HTTP response with bytes for a body; headers as in [`op_plinth_answer_http_text`].
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer_http_bytes(
    state: &mut OpState,
    status: u16,
    #[string] headers: &str,
    #[buffer] body: &[u8],
) {
    let headers = pairs(headers);
    state.borrow::<Rc<Host>>().answer(body.len(), || Outcome::Http(status, headers, body.to_vec()));
}

/// Names and values, each ended by a line feed.
pub(super) fn pairs(headers: &str) -> Vec<(String, String)> {
    let mut parts = headers.split_terminator('\n').map(str::to_owned);
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}

/// The handler is found; initialisation is over.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_loaded(state: &mut OpState) {
    state.borrow::<Rc<Host>>().finish(Outcome::Loaded);
}

/// The call failed. A fatal failure stops the script where it is.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_fail(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    fatal: bool,
    #[string] error_type: String,
    #[string] message: String,
    #[string] stack: &str,
) {
    let error = failure::error(error_type, message, stack);
    state.borrow::<Rc<Host>>().finish(Outcome::Failed { error, fatal });
    if fatal {
        scope.terminate_execution();
    }
}

/// `process.exit`: the environment ends, as it does on Lambda.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_exit(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState, status: i32) {
    let error = failure::exited(status & 0xff);
    state.borrow::<Rc<Host>>().finish(Outcome::Failed { error, fatal: true });
    scope.terminate_execution();
}

/// How many promises that `waitUntil` was given are not settled.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_waiting(state: &mut OpState, promises: u32) {
    state.borrow::<Rc<Host>>().set_waiting(promises);
}

/// A timer that is pending, asked for by [`super::engine::Engine::pending`].
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_timer(state: &mut OpState, left: i32, repeats: bool) {
    state.borrow::<Rc<Host>>().add_timer(left.into(), repeats);
}

/// A line on the console; levels as deno's console has them: 0 debug, 1 info, 2 warn, 3 error.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_log(state: &mut OpState, level: i32, #[string] text: &str) {
    let level = match level {
        i32::MIN..=-1 => LogLevel::Trace,
        0 => LogLevel::Debug,
        1 => LogLevel::Info,
        2 => LogLevel::Warn,
        3.. => LogLevel::Error,
    };
    state.borrow::<Rc<Host>>().log(level, text.strip_suffix('\n').unwrap_or(text));
}
