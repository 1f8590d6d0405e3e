//! What the JavaScript of the `plinth` extension may call. User code never holds one of these.

use std::rc::Rc;

use deno_core::{OpState, op2, v8};

use crate::isolate::failure;
use crate::isolate::host::{Call, Host, Outcome, number_of_turn};
use crate::isolate::protocol::LogLevel;

/// The event's result, as JSON.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState, #[string] json: String) {
    if let Some(call) = running(scope, state) {
        call.answer(json.len(), || Outcome::Event(json.into_bytes()));
    }
}

/// The call whose code runs, unless it is over.
pub(super) fn running(scope: &v8::PinScope<'_, '_>, state: &OpState) -> Option<Rc<Call>> {
    state.borrow::<Rc<Host>>().running(scope)
}

/// The number of the call whose code runs, where calls run side by side; 0 where there is one at a time.
#[op2(fast)]
#[number]
pub(in crate::isolate) fn op_plinth_call(scope: &mut v8::PinScope<'_, '_>) -> u64 {
    number_of_turn(scope).unwrap_or_default()
}

/// An HTTP response with text for a body. `headers` holds names and values, each ended by a line feed.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer_http_text(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    status: u16,
    #[string] headers: &str,
    #[string] body: String,
) {
    let headers = pairs(headers);
    if let Some(call) = running(scope, state) {
        call.answer(body.len(), || Outcome::Http(status, headers, body.into_bytes()));
    }
}

/// An HTTP response with bytes for a body; headers as in [`op_plinth_answer_http_text`].
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_answer_http_bytes(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    status: u16,
    #[string] headers: &str,
    #[buffer] body: &[u8],
) {
    let headers = pairs(headers);
    if let Some(call) = running(scope, state) {
        call.answer(body.len(), || Outcome::Http(status, headers, body.to_vec()));
    }
}

/// Names and values, each ended by a line feed.
pub(super) fn pairs(headers: &str) -> Vec<(String, String)> {
    let mut parts = headers.split_terminator('\n').map(str::to_owned);
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}

/// The handler is found; initialisation is over.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_loaded(state: &mut OpState) {
    state.borrow::<Rc<Host>>().current().finish(Outcome::Loaded);
}

/// The call whose code runs failed. A fatal failure stops the script where it is, unless other calls run beside it.
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
    state.borrow::<Rc<Host>>().fail(scope, error, fatal);
}

/// `process.exit`: the environment ends, as it does on Lambda.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_exit(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState, status: i32) {
    state.borrow::<Rc<Host>>().end_all(scope, failure::exited(status & 0xff));
}

/// One promise more was given to `waitUntil` by a call, or one of its is settled.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_waiting(state: &mut OpState, #[number] call: u64, more: bool) {
    state.borrow::<Rc<Host>>().count_waiting(call, more);
}

/// A timer that is pending, asked for by [`super::engine::Engine::pending`].
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_timer(state: &mut OpState, left: i32, repeats: bool) {
    state.borrow::<Rc<Host>>().add_timer(left.into(), repeats);
}

/// A line on the console; levels as deno's console has them: 0 debug, 1 info, 2 warn, 3 error.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_log(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState, level: i32, #[string] text: &str) {
    let level = match level {
        i32::MIN..=-1 => LogLevel::Trace,
        0 => LogLevel::Debug,
        1 => LogLevel::Info,
        2 => LogLevel::Warn,
        3.. => LogLevel::Error,
    };
    state.borrow::<Rc<Host>>().log(scope, level, text.strip_suffix('\n').unwrap_or(text));
}
