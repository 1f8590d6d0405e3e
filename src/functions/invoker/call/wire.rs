//! A worker's socket with streams on it: what the worker sends is checked and passed on, and what tasks have for it is sent.
//!
//! The worker is hostile: a chunk beyond its window, credit for what was never sent, a stream that never was, too many
//! requests at once, each ends it. Frames about a stream that is over are dropped, since they may have crossed its end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::ask::{self, Asking};
use super::body::{Download, Piece, Upload};
use super::fetch::{self, Allowance};
use super::way::Traffic;
use crate::functions::egress::{Asker, Egress, Platform, Reply};
use crate::functions::invoker::channel::{LinkError, Outgoing};
use crate::functions::logs::{Buffer, What};
use crate::functions::model::{Network, Permissions};
use crate::isolate::protocol::{
    Answered, Ask, CHUNK, Fetch, FetchBody, FetchHead, FromWorker, LogLevel, MAX_OPENING, Refused, ToWorker, WINDOW, call_of,
    request_stream, response_stream,
};
use crate::tasks::Tasks;
use crate::types::RequestId;

/// Bytes that tasks may have under way to one worker, over all streams.
const BUDGET: usize = 1024 * 1024;

/// While so many bytes wait to be sent to the worker, nothing is put behind them.
const ENOUGH: usize = 256 * 1024;

/// Frames about streams that are over that one call may send.
const STRAYS: usize = 20_000;

/// Refused requests of one call that are logged, at the most.
const LOGGED_REFUSALS: usize = 50;

/// What a question is called in the log.
const PLATFORM_CALL: &str = "a platform call";

/// What bounds the streams of one call.
#[derive(Clone, Copy, Debug)]
pub(in crate::functions::invoker) struct Limits {
    /// Bytes of a streamed body, in either direction.
    pub(in crate::functions::invoker) streamed: usize,
    /// Outbound requests.
    pub(in crate::functions::invoker) fetches: usize,
    /// Bytes of the body of one response to those.
    pub(in crate::functions::invoker) fetched: usize,
    /// Questions to the platform's modules.
    pub(in crate::functions::invoker) asks: usize,
    /// How long a client may leave unread what is there for it.
    pub(in crate::functions::invoker) stall: Duration,
}

/// What is the same for all streams of a call.
pub(in crate::functions::invoker) struct Context {
    pub(in crate::functions::invoker) egress: Egress,
    /// The hosts the function may reach.
    pub(in crate::functions::invoker) network: Network,
    /// What it may ask of the platform's modules, which answer.
    pub(in crate::functions::invoker) permissions: Permissions,
    pub(in crate::functions::invoker) platform: Arc<dyn Platform>,
    /// How many functions the request has gone through before this one.
    pub(in crate::functions::invoker) hops: u8,
    pub(in crate::functions::invoker) limits: Limits,
    pub(in crate::functions::invoker) tasks: Tasks,
    /// Where refusals are told.
    pub(in crate::functions::invoker) log: Arc<Buffer>,
    pub(in crate::functions::invoker) request: RequestId,
}

/// What tasks and readers tell the wire.
#[derive(Debug)]
pub(super) enum Event {
    Head(Box<FetchHead>),
    Failed {
        stream: u64,
        message: String,
        refused: bool,
    },
    Bytes {
        stream: u64,
        bytes: Bytes,
        held: OwnedSemaphorePermit,
    },
    Ended {
        stream: u64,
    },
    Broke {
        stream: u64,
        reason: String,
    },
    /// So many bytes of what the worker sent were read.
    Consumed {
        stream: u64,
        bytes: usize,
    },
    /// Nobody reads what the worker sends.
    Unwanted {
        stream: u64,
    },
    /// A question has its answer.
    Answered {
        number: u64,
        reply: Reply,
    },
}

