//! The worker's side of streams: bodies on their way in and out, and outbound requests that wait for their response.
//!
//! All of this belongs to the call under way. When it ends, so do its streams: who still waits on one is told so.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use deno_core::futures::StreamExt;
use deno_core::futures::future::LocalBoxFuture;
use deno_core::futures::stream::FuturesUnordered;

use super::channel::{Frame, Outbox};
use super::protocol::{CHUNK, Fetch, FetchHead, FrameError, FromWorker, MAX_OPENING, ToWorker, WINDOW};

/// What is told to who waits on a stream of a call that is over. JavaScript knows it by these words.
pub(super) const OVER: &str = "the call it belonged to has ended";

/// Consumed bytes are credited once they are so many.
const CREDIT_AT: usize = WINDOW / 2;

/// The way out. Operations run in a task of their own, so whoever pushes wakes the task that sends.
struct Exit {
    outbox: Outbox,
    sender: RefCell<Option<Waker>>,
}

impl Exit {
    fn push(&self, message: &FromWorker, body: &[u8]) -> Result<(), FrameError> {
        let pushed = self.outbox.push(message, body);
        let sender = self.sender.borrow_mut().take();
        sender.into_iter().for_each(Waker::wake);
        pushed
    }
}

/// The streams of the call under way.
pub(super) struct Streams {
    exit: Rc<Exit>,
    table: RefCell<HashMap<u64, Rc<Stream>>>,
    /// The number of the last outbound request.
    last_fetch: Cell<u64>,
    /// Outbound requests that were sent and have no answer yet.
    opening: Cell<usize>,
    /// Outbound requests that wait until there are fewer of those.
    held_back: RefCell<VecDeque<(Fetch, Vec<u8>)>>,
    /// Bodies that Rust moves from a resource of the script to the server.
    pumps: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
}

/// One stream, in whichever directions it has.
pub(super) struct Stream {
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

impl Streams {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            exit: Rc::new(Exit { outbox, sender: RefCell::default() }),
            table: RefCell::default(),
            last_fetch: Cell::new(1),
            opening: Cell::default(),
            held_back: RefCell::default(),
            pumps: RefCell::default(),
        }
    }

    /// Whether the server may have something to say while the call runs.
    pub(super) fn is_active(&self) -> bool {
        !self.table.borrow().is_empty()
    }

    /// Begins a stream of the call's own.
    pub(super) fn open(&self, number: u64) -> Rc<Stream> {
        let state = State { credit: WINDOW, ..State::default() };
        let stream = Rc::new(Stream { number, exit: Rc::clone(&self.exit), state: RefCell::new(state) });
        self.table.borrow_mut().insert(number, Rc::clone(&stream));
        stream
    }

    /// Begins an outbound request; it is sent at once, or when fewer wait for their response.
    pub(super) fn fetch(&self, mut fetch: Fetch, body: Vec<u8>) -> Rc<Stream> {
        let number = self.last_fetch.get() + 2;
        self.last_fetch.set(number);
        fetch.stream = number;
        let stream = self.open(number);
        if self.opening.get() < MAX_OPENING {
            self.send_fetch(fetch, &body, &stream);
        } else {
            // Nothing of its body may overtake it.
            stream.state.borrow_mut().credit = 0;
            self.held_back.borrow_mut().push_back((fetch, body));
        }
        stream
    }

    /// A stream that has arrived already, from nowhere.
    pub(super) fn local(&self, content: Vec<u8>) -> Rc<Stream> {
        let stream = Stream { number: 0, exit: Rc::clone(&self.exit), state: RefCell::default() };
        stream.arrived(content, true);
        Rc::new(stream)
    }

    fn send_fetch(&self, fetch: Fetch, body: &[u8], stream: &Stream) {
        match self.exit.push(&FromWorker::Fetch(Box::new(fetch)), body) {
            Ok(()) => self.opening.set(self.opening.get() + 1),
            Err(err) => stream.fail(&err.to_string()),
        }
    }

    /// One request fewer waits for its response: those held back go out.
    fn opened(&self) {
        self.opening.set(self.opening.get().saturating_sub(1));
        while self.opening.get() < MAX_OPENING {
            let Some((fetch, body)) = self.held_back.borrow_mut().pop_front() else { return };
            let stream = self.table.borrow().get(&fetch.stream).cloned();
            // One that was aborted meanwhile is not there any more.
            if let Some(stream) = stream {
                self.send_fetch(fetch, &body, &stream);
                stream.credited(WINDOW);
            }
        }
    }

    /// Has Rust drive a future until it is done or the call ends.
    pub(super) fn drive(&self, pump: LocalBoxFuture<'static, ()>) {
        self.pumps.borrow().push(pump);
    }

    /// Drives what was given to [`Self::drive`], and is woken when there is something to send.
    pub(super) fn poll(&self, context: &mut Context<'_>) {
        let mut pumps = self.pumps.borrow_mut();
        while let Poll::Ready(Some(())) = pumps.poll_next_unpin(context) {}
        self.exit.sender.replace(Some(context.waker().clone()));
    }

    /// Takes what the server says of a stream; gives back a frame that is about something else.
    pub(super) fn take(&self, frame: Frame) -> Option<Frame> {
        let Frame { message, body } = frame;
        match message {
            ToWorker::Chunk { stream, end } => self.with(stream, |stream| stream.arrived(body, end)),
            ToWorker::Abort { stream, reason } => self.with(stream, |stream| stream.aborted(&reason)),
            ToWorker::Credit { stream, bytes } => self.with(stream, |stream| stream.credited(bytes)),
            ToWorker::FetchHead(head) => {
                let (number, ended) = (head.stream, head.ended);
                self.with(number, |stream| {
                    self.opened();
                    stream.state.borrow_mut().head = Some(Ok(*head));
                    stream.arrived(Vec::new(), ended);
                });
            }
            ToWorker::FetchFailed { stream, message } => self.with(stream, |stream| {
                self.opened();
                stream.fail(&message);
            }),
            message => return Some(Frame { message, body }),
        }
        None
    }

    fn with(&self, number: u64, act: impl FnOnce(&Stream)) {
        let stream = self.table.borrow().get(&number).cloned();
        let Some(stream) = stream else { return };
        act(&stream);
        if stream.is_done() {
            self.table.borrow_mut().remove(&number);
            stream.shut();
        }
    }

    /// The script does not want the stream any more.
    pub(super) fn abort(&self, stream: &Stream, reason: &str) {
        if self.table.borrow_mut().remove(&stream.number).is_none() {
            return;
        }
        let before = self.held_back.borrow().len();
        self.held_back.borrow_mut().retain(|(fetch, _)| fetch.stream != stream.number);
        if self.held_back.borrow().len() == before {
            stream.push(&FromWorker::Abort { stream: stream.number, reason: reason.to_owned() }, &[]);
            if stream.is_fetch() && !stream.has_head() {
                self.opened();
            }
        }
        stream.fail(reason);
    }

    /// Ends all streams, since their call has.
    pub(super) fn close(&self) {
        self.pumps.borrow_mut().clear();
        self.held_back.borrow_mut().clear();
        self.opening.set(0);
        let table = std::mem::take(&mut *self.table.borrow_mut());
        for stream in table.values() {
            stream.fail(OVER);
        }
    }
}

