//! What the operations and the Rust side of one worker share: its calls, their outcomes, their logs.
//!
//! An environment has one call at a time, or calls side by side. Then JavaScript says whose turn it is by V8's continuation-preserved
//! data: `invoke` puts an object there whose `call` is the number, and V8 brings it back for all that the call began. What runs
//! without a call, since the code outside the handler began it, counts as the youngest one's.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use deno_core::v8;

use super::channel::Outbox;
use super::last_words;
use super::protocol::{FromWorker, FunctionError, HttpResponse, LogLevel, LogLine, MAX_RESPONSE, Started, response_stream};
use super::streams::{Exit, Stream, Streams};

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

/// A call under way, or initialisation.
pub(super) struct Call {
    /// 0 is initialisation.
    number: u64,
    outcome: RefCell<Option<Outcome>>,
    /// Promises given to `waitUntil` that are unsettled, where calls run side by side.
    waiting: Cell<u32>,
    streams: Streams,
    /// The body of the response, when that is a stream.
    response: RefCell<Option<Rc<Stream>>>,
    log_limit: usize,
    log_left: Cell<usize>,
    log_cut: Cell<bool>,
    outbox: Outbox,
}

/// Whose turn it is.
enum Turn {
    Of(Rc<Call>),
    /// A call's that is over.
    Past,
    /// No call's.
    Nobodys,
}

/// Shared by the operations (through `OpState`) and the environment.
pub(super) struct Host {
    /// The call under way; where calls run side by side the youngest one.
    current: RefCell<Rc<Call>>,
    /// The calls under way, where they run side by side.
    calls: RefCell<Option<BTreeMap<u64, Rc<Call>>>>,
    /// A call that is over, for what comes too late.
    past: Rc<Call>,
    /// Why the environment ends with all of its calls.
    doom: RefCell<Option<FunctionError>>,
    waiting: Cell<u32>,
    timers: RefCell<Vec<(i64, bool)>>,
    log_limit: Cell<usize>,
    exit: Rc<Exit>,
    outbox: Outbox,
}

