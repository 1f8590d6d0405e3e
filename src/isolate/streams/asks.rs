//! Questions to the platform's modules that have no answer yet.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use tokio::sync::oneshot;

use super::{Exit, OVER};
use crate::isolate::protocol::{ASK_WINDOW, Answered, Ask, FromWorker, MAX_ASKING, Question};

/// An answer and its body.
pub(in crate::isolate) type Reply = (Answered, Vec<u8>);

/// The questions of a call.
pub(in crate::isolate) struct Asks {
    call: u64,
    exit: Rc<Exit>,
    /// Whether the call is over.
    closed: Cell<bool>,
    /// The number of the last one that was sent.
    last: Cell<u64>,
    open: RefCell<HashMap<u64, Waiting>>,
    /// Bytes of those that are open.
    bytes: Cell<usize>,
    /// Those that wait until there are fewer of them.
    held_back: RefCell<VecDeque<Held>>,
}

/// One that was sent.
struct Waiting {
    size: usize,
    reply: oneshot::Sender<Reply>,
}

/// One that was not.
struct Held {
    question: Question,
    body: Vec<u8>,
    reply: oneshot::Sender<Reply>,
}

impl Asks {
    pub(super) fn new(call: u64, exit: Rc<Exit>) -> Self {
        let (closed, last, bytes) = (Cell::new(false), Cell::new(0), Cell::new(0));
        Self { call, exit, closed, last, open: RefCell::default(), bytes, held_back: RefCell::default() }
    }

    pub(super) fn is_active(&self) -> bool {
        !self.open.borrow().is_empty()
    }

    /// Asks, at once or when fewer wait for their answer, and waits for it.
    ///
    /// # Errors
    /// That the call ended before, or that the question is too long for a frame.
    pub(in crate::isolate) async fn ask(&self, question: Question, body: Vec<u8>) -> Result<Reply, String> {
        if self.closed.get() {
            return Err(OVER.to_owned());
        }
        let (reply, answer) = oneshot::channel();
        self.held_back.borrow_mut().push_back(Held { question, body, reply });
        self.send_what_may();
        answer.await.map_err(|_| OVER.to_owned())
    }

    fn send_what_may(&self) {
        loop {
            let open = self.open.borrow().len();
            let fits = |held: &Held| open == 0 || (open < MAX_ASKING && self.bytes.get() + held.size() <= ASK_WINDOW);
            if !self.held_back.borrow().front().is_some_and(fits) {
                return;
            }
            let Some(held) = self.held_back.borrow_mut().pop_front() else { return };
            let (number, size) = (self.last.get() + 1, held.size());
            let Held { question, body, reply } = held;
            // One that no frame can hold is dropped, and so is who waits for its answer told.
            if self.exit.push(&FromWorker::Ask(Box::new(Ask { call: self.call, number, question })), &body).is_ok() {
                self.last.set(number);
                self.bytes.set(self.bytes.get() + size);
                self.open.borrow_mut().insert(number, Waiting { size, reply });
            }
        }
    }

    pub(super) fn answered(&self, number: u64, answer: Answered, body: Vec<u8>) {
        let Some(Waiting { size, reply }) = self.open.borrow_mut().remove(&number) else { return };
        self.bytes.set(self.bytes.get().saturating_sub(size));
        // Whoever asked may have gone.
        let _ = reply.send((answer, body));
        self.send_what_may();
    }

    /// The call is over, and with it its questions.
    pub(super) fn close(&self) {
        self.held_back.borrow_mut().clear();
        self.open.borrow_mut().clear();
        self.bytes.set(0);
        self.closed.set(true);
    }
}

impl Held {
    fn size(&self) -> usize {
        self.question.size() + self.body.len()
    }
}
