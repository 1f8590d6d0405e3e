//! One stream: what has come and is not read, what is written and not sent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use super::Exit;
use crate::isolate::protocol::{CHUNK, FetchHead, FromWorker, WINDOW};

/// Consumed bytes are credited once they are so many.
const CREDIT_AT: usize = WINDOW / 2;

/// One stream, in whichever directions it has.
pub(in crate::isolate) struct Stream {
    number: u64,
    exit: Rc<Exit>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    head: Option<Result<FetchHead, String>>,
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk was read.
    read: usize,
    /// Bytes read and not yet credited.
    uncredited: usize,
    /// Nothing more comes: an end, or why not.
    ended: Option<Result<(), String>>,
    reader: Option<Waker>,
    /// Bytes that may be sent.
    credit: usize,
    unsent: Vec<u8>,
    /// The end is to follow what is unsent.
    ending: bool,
    /// Nothing more goes out.
    shut: bool,
    writer: Option<Waker>,
}

impl Stream {
    /// A stream on which so many bytes may be sent.
    pub(super) fn new(number: u64, exit: Rc<Exit>, credit: usize) -> Self {
        Self { number, exit, state: RefCell::new(State { credit, ..State::default() }) }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    fn wake(&self) {
        let mut state = self.state.borrow_mut();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn arrived(&self, chunk: Vec<u8>, end: bool) {
        let mut state = self.state.borrow_mut();
        if state.ended.is_none() {
            if !chunk.is_empty() {
                state.chunks.push_back(chunk);
            }
            if end {
                state.ended = Some(Ok(()));
            }
        }
        drop(state);
        self.wake();
    }

    /// The head of the response is there.
    pub(super) fn has_begun(&self, head: FetchHead) {
        let ended = head.ended;
        self.state.borrow_mut().head = Some(Ok(head));
        self.arrived(Vec::new(), ended);
    }

    /// It broke off on the server's side: what has come may still be read.
    pub(super) fn aborted(&self, reason: &str) {
        let mut state = self.state.borrow_mut();
        state.ended.get_or_insert_with(|| Err(reason.to_owned()));
        state.shut = true;
        state.unsent = Vec::new();
        drop(state);
        self.wake();
    }

    /// There is nothing to be had from it.
    pub(super) fn fail(&self, reason: &str) {
        let mut state = self.state.borrow_mut();
        state.head.get_or_insert_with(|| Err(reason.to_owned()));
        drop(state);
        self.aborted(reason);
    }

    pub(super) fn credited(&self, bytes: usize) {
        let mut state = self.state.borrow_mut();
        state.credit = state.credit.saturating_add(bytes);
        self.flush(&mut state);
        drop(state);
        self.wake();
    }

    pub(super) const fn is_fetch(&self) -> bool {
        self.number % 2 == 1
    }

    /// Whether nothing more comes or goes. With the response to a request the request is over, too.
    pub(super) fn is_done(&self) -> bool {
        let state = self.state.borrow();
        state.ended.is_some() || (state.shut && !self.is_fetch())
    }

    /// Sends no more.
    pub(super) fn shut(&self) {
        let mut state = self.state.borrow_mut();
        state.shut = true;
        state.unsent = Vec::new();
        drop(state);
        self.wake();
    }

    fn flush(&self, state: &mut State) {
        if state.shut {
            return;
        }
        let mut sent = 0;
        while sent < state.unsent.len() && state.credit > 0 {
            let size = (state.unsent.len() - sent).min(CHUNK).min(state.credit);
            let end = state.ending && sent + size == state.unsent.len();
            self.push(&FromWorker::Chunk { stream: self.number, end }, &state.unsent[sent..sent + size]);
            (sent, state.credit, state.shut) = (sent + size, state.credit - size, end);
        }
        state.unsent.drain(..sent);
        if state.unsent.is_empty() {
            state.unsent.shrink_to(CHUNK);
            if state.ending && !state.shut {
                self.push(&FromWorker::Chunk { stream: self.number, end: true }, &[]);
                state.shut = true;
            }
        }
    }

    pub(super) fn push(&self, message: &FromWorker, body: &[u8]) {
        // A chunk is far below a frame's limit.
        let _ = self.exit.push(message, body);
    }

    /// Puts bytes behind those that wait; `true` when all are sent.
    pub(in crate::isolate) fn write(&self, bytes: &[u8]) -> bool {
        let mut state = self.state.borrow_mut();
        if !state.shut {
            state.unsent.extend_from_slice(bytes);
            self.flush(&mut state);
        }
        state.unsent.is_empty()
    }

    /// Nothing follows what was written.
    pub(in crate::isolate) fn end(&self) {
        let mut state = self.state.borrow_mut();
        state.ending = true;
        self.flush(&mut state);
    }

    /// Waits until all that was written is sent; `false` when nobody wants it.
    pub(in crate::isolate) async fn flushed(&self) -> bool {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            if state.shut || state.unsent.is_empty() {
                return Poll::Ready(!state.shut || state.ending);
            }
            state.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits until nobody wants what is written.
    pub(in crate::isolate) async fn unwanted(&self) {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            if state.ended.is_some() {
                return Poll::Ready(());
            }
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits for the head of the response; the error says why there is none.
    pub(in crate::isolate) async fn head(&self) -> Result<FetchHead, String> {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match state.head.clone() {
                Some(head) => Poll::Ready(head),
                None => {
                    state.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Whether the head is there, or it is known that there will be none.
    pub(in crate::isolate) fn has_head(&self) -> bool {
        self.state.borrow().head.is_some()
    }

    /// Waits for bytes and gives at most `limit` of them; none at the end.
    pub(in crate::isolate) async fn read(&self, limit: usize) -> Result<Vec<u8>, String> {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            if let Some(bytes) = state.take(limit) {
                if state.uncredited >= CREDIT_AT && state.ended.is_none() {
                    let bytes = std::mem::take(&mut state.uncredited);
                    self.push(&FromWorker::Credit { stream: self.number, bytes }, &[]);
                }
                return Poll::Ready(Ok(bytes));
            }
            if let Some(ended) = &state.ended {
                return Poll::Ready(ended.clone().map(|()| Vec::new()));
            }
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Whether all there was to read has arrived.
    pub(in crate::isolate) fn has_ended(&self) -> bool {
        self.state.borrow().ended.is_some()
    }
}

impl State {
    fn take(&mut self, limit: usize) -> Option<Vec<u8>> {
        let first = self.chunks.front()?;
        let rest = first.len() - self.read;
        let bytes = if self.read == 0 && rest <= limit {
            self.chunks.pop_front()?
        } else {
            let end = self.read + rest.min(limit);
            let part = first[self.read..end].to_vec();
            self.read = end;
            if end == first.len() {
                self.chunks.pop_front();
                self.read = 0;
            }
            part
        };
        self.uncredited += bytes.len();
        Some(bytes)
    }
}
