//! What JavaScript may do with streams: write the response, read the request.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{AsyncResult, BufView, OpState, Resource, op2};
use deno_error::JsErrorBox;

use super::ops::pairs;
use crate::isolate::host::{Host, Outcome};
use crate::isolate::streams::Stream;

/// The body of a request or of a response, to be read.
pub(in crate::isolate) struct Incoming {
    host: Rc<Host>,
    stream: Rc<Stream>,
    length: Option<u64>,
}

impl Incoming {
    /// `length` where it is known.
    pub(in crate::isolate) const fn new(host: Rc<Host>, stream: Rc<Stream>, length: Option<u64>) -> Self {
        Self { host, stream, length }
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
            self.host.streams().abort(&self.stream, "it is not read to its end");
        }
    }
}

/// Begins a response whose body is a stream. `headers` as for a whole response.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_start(state: &mut OpState, status: u16, #[string] headers: &str) {
    state.borrow::<Rc<Host>>().start_response(status, pairs(headers));
}

/// Writes a piece of the response's body; `true` when it is sent, otherwise [`op_plinth_stream_flushed`] tells when it is.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_write(state: &mut OpState, #[buffer] bytes: &[u8]) -> bool {
    state.borrow::<Rc<Host>>().response().is_none_or(|stream| stream.write(bytes))
}

/// Waits until all that was written is sent; `false` when nobody wants it.
#[op2]
pub(in crate::isolate) async fn op_plinth_stream_flushed(state: Rc<RefCell<OpState>>) -> bool {
    match response(&state) {
        Some(stream) => stream.flushed().await,
        None => false,
    }
}

/// Waits until nobody wants the response any more.
#[op2]
pub(in crate::isolate) async fn op_plinth_stream_unwanted(state: Rc<RefCell<OpState>>) {
    if let Some(stream) = response(&state) {
        stream.unwanted().await;
    }
}

/// The response is at its end, and with it the call.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_stream_end(state: &mut OpState) {
    let host = state.borrow::<Rc<Host>>();
    if let Some(stream) = host.response() {
        stream.end();
    }
    host.finish(Outcome::Streamed);
}

fn response(state: &Rc<RefCell<OpState>>) -> Option<Rc<Stream>> {
    state.borrow().borrow::<Rc<Host>>().response()
}
