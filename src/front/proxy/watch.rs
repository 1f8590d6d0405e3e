//! How long an exchange may wait for whom, until its answer begins.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use super::source::Source;
use crate::config::front::Proxying;

/// Who was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The client, which sent no more of its body.
    Client,
    /// The upstream, which took no more of it.
    Write,
    /// The upstream, which did not begin its answer.
    FirstByte,
    /// The exchange took longer than it may altogether.
    Total,
}

/// A timer that is set only when there is something to wait for, and moved only when it is to ring earlier.
#[derive(Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready when `due` has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let due = tokio::time::Instant::from_std(due);
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if due <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
        Poll::Pending
    }
}

/// Watches over one try.
pub(super) struct Watch<'a> {
    pub(super) how: &'a Proxying,
    pub(super) source: &'a Source,
    /// When all of the exchange is to be over.
    pub(super) deadline: Option<Instant>,
}

impl Watch<'_> {
    /// Ready when somebody was silent for too long.
    pub(super) fn poll(&self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<Expiry> {
        let (due, expiry) = self.next();
        timer.poll(cx, due).map(|()| expiry)
    }

    fn next(&self) -> (Instant, Expiry) {
        let (limit, expiry) = match (self.source.has_ended(), self.source.awaits_client()) {
            (true, _) => (self.how.first_byte(), Expiry::FirstByte),
            (false, true) => (self.how.write_timeout, Expiry::Client),
            (false, false) => (self.how.write_timeout, Expiry::Write),
        };
        let due = self.source.moved_at() + limit;
        match self.deadline {
            Some(deadline) if deadline < due => (deadline, Expiry::Total),
            _ => (due, expiry),
        }
    }
}
