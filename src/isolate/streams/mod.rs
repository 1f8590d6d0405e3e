//! The worker's side of what goes on beside a call: bodies on their way in and out, outbound requests that wait for their response, and
//! questions to the platform's modules.
//!
//! All of this belongs to a call. When it ends, so do its streams and questions: who still waits on one, or begins one, is told so.

mod asks;
mod stream;
mod table;

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

pub(super) use self::asks::Reply;
pub(super) use self::stream::Stream;
pub(super) use self::table::Streams;
use super::channel::Outbox;
use super::protocol::{FrameError, FromWorker};

/// What is told to who waits on a stream of a call that is over. JavaScript knows it by these words.
pub(super) const OVER: &str = "the call it belonged to has ended";

/// The way out. Operations run in a task of their own, so whoever pushes wakes the task that sends.
pub(super) struct Exit {
    outbox: Outbox,
    sender: RefCell<Option<Waker>>,
}

impl Exit {
    pub(super) fn new(outbox: Outbox) -> Rc<Self> {
        Rc::new(Self { outbox, sender: RefCell::default() })
    }

    fn push(&self, message: &FromWorker, body: &[u8]) -> Result<(), FrameError> {
        let pushed = self.outbox.push(message, body);
        let sender = self.sender.borrow_mut().take();
        sender.into_iter().for_each(Waker::wake);
        pushed
    }
}
