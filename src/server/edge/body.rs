//! Patience with clients in the middle of a body: one that is silent for too long has gone away, or means harm.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Whether a body was given up.
#[derive(Clone, Default)]
pub(in crate::server) struct GaveUp(Rc<Cell<bool>>);

impl GaveUp {
    pub(in crate::server) fn has_happened(&self) -> bool {
        self.0.get()
    }
}

/// Lets the request's body fail when its client is silent for so long while it is waited for. The bytes that follow an upgrade are no
/// body: they may be silent for as long as both ends like.
pub(in crate::server) fn watch_body(request: &mut ServiceRequest, patience: Duration) -> Option<GaveUp> {
    if request.head().upgrade() {
        return None;
    }
    let payload = match request.take_payload() {
        Payload::None => return None,
        payload => payload,
    };
    let gave_up = GaveUp::default();
    let watched = Watched { payload, patience, wait: None, gave_up: gave_up.clone() };
    request.set_payload(Payload::Stream { payload: Box::pin(watched) });
    Some(gave_up)
}

struct Watched {
    payload: Payload,
    patience: Duration,
    /// Runs from the first time that there was nothing.
    wait: Option<Pin<Box<Sleep>>>,
    gave_up: GaveUp,
}

impl Stream for Watched {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(item) = Pin::new(&mut this.payload).poll_next(cx) {
            this.wait = None;
            return Poll::Ready(item);
        }
        let wait = this.wait.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + this.patience)));
        if wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.gave_up.0.set(true);
        let silence = format!("the client was silent for {:?} in the middle of the body", this.patience);
        Poll::Ready(Some(Err(PayloadError::Io(io::Error::new(io::ErrorKind::TimedOut, silence)))))
    }
}
