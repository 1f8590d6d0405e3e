//! The event loop and the socket beside it, while there is one call at a time.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use deno_core::error::CoreError;
use deno_error::JsErrorBox;
use tokio::time::Instant;

use super::Environment;
use crate::isolate::channel::{Channel, Frame};
use crate::isolate::failure;
use crate::isolate::protocol::FunctionError;
use crate::isolate::runtime::engine::Engine;

/// Why the event loop was left.
pub(super) enum Stop<T> {
    /// What was waited for is there.
    Ready(T),
    /// The script told its outcome, or ran into a limit.
    Over,
    /// Nothing is left to do.
    Drained,
    /// An error that no script caught, below the extension's own handling.
    Failed(CoreError),
}

impl Environment {
    /// Runs the event loop until `ready`, or until there is a reason to leave it.
    pub(super) async fn run<T>(&mut self, deadline: Instant, mut ready: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Stop<T> {
        let turns = poll_fn(|context| {
            if self.is_over() {
                return Poll::Ready(Stop::Over);
            }
            self.waits = false;
            if let Poll::Ready(value) = ready(context) {
                return Poll::Ready(Stop::Ready(value));
            }
            let turn = self.engine.poll(context);
            if self.is_over() {
                return Poll::Ready(Stop::Over);
            }
            if let Poll::Ready(value) = ready(context) {
                return Poll::Ready(Stop::Ready(value));
            }
            self.waits = true;
            if !self.engine.host.current().streams().is_active() {
                self.channel.outbox().flush_what_goes();
            } else if poll_streams(&self.engine, &mut self.channel, context).is_ready() {
                let lost = JsErrorBox::generic("the server is gone, or said what it must not say now");
                return Poll::Ready(Stop::Failed(lost.into()));
            }
            match turn {
                Poll::Ready(Ok(())) => Poll::Ready(Stop::Drained),
                Poll::Ready(Err(error)) => Poll::Ready(Stop::Failed(error)),
                Poll::Pending => Poll::Pending,
            }
        });
        // A script that runs is ended by the watchdog; one that waits, by this timer.
        if let Ok(stop) = tokio::time::timeout_at(deadline, turns).await {
            return stop;
        }
        self.watchdog.mark_fired();
        Stop::Over
    }

    pub(super) fn is_over(&self) -> bool {
        self.engine.host.current().has_outcome() || self.watchdog.has_fired() || self.engine.heap.is_exhausted()
    }

    /// Stops the clock and tells which limit ended the script, if one did.
    pub(super) fn limit_reached(&self, timed_out: impl FnOnce() -> FunctionError) -> Option<FunctionError> {
        let late = self.watchdog.disarm();
        if self.engine.heap.is_exhausted() {
            return Some(failure::out_of_memory(self.engine.heap.limit()));
        }
        late.then(timed_out)
    }
}

/// Takes what the server says of streams, and sends what is to be sent. Ready with a frame that is about something else, or when the
/// server hung up.
pub(super) fn poll_streams(engine: &Engine, channel: &mut Channel, context: &mut Context<'_>) -> Poll<io::Result<Option<Frame>>> {
    let call = engine.host.current();
    let streams = call.streams();
    while let Poll::Ready(received) = channel.poll_receive(context) {
        let Some(frame) = received? else { return Poll::Ready(Ok(None)) };
        if let Some(frame) = streams.take(frame) {
            return Poll::Ready(Ok(Some(frame)));
        }
    }
    streams.poll(context);
    channel.poll_flush(context);
    Poll::Pending
}
