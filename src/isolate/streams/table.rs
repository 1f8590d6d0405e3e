//! The streams of a call, by number.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::task::{Context, Poll};

use deno_core::futures::StreamExt;
use deno_core::futures::future::LocalBoxFuture;
use deno_core::futures::stream::FuturesUnordered;

use super::asks::Asks;
use super::stream::Stream;
use super::{Exit, OVER};
use crate::isolate::channel::Frame;
use crate::isolate::protocol::{Fetch, FromWorker, MAX_FETCHES, MAX_OPENING, ToWorker, WINDOW, fetch_stream};

/// The streams of a call.
pub(in crate::isolate) struct Streams {
    call: u64,
    exit: Rc<Exit>,
    /// Whether the call is over.
    closed: Cell<bool>,
    table: RefCell<HashMap<u64, Rc<Stream>>>,
    /// Outbound requests so far.
    fetches: Cell<u64>,
    /// Outbound requests that were sent and have no answer yet.
    opening: Cell<usize>,
    /// Outbound requests that wait until there are fewer of those.
    held_back: RefCell<VecDeque<(Fetch, Vec<u8>)>>,
    /// Bodies that Rust moves from a resource of the script to the server.
    pumps: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>>,
    asks: Asks,
}

impl Streams {
    pub(in crate::isolate) fn new(call: u64, exit: Rc<Exit>) -> Self {
        Self {
            call,
            asks: Asks::new(call, Rc::clone(&exit)),
            exit,
            closed: Cell::new(false),
            table: RefCell::default(),
            fetches: Cell::default(),
            opening: Cell::default(),
            held_back: RefCell::default(),
            pumps: RefCell::default(),
        }
    }

    /// Whether the server may have something to say while the call runs.
    pub(in crate::isolate) fn is_active(&self) -> bool {
        !self.table.borrow().is_empty() || self.asks.is_active()
    }

    /// Begins a stream of the call's own.
    pub(in crate::isolate) fn open(&self, number: u64) -> Rc<Stream> {
        self.open_with(number, WINDOW)
    }

    fn open_with(&self, number: u64, credit: usize) -> Rc<Stream> {
        let stream = Rc::new(Stream::new(number, Rc::clone(&self.exit), credit));
        self.table.borrow_mut().insert(number, Rc::clone(&stream));
        stream
    }

    /// Begins an outbound request; it is sent at once, or when fewer wait for their response.
    pub(in crate::isolate) fn fetch(&self, mut fetch: Fetch, body: Vec<u8>) -> Rc<Stream> {
        let count = self.fetches.get() + 1;
        let number = fetch_stream(self.call, count);
        if self.closed.get() || count > MAX_FETCHES {
            let stream = Rc::new(Stream::new(number, Rc::clone(&self.exit), 0));
            stream.fail(if self.closed.get() { OVER } else { "the call has made more requests than can be counted" });
            return stream;
        }
        self.fetches.set(count);
        fetch.stream = number;
        if self.opening.get() < MAX_OPENING {
            let stream = self.open(number);
            self.send_fetch(fetch, &body, &stream);
            stream
        } else {
            self.held_back.borrow_mut().push_back((fetch, body));
            // Nothing of its body may overtake it.
            self.open_with(number, 0)
        }
    }

    /// A stream that has arrived already, from nowhere.
    pub(in crate::isolate) fn local(&self, content: Vec<u8>) -> Rc<Stream> {
        let stream = Stream::new(0, Rc::clone(&self.exit), 0);
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

    /// The questions to the platform's modules.
    pub(in crate::isolate) const fn asks(&self) -> &Asks {
        &self.asks
    }

    /// Has Rust drive a future until it is done or the call ends.
    pub(in crate::isolate) fn drive(&self, pump: LocalBoxFuture<'static, ()>) {
        self.pumps.borrow().push(pump);
    }

    /// Drives what was given to [`Self::drive`], and is woken when there is something to send.
    pub(in crate::isolate) fn poll(&self, context: &mut Context<'_>) {
        let mut pumps = self.pumps.borrow_mut();
        while let Poll::Ready(Some(())) = pumps.poll_next_unpin(context) {}
        self.exit.sender.replace(Some(context.waker().clone()));
    }

    /// Takes what the server says of a stream; gives back a frame that is about something else.
    pub(in crate::isolate) fn take(&self, frame: Frame) -> Option<Frame> {
        let Frame { message, body } = frame;
        match message {
            ToWorker::Chunk { stream, end } => self.with(stream, |stream| stream.arrived(body, end)),
            ToWorker::Abort { stream, reason } => self.with(stream, |stream| stream.aborted(&reason)),
            ToWorker::Credit { stream, bytes } => self.with(stream, |stream| stream.credited(bytes)),
            ToWorker::FetchHead(head) => {
                self.with(head.stream, |stream| {
                    self.opened();
                    stream.has_begun(*head);
                });
            }
            ToWorker::FetchFailed { stream, message } => self.with(stream, |stream| {
                self.opened();
                stream.fail(&message);
            }),
            ToWorker::Answered { number, answer, .. } => self.asks.answered(number, answer, body),
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
    pub(in crate::isolate) fn abort(&self, stream: &Stream, reason: &str) {
        if self.table.borrow_mut().remove(&stream.number()).is_none() {
            return;
        }
        let before = self.held_back.borrow().len();
        self.held_back.borrow_mut().retain(|(fetch, _)| fetch.stream != stream.number());
        if self.held_back.borrow().len() == before {
            stream.push(&FromWorker::Abort { stream: stream.number(), reason: reason.to_owned() }, &[]);
            if stream.is_fetch() && !stream.has_head() {
                self.opened();
            }
        }
        stream.fail(reason);
    }

    /// Ends all streams, since their call has.
    pub(in crate::isolate) fn close(&self) {
        self.closed.set(true);
        self.pumps.borrow_mut().clear();
        self.held_back.borrow_mut().clear();
        self.opening.set(0);
        self.asks.close();
        let table = std::mem::take(&mut *self.table.borrow_mut());
        for stream in table.values() {
            stream.fail(OVER);
        }
    }
}
