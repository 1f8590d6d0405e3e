//! What JavaScript may do with streams: write the response, read the request.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{AsyncResult, BufView, OpState, Resource, op2, v8};
use deno_error::JsErrorBox;

use super::ops::{pairs, running};
use crate::isolate::host::{Call, Host, Outcome};
use crate::isolate::streams::Stream;

/// The body of a request or of a response, to be read.
pub(in crate::isolate) struct Incoming {
    call: Rc<Call>,
    stream: Rc<Stream>,
    length: Option<u64>,
}

impl Incoming {
    /// `length` where it is known.
    pub(in crate::isolate) const fn new(call: Rc<Call>, stream: Rc<Stream>, length: Option<u64>) -> Self {
        Self { call, stream, length }
    }
}

impl Resource for Incoming {
    fn name(&self) -> Cow<'_, str> {
        "body".into()
    }

    fn read(self: Rc<Self>, limit: usize) -> AsyncResult<BufView> {
        Box::pin(async move {
            let read = self.stream.read(limit).await;
            read.map(BufView::from).map_err(|reason| JsErrorBox::type_error(format!("the body broke off: {reason}")))
        })
    }

    fn size_hint(&self) -> (u64, Option<u64>) {
        (self.length.unwrap_or(0), self.length)
    }

    fn close(self: Rc<Self>) {
        if !self.stream.has_ended() {
            self.call.streams().abort(&self.stream, "it is not read to its end");
        }
    }
}

/// Begins a response whose body is a stream. `headers` as for a whole response.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_start(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    status: u16,
    #[string] headers: &str,
) {
    if let Some(call) = running(scope, state) {
        call.start_response(status, pairs(headers));
    }
}

/// Writes a piece of the response's body; `true` when it is sent, otherwise [`op_plinth_stream_flushed`] tells when it is.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_write(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    #[buffer] bytes: &[u8],
) -> bool {
    let response = running(scope, state).and_then(|call| call.response());
    response.is_none_or(|stream| stream.write(bytes))
}

/// Waits until all that a call wrote is sent; `false` when nobody wants it.
#[op2]
pub(in crate::isolate) async fn op_plinth_stream_flushed(state: Rc<RefCell<OpState>>, #[number] call: u64) -> bool {
    match response(&state, call) {
        Some(stream) => stream.flushed().await,
        None => false,
    }
}

/// Waits until nobody wants the response of a call any more.
#[op2]
pub(in crate::isolate) async fn op_plinth_stream_unwanted(state: Rc<RefCell<OpState>>, #[number] call: u64) {
    if let Some(stream) = response(&state, call) {
        stream.unwanted().await;
    }
}

/// The response is at its end, and with it the call.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_end(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState) {
    let Some(call) = running(scope, state) else { return };
    if let Some(stream) = call.response() {
        stream.end();
    }
    call.finish(Outcome::Streamed);
}

fn response(state: &Rc<RefCell<OpState>>, call: u64) -> Option<Rc<Stream>> {
    state.borrow().borrow::<Rc<Host>>().numbered(call).response()
}