impl Stream {
    fn wake(&self) {
        let mut state = self.state.borrow_mut();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn arrived(&self, chunk: Vec<u8>, end: bool) {
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

    /// It broke off on the server's side: what has come may still be read.
    fn aborted(&self, reason: &str) {
        let mut state = self.state.borrow_mut();
        state.ended.get_or_insert_with(|| Err(reason.to_owned()));
        state.shut = true;
        state.unsent = Vec::new();
        drop(state);
        self.wake();
    }

    /// There is nothing to be had from it.
    fn fail(&self, reason: &str) {
        let mut state = self.state.borrow_mut();
        state.head.get_or_insert_with(|| Err(reason.to_owned()));
        drop(state);
        self.aborted(reason);
    }

    fn credited(&self, bytes: usize) {
        let mut state = self.state.borrow_mut();
        state.credit = state.credit.saturating_add(bytes);
        self.flush(&mut state);
        drop(state);
        self.wake();
    }

    const fn is_fetch(&self) -> bool {
        self.number % 2 == 1
    }

    /// Whether nothing more comes or goes. With the response to a request the request is over, too.
    fn is_done(&self) -> bool {
        let state = self.state.borrow();
        state.ended.is_some() || (state.shut && !self.is_fetch())
    }

    /// Sends no more.
    fn shut(&self) {
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

    fn push(&self, message: &FromWorker, body: &[u8]) {
        // A chunk is far below a frame's limit.
        let _ = self.exit.push(message, body);
    }

    /// Puts bytes behind those that wait; `true` when all are sent.
    pub(super) fn write(&self, bytes: &[u8]) -> bool {
        let mut state = self.state.borrow_mut();
        if !state.shut {
            state.unsent.extend_from_slice(bytes);
            self.flush(&mut state);
        }
        state.unsent.is_empty()
    }

    /// Nothing follows what was written.
    pub(super) fn end(&self) {
        let mut state = self.state.borrow_mut();
        state.ending = true;
        self.flush(&mut state);
    }

    /// Waits until all that was written is sent; `false` when nobody wants it.
    pub(super) async fn flushed(&self) -> bool {
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
    pub(super) async fn unwanted(&self) {
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
    pub(super) async fn head(&self) -> Result<FetchHead, String> {
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
    pub(super) fn has_head(&self) -> bool {
        self.state.borrow().head.is_some()
    }

    /// Waits for bytes and gives at most `limit` of them; none at the end.
    pub(super) async fn read(&self, limit: usize) -> Result<Vec<u8>, String> {
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
    pub(super) fn has_ended(&self) -> bool {
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
