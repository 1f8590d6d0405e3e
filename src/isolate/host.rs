//! What the operations and the Rust side of one worker share: the call under way, its outcome, its log.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::channel::Outbox;
use super::last_words;
use super::protocol::{FromWorker, FunctionError, HttpResponse, LogLevel, LogLine, MAX_RESPONSE, Started, response_stream};
use super::streams::{Stream, Streams};

/// How a call, or initialisation, ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The JSON result of an event.
    Event(Vec<u8>),
    /// An HTTP response: status, headers, content.
    Http(u16, Vec<(String, String)>, Vec<u8>),
    /// The stream of the response is at its end.
    Streamed,
    /// Initialisation found the handler.
    Loaded,
    /// The code failed; `fatal` when the environment cannot be trusted with another call.
    Failed { error: FunctionError, fatal: bool },
}

/// Shared by the operations (through `OpState`) and the environment.
pub(super) struct Host {
    outcome: RefCell<Option<Outcome>>,
    waiting: Cell<u32>,
    timers: RefCell<Vec<(i64, bool)>>,
    streams: Streams,
    /// The body of the response, when that is a stream.
    response: RefCell<Option<Rc<Stream>>>,
    call: Cell<u64>,
    log_limit: Cell<usize>,
    log_left: Cell<usize>,
    log_cut: Cell<bool>,
    outbox: Outbox,
}

impl Host {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outcome: RefCell::default(),
            streams: Streams::new(outbox.clone()),
            response: RefCell::default(),
            waiting: Cell::default(),
            timers: RefCell::default(),
            call: Cell::default(),
            log_limit: Cell::default(),
            log_left: Cell::default(),
            log_cut: Cell::default(),
            outbox,
        }
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The streams of the call under way.
    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Begins a response whose body is a stream.
    pub(super) fn start_response(&self, status: u16, headers: Vec<(String, String)>) {
        let call = self.call.get();
        let started = Started { call, http: HttpResponse { status, headers } };
        match self.outbox.push(&FromWorker::Started(Box::new(started)), &[]) {
            Ok(()) => *self.response.borrow_mut() = Some(self.streams.open(response_stream(call))),
            Err(err) => {
                let error = FunctionError {
                    error_type: "Function.InvalidResponse".to_owned(),
                    message: err.to_string(),
                    trace: Vec::new(),
                };
                self.finish(Outcome::Failed { error, fatal: false });
            }
        }
    }

    /// The stream of the response, once it has begun.
    pub(super) fn response(&self) -> Option<Rc<Stream>> {
        self.response.borrow().clone()
    }

    /// Sets what one call may log, in bytes.
    pub(super) fn set_log_limit(&self, bytes: usize) {
        self.log_limit.set(bytes);
    }

    /// Begins a call; 0 is initialisation.
    pub(super) fn begin(&self, call: u64) {
        self.outcome.take();
        self.response.take();
        self.call.set(call);
        last_words::begin(call);
        self.log_left.set(self.log_limit.get());
        self.log_cut.set(false);
    }

    /// Whether no call is under way yet.
    pub(super) fn is_initialising(&self) -> bool {
        self.call.get() == 0
    }

    /// The outcome, once.
    pub(super) fn take_outcome(&self) -> Option<Outcome> {
        self.outcome.take()
    }

    pub(super) fn has_outcome(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    /// Whether promises given to `waitUntil` are unsettled.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.get() > 0
    }

    /// How many of them.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.get()
    }

    pub(super) fn set_waiting(&self, promises: u32) {
        self.waiting.set(promises);
    }

    /// Remembers a timer that is pending: when it is to fire, in milliseconds from now, and whether it repeats.
    pub(super) fn add_timer(&self, left: i64, repeats: bool) {
        self.timers.borrow_mut().push((left, repeats));
    }

    /// The timers that were remembered, the soonest first.
    pub(super) fn take_timers(&self) -> Vec<(i64, bool)> {
        let mut timers = self.timers.take();
        timers.sort_unstable();
        timers
    }

    /// Ends the call. The first outcome stands, unless a fatal one follows it.
    pub(super) fn finish(&self, outcome: Outcome) {
        let mut slot = self.outcome.borrow_mut();
        if slot.is_none() || matches!(outcome, Outcome::Failed { fatal: true, .. }) {
            *slot = Some(outcome);
        }
    }

    /// Ends the call with an answer, unless that is too long.
    pub(super) fn answer(&self, length: usize, answer: impl FnOnce() -> Outcome) {
        if length <= MAX_RESPONSE {
            return self.finish(answer());
        }
        let message =
            format!("Response payload size ({length} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).");
        let error = FunctionError { error_type: "Function.ResponseSizeTooLarge".to_owned(), message, trace: Vec::new() };
        self.finish(Outcome::Failed { error, fatal: false });
    }

    /// Sends a line of the log, as far as the call's allowance goes. The first line beyond it is replaced by a notice.
    pub(super) fn log(&self, level: LogLevel, text: &str) {
        if self.log_cut.get() {
            return;
        }
        let left = self.log_left.get();
        let cut = text.len() > left;
        let kept = if cut { &text[..text.floor_char_boundary(left)] } else { text };
        self.log_left.set(left - kept.len());
        if !kept.is_empty() || !cut {
            self.send_line(level, kept.to_owned());
        }
        if cut {
            self.log_cut.set(true);
            let limit = self.log_limit.get();
            self.send_line(
                LogLevel::Warn,
                format!("the log of this call is cut here: it may hold {limit} bytes (functions.log_limit)"),
            );
        }
    }

    fn send_line(&self, level: LogLevel, text: String) {
        let line = LogLine { call: self.call.get(), level, text };
        // A line too long for a frame cannot be: the allowance is far below a frame's limit. It would only be lost.
        let _ = self.outbox.push(&FromWorker::Log(line), &[]);
    }
}