/// Why a wire is of no use any more.
#[derive(Debug)]
pub(in crate::functions::invoker) enum WireError {
    Link(LinkError),
    /// The worker does what it must not; the text says what.
    Broken(&'static str),
    /// A streamed response is longer than it may be.
    TooLong,
}

impl From<LinkError> for WireError {
    fn from(err: LinkError) -> Self {
        Self::Link(err)
    }
}

/// The streams over one worker's socket for as long as one phase takes.
pub(in crate::functions::invoker) struct Wire {
    context: Arc<Context>,
    call: u64,
    out: Outgoing,
    events: UnboundedReceiver<Event>,
    sender: UnboundedSender<Event>,
    budget: Arc<Semaphore>,
    /// Of what was put into `out`; given back when that is sent.
    held: Vec<OwnedSemaphorePermit>,
    streams: HashMap<u64, Open>,
    asking: Asking,
    /// The highest number that the worker has given to an outbound request.
    last_fetch: u64,
    fetches: usize,
    strays: usize,
    refusals: usize,
    /// Since when what is there for the client is not read.
    unread_since: Instant,
}

/// A stream that goes on.
struct Open {
    /// To the worker.
    source: Option<Source>,
    /// From the worker.
    sink: Option<Sink>,
    /// Whether it is a request without a response yet.
    opening: bool,
    _task: Option<Task>,
}

struct Source {
    credit: Arc<Semaphore>,
    sent: usize,
    credited: usize,
}

struct Sink {
    pieces: UnboundedSender<Piece>,
    /// What the worker may still send.
    window: usize,
    total: usize,
}

/// Ends its task when dropped.
pub(super) struct Task(JoinHandle<Option<()>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Wire {
    pub(in crate::functions::invoker) fn new(context: Arc<Context>, call: u64) -> Self {
        let (sender, events) = unbounded_channel();
        Self {
            context,
            call,
            out: Outgoing::new(Vec::new()),
            events,
            sender,
            budget: Arc::new(Semaphore::new(BUDGET)),
            held: Vec::new(),
            streams: HashMap::new(),
            asking: Asking::default(),
            last_fetch: 0,
            fetches: 0,
            strays: 0,
            refusals: 0,
            unread_since: Instant::now(),
        }
    }

    /// The worker's next frame that is about more than streams; meanwhile bodies move. Cancelled, it loses nothing.
    pub(in crate::functions::invoker) async fn next(
        &mut self,
        traffic: &mut impl Traffic,
        limit: usize,
    ) -> Result<(FromWorker, Bytes), WireError> {
        loop {
            let stalls = self.unread_since + self.context.limits.stall;
            tokio::select! {
                biased;
                Some(event) = self.events.recv(), if self.out.left() < ENOUGH => self.handle(event)?,
                exchanged = traffic.exchange(&mut self.out, &mut self.held, limit) => {
                    if let Some((message, body)) = exchanged?
                        && let Some(other) = self.take(message, body)?
                    {
                        return Ok(other);
                    }
                }
                () = tokio::time::sleep_until(stalls), if self.has_unread() => self.lose_reader(response_stream(self.call))?,
            }
        }
    }

    /// Sends what is under way to its end, so that a frame is not left half.
    pub(in crate::functions::invoker) async fn finish(mut self, traffic: &mut impl Traffic) -> Result<(), LinkError> {
        self.streams.clear();
        self.asking.clear();
        traffic.finish(&mut self.out, self.held).await
    }

    /// Streams a request's body to the worker.
    pub(super) fn stream_request(&mut self, upload: Upload) {
        let stream = request_stream(self.call);
        let allowance = self.allowance();
        let source = Source { credit: Arc::clone(&allowance.credit), sent: 0, credited: 0 };
        let task = self.context.tasks.spawn(async move { fetch::pump(stream, upload, &allowance).await });
        let open = Open { source: Some(source), sink: None, opening: false, _task: Some(Task(task)) };
        self.streams.insert(stream, open);
    }

    /// Begins to take the body of a response.
    pub(super) fn stream_response(&mut self) -> Download {
        let stream = response_stream(self.call);
        let (pieces, download) = Download::new(stream, self.sender.clone());
        let sink = Sink { pieces, window: WINDOW, total: 0 };
        self.streams.insert(stream, Open { source: None, sink: Some(sink), opening: false, _task: None });
        download
    }

    /// Where the response goes, to be told of its end; dropped without that, its reader sees that it is not whole.
    pub(super) fn take_reader(&mut self) -> Option<UnboundedSender<Piece>> {
        Some(self.streams.remove(&response_stream(self.call))?.sink?.pieces)
    }

    fn allowance(&self) -> Allowance {
        let credit = Arc::new(Semaphore::new(WINDOW));
        Allowance { credit, budget: Arc::clone(&self.budget), events: self.sender.clone() }
    }

    /// Takes a frame from the worker; gives it back when it is about something else.
    pub(super) fn take(&mut self, message: FromWorker, body: Bytes) -> Result<Option<(FromWorker, Bytes)>, WireError> {
        match message {
            FromWorker::Fetch(fetch) => self.start_fetch(*fetch, body)?,
            FromWorker::Ask(ask) => self.start_ask(*ask, body)?,
            FromWorker::Chunk { stream, end } => self.arrived(stream, body, end)?,
            FromWorker::Credit { stream, bytes } => self.credited(stream, bytes)?,
            FromWorker::Abort { stream, reason } => match self.streams.remove(&stream) {
                Some(Open { sink: Some(sink), .. }) => drop(sink.pieces.send(Piece::Broken(reason))),
                Some(_) => {}
                None => self.stray(stream)?,
            },
            message => return Ok(Some((message, body))),
        }
        Ok(None)
    }

    fn start_fetch(&mut self, fetch: Fetch, first: Bytes) -> Result<(), WireError> {
        let stream = fetch.stream;
        if stream.is_multiple_of(2) || call_of(stream) != self.call || stream <= self.last_fetch.max(response_stream(self.call)) {
            return Err(WireError::Broken("a request's number does not count up"));
        }
        if first.len() > CHUNK {
            return Err(WireError::Broken("a request's first frame is too long"));
        }
        if self.streams.values().filter(|open| open.opening).count() >= MAX_OPENING {
            return Err(WireError::Broken("too many requests wait for their response"));
        }
        self.last_fetch = stream;
        self.fetches += 1;
        let most = self.context.limits.fetches;
        if self.fetches > most.saturating_add(STRAYS) {
            return Err(WireError::Broken("it makes requests beyond all limits"));
        }
        if self.fetches > most {
            let message = format!("a call may make {most} requests (functions.max_fetches)");
            return self.send(&ToWorker::FetchFailed { stream, message }, &[]);
        }
        let (sink, rest) = if let FetchBody::Streamed(_) = fetch.body {
            let (pieces, rest) = Download::new(stream, self.sender.clone());
            (Some(Sink { pieces, window: WINDOW, total: 0 }), Some(rest))
        } else {
            (None, None)
        };
        let allowance = self.allowance();
        let source = Source { credit: Arc::clone(&allowance.credit), sent: 0, credited: 0 };
        let task = self.context.tasks.spawn(fetch::run(Arc::clone(&self.context), fetch, first, rest, allowance));
        self.streams.insert(stream, Open { source: Some(source), sink, opening: true, _task: Some(Task(task)) });
        Ok(())
    }

    fn start_ask(&mut self, ask: Ask, body: Bytes) -> Result<(), WireError> {
        let most = self.context.limits.asks;
        let may = self.asking.take(&ask, body.len(), most).map_err(WireError::Broken)?;
        let Ask { call, number, question } = ask;
        if call != self.call {
            return Err(WireError::Broken("a question of another call"));
        }
        if !may {
            let message = format!("a call may ask the platform {most} times (functions.max_platform_calls)");
            self.log_refusal(PLATFORM_CALL, &message);
            let answer = Answered::Refused { code: Refused::TooMany, message };
            return self.send(&ToWorker::Answered { call: self.call, number, answer }, &[]);
        }
        let size = question.size() + body.len();
        let asker = Asker { hops: self.context.hops, is_init: self.call == 0 };
        let (context, events) = (Arc::clone(&self.context), self.sender.clone());
        let task = self.context.tasks.spawn(ask::run(context, asker, (number, question), body, events));
        self.asking.insert(number, size, Task(task));
        Ok(())
    }

    fn arrived(&mut self, stream: u64, bytes: Bytes, end: bool) -> Result<(), WireError> {
        let is_response = stream == response_stream(self.call);
        let Some(Open { sink: slot, .. }) = self.streams.get_mut(&stream) else { return self.stray(stream) };
        let Some(sink) = slot else { return self.stray(stream) };
        if bytes.len() > CHUNK || bytes.len() > sink.window {
            return Err(WireError::Broken("a chunk is beyond its window"));
        }
        if is_response && sink.window == WINDOW {
            self.unread_since = Instant::now();
        }
        sink.window -= bytes.len();
        sink.total += bytes.len();
        if sink.total > self.context.limits.streamed {
            if is_response {
                return Err(WireError::TooLong);
            }
            let reason = format!("its body is longer than {} bytes (functions.max_streamed)", self.context.limits.streamed);
            self.streams.remove(&stream);
            return self.send(&ToWorker::FetchFailed { stream, message: reason }, &[]);
        }
        if !bytes.is_empty() {
            let _ = sink.pieces.send(Piece::Bytes(bytes));
        }
        // The end of a response is only believed with the end of its call.
        if end && !is_response {
            let _ = sink.pieces.send(Piece::End);
            *slot = None;
        }
        Ok(())
    }

    fn credited(&mut self, stream: u64, bytes: usize) -> Result<(), WireError> {
        let Some(Open { source: Some(source), .. }) = self.streams.get_mut(&stream) else { return self.stray(stream) };
        source.credited = source.credited.saturating_add(bytes);
        if source.credited > source.sent {
            return Err(WireError::Broken("it gives credit for what was not sent"));
        }
        source.credit.add_permits(bytes);
        Ok(())
    }

    /// A frame about a stream that is not there: it may have been.
    fn stray(&mut self, stream: u64) -> Result<(), WireError> {
        let was = stream <= response_stream(self.call) || (call_of(stream) == self.call && stream <= self.last_fetch);
        self.strays += 1;
        if was && self.strays <= STRAYS { Ok(()) } else { Err(WireError::Broken("a stream that never was")) }
    }

    fn handle(&mut self, event: Event) -> Result<(), WireError> {
        match event {
            Event::Head(head) => {
                let (stream, ended) = (head.stream, head.ended);
                let Some(open) = self.streams.get_mut(&stream) else { return Ok(()) };
                open.opening = false;
                if ended {
                    self.streams.remove(&stream);
                }
                self.send(&ToWorker::FetchHead(head), &[])
            }
            Event::Failed { stream, message, refused } => {
                if self.streams.remove(&stream).is_none() {
                    return Ok(());
                }
                if refused {
                    self.log_refusal("an outbound request", &message);
                }
                self.send(&ToWorker::FetchFailed { stream, message }, &[])
            }
            Event::Bytes { stream, bytes, held } => {
                let Some(Open { source: Some(source), .. }) = self.streams.get_mut(&stream) else { return Ok(()) };
                source.sent += bytes.len();
                self.held.push(held);
                self.send(&ToWorker::Chunk { stream, end: false }, &bytes)
            }
            Event::Ended { stream } => {
                if self.streams.remove(&stream).is_none() {
                    return Ok(());
                }
                self.send(&ToWorker::Chunk { stream, end: true }, &[])
            }
            Event::Broke { stream, reason } => {
                if self.streams.remove(&stream).is_none() {
                    return Ok(());
                }
                self.send(&ToWorker::Abort { stream, reason }, &[])
            }
            Event::Consumed { stream, bytes } => {
                let Some(Open { sink: Some(sink), .. }) = self.streams.get_mut(&stream) else { return Ok(()) };
                sink.window += bytes;
                if stream == response_stream(self.call) {
                    self.unread_since = Instant::now();
                }
                self.send(&ToWorker::Credit { stream, bytes }, &[])
            }
            Event::Answered { number, reply: (answer, body) } => {
                if !self.asking.remove(number) {
                    return Ok(());
                }
                if let Answered::Refused { code: Refused::PermissionDenied | Refused::LoopDetected, message } = &answer {
                    self.log_refusal(PLATFORM_CALL, message);
                }
                self.send(&ToWorker::Answered { call: self.call, number, answer }, &body)
            }
            Event::Unwanted { stream } if stream == response_stream(self.call) => self.lose_reader(stream),
            // The task that read it goes on: the response may come without the rest of the request.
            Event::Unwanted { .. } => Ok(()),
        }
    }

    /// The first refusals of a call are in the function's log, with what to set.
    fn log_refusal(&mut self, what: &str, message: &str) {
        self.refusals += 1;
        if self.refusals <= LOGGED_REFUSALS {
            let line = What::Line(LogLevel::Warn, format!("{what} was refused: {message}"));
            self.context.log.push(self.context.request, [line]);
        }
    }

    fn has_unread(&self) -> bool {
        let response = self.streams.get(&response_stream(self.call));
        response.and_then(|open| open.sink.as_ref()).is_some_and(|sink| sink.window < WINDOW)
    }

    /// The client does not read any more: the function is told, and what it still sends is dropped.
    fn lose_reader(&mut self, stream: u64) -> Result<(), WireError> {
        if self.streams.remove(&stream).is_none() {
            return Ok(());
        }
        self.send(&ToWorker::Abort { stream, reason: "the client has gone away".to_owned() }, &[])
    }

    fn send(&mut self, message: &ToWorker, body: &[u8]) -> Result<(), WireError> {
        self.out.add(message, body).map_err(|err| WireError::Link(err.into()))
    }
}