impl Call {
    fn new(number: u64, log_limit: usize, exit: &Rc<Exit>, outbox: &Outbox) -> Rc<Self> {
        Rc::new(Self {
            number,
            outcome: RefCell::default(),
            waiting: Cell::default(),
            streams: Streams::new(number, Rc::clone(exit)),
            response: RefCell::default(),
            log_limit,
            log_left: Cell::new(log_limit),
            log_cut: Cell::default(),
            outbox: outbox.clone(),
        })
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Begins a response whose body is a stream.
    pub(super) fn start_response(&self, status: u16, headers: Vec<(String, String)>) {
        let started = Started { call: self.number, http: HttpResponse { status, headers } };
        match self.outbox.push(&FromWorker::Started(Box::new(started)), &[]) {
            Ok(()) => *self.response.borrow_mut() = Some(self.streams.open(response_stream(self.number))),
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

    /// The outcome, once.
    pub(super) fn take_outcome(&self) -> Option<Outcome> {
        self.outcome.take()
    }

    pub(super) fn has_outcome(&self) -> bool {
        self.outcome.borrow().is_some()
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

    /// Promises given to `waitUntil` that are unsettled, where calls run side by side.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.get()
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
            let limit = self.log_limit;
            self.send_line(
                LogLevel::Warn,
                format!("the log of this call is cut here: it may hold {limit} bytes (functions.log_limit)"),
            );
        }
    }

    fn send_line(&self, level: LogLevel, text: String) {
        let line = LogLine { call: self.number, level, text };
        // A line too long for a frame cannot be: the allowance is far below a frame's limit. It would only be lost.
        let _ = self.outbox.push(&FromWorker::Log(line), &[]);
    }
}

impl Host {
    pub(super) fn new(outbox: Outbox) -> Self {
        let exit = Exit::new(outbox.clone());
        let past = Call::new(0, 0, &exit, &outbox);
        past.streams.close();
        Self {
            current: RefCell::new(Rc::clone(&past)),
            calls: RefCell::default(),
            past,
            doom: RefCell::default(),
            waiting: Cell::default(),
            timers: RefCell::default(),
            log_limit: Cell::default(),
            exit,
            outbox,
        }
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Sets what one call may log, in bytes.
    pub(super) fn set_log_limit(&self, bytes: usize) {
        self.log_limit.set(bytes);
    }

    /// From now on calls may run side by side.
    pub(super) fn share(&self) {
        *self.calls.borrow_mut() = Some(BTreeMap::new());
    }

    /// Begins a call; 0 is initialisation.
    pub(super) fn begin(&self, number: u64) -> Rc<Call> {
        let call = Call::new(number, self.log_limit.get(), &self.exit, &self.outbox);
        last_words::begin(number);
        self.current.replace(Rc::clone(&call));
        if let Some(calls) = &mut *self.calls.borrow_mut() {
            calls.insert(number, Rc::clone(&call));
        }
        call
    }

    /// A call that ran beside others is over, and with it its streams.
    pub(super) fn end(&self, call: &Call) {
        call.streams.close();
        if let Some(calls) = &mut *self.calls.borrow_mut() {
            calls.remove(&call.number);
            if let Some((_, youngest)) = calls.last_key_value() {
                self.current.replace(Rc::clone(youngest));
            }
        }
    }

    /// The call under way; where calls run side by side the youngest one.
    pub(super) fn current(&self) -> Ref<'_, Rc<Call>> {
        self.current.borrow()
    }

    fn turn(&self, scope: &v8::PinScope<'_, '_>) -> Turn {
        let calls = self.calls.borrow();
        let Some(calls) = &*calls else { return Turn::Of(Rc::clone(&self.current())) };
        match number_of_turn(scope) {
            Some(number) => calls.get(&number).map_or(Turn::Past, |call| Turn::Of(Rc::clone(call))),
            None => Turn::Nobodys,
        }
    }

    /// The call whose code runs; `None` when that is over, or nobody's.
    pub(super) fn running(&self, scope: &v8::PinScope<'_, '_>) -> Option<Rc<Call>> {
        if let Turn::Of(call) = self.turn(scope) { Some(call) } else { None }
    }

    /// The call that a request or a question belongs to; one that is over for what comes too late.
    pub(super) fn asking(&self, scope: &v8::PinScope<'_, '_>) -> Rc<Call> {
        match self.turn(scope) {
            Turn::Of(call) => call,
            Turn::Past => Rc::clone(&self.past),
            Turn::Nobodys => Rc::clone(&self.current()),
        }
    }

    /// The call of this number; of another number, or where there is one at a time, the one that is asked for by 0.
    pub(super) fn numbered(&self, number: u64) -> Rc<Call> {
        let calls = self.calls.borrow();
        match &*calls {
            Some(calls) if number > 0 => Rc::clone(calls.get(&number).unwrap_or(&self.past)),
            _ => Rc::clone(&self.current()),
        }
    }

    /// Writes a line of the log: that of the call whose code runs, or when it is over of the youngest.
    pub(super) fn log(&self, scope: &v8::PinScope<'_, '_>, level: LogLevel, text: &str) {
        self.running(scope).unwrap_or_else(|| Rc::clone(&self.current())).log(level, text);
    }

    /// The code that runs failed. A fatal failure stops it where it is, unless others run beside it; then its call alone fails.
    pub(super) fn fail(&self, scope: &mut v8::PinScope<'_, '_>, error: FunctionError, fatal: bool) {
        match self.turn(scope) {
            Turn::Of(call) => {
                call.finish(Outcome::Failed { error, fatal });
                if fatal && self.calls.borrow().is_none() {
                    scope.terminate_execution();
                }
            }
            Turn::Past if fatal => {
                let text = format!("after the answer: {}: {}", error.error_type, error.message);
                self.current().log(LogLevel::Error, &text);
            }
            Turn::Nobodys if fatal => self.end_all(scope, error),
            Turn::Past | Turn::Nobodys => {}
        }
    }

    /// The code that runs ended the environment.
    pub(super) fn end_all(&self, scope: &mut v8::PinScope<'_, '_>, error: FunctionError) {
        if let Some(call) = self.running(scope) {
            call.finish(Outcome::Failed { error: error.clone(), fatal: true });
        }
        self.doom.borrow_mut().get_or_insert(error);
        scope.terminate_execution();
    }

    /// Why the environment ends with all of its calls, if it does.
    pub(super) fn doom(&self) -> Option<FunctionError> {
        self.doom.borrow().clone()
    }

    /// Whether promises given to `waitUntil` are unsettled, where there is one call at a time.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.get() > 0
    }

    /// How many of them.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.get()
    }

    /// One more promise was given to `waitUntil`, or one is settled.
    pub(super) fn count_waiting(&self, number: u64, more: bool) {
        let count = |waiting: &Cell<u32>| {
            waiting.set(if more { waiting.get().saturating_add(1) } else { waiting.get().saturating_sub(1) });
        };
        match &*self.calls.borrow() {
            Some(calls) => drop(calls.get(&number).map(|call| count(&call.waiting))),
            None => count(&self.waiting),
        }
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
}

/// The number of the call whose code runs, where calls run side by side; `None` where they do not, and for what no call began.
pub(super) fn number_of_turn(scope: &v8::PinScope<'_, '_>) -> Option<u64> {
    let data = scope.get_continuation_preserved_embedder_data();
    let data = v8::Local::<v8::Object>::try_from(data).ok()?;
    let key = v8::String::new_from_onebyte_const(scope, &CALL)?;
    let number = data.get(scope, key.into())?.integer_value(scope)?;
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// The name under which `invoke` keeps the number of a call.
static CALL: v8::OneByteConst = v8::String::create_external_onebyte_const(b"call");
