//! Calls side by side in one isolate.
//!
//! One turn of the event loop serves all of them. Each has its own deadline, streams and log; a call that runs out of time while it
//! waits fails alone, and the server gives the environment no further ones. What ends the isolate (memory, `process.exit`, code that
//! does not yield until the last deadline) ends all of them.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::{Environment, IDLE};
use crate::isolate::channel::Frame;
use crate::isolate::failure;
use crate::isolate::host::{self, Outcome};
use crate::isolate::protocol::{Answer, FromWorker, FunctionError, HttpResponse, Invoke, LogLevel, ToWorker, Usage, call_of};
use crate::isolate::runtime::arguments::Call;
use crate::isolate::runtime::engine::Which;
use crate::isolate::runtime::meter::{heap_bytes, micros};
use crate::sys::worker::thread_cpu_time;

/// The calls under way, by number.
type Going = BTreeMap<u64, One>;

/// A call under way.
struct One {
    call: Rc<host::Call>,
    request_id: String,
    timeout: Duration,
    began: Instant,
    /// When it must have been answered; after the answer, when its promises must be settled.
    deadline: Instant,
    /// Its share of the CPU time of the turns since it began.
    cpu: Duration,
    /// Whether it has its answer, and only promises go on.
    answered: bool,
}

/// Why turns are left off.
enum Left {
    /// No call is under way.
    Idle,
    /// The server hung up.
    Alone,
    /// The isolate is at its end; `None` when the last deadline has passed.
    Ended(Option<FunctionError>),
}

impl Environment {
    /// Serves calls side by side until the server hangs up or a fault ends the environment.
    pub(super) async fn serve_shared(mut self) -> io::Result<()> {
        self.engine.host.share();
        let mut going = Going::new();
        while let Some(frame) = self.first().await? {
            let mut left = self.take(&mut going, frame)?;
            while left.is_none() {
                let until = going.values().map(|one| one.deadline).min().unwrap_or_else(Instant::now);
                let turns = poll_fn(|context| self.turn(&mut going, context));
                left = match tokio::time::timeout_at(until, turns).await {
                    Ok(left) => Some(left?),
                    Err(_) => self.expire(&mut going)?,
                };
            }
            self.channel.flush().await?;
            match left {
                Some(Left::Ended(error)) => return self.end(going, error).await,
                Some(Left::Alone) => return Ok(()),
                Some(Left::Idle) | None => {}
            }
        }
        Ok(())
    }

    /// The frame that begins the next call, while nothing runs. What is about a call that is over is dropped.
    async fn first(&mut self) -> io::Result<Option<Frame>> {
        let mut tidy = false;
        loop {
            let frame = match tokio::time::timeout(IDLE, self.channel.receive()).await {
                Ok(frame) => frame?,
                Err(_) if tidy => self.channel.receive().await?,
                Err(_) => {
                    self.engine.tidy();
                    tidy = true;
                    continue;
                }
            };
            if frame.as_ref().is_none_or(|frame| call_of_frame(&frame.message).is_none()) {
                return Ok(frame);
            }
        }
    }

    /// Takes what the server says: a call begins, or it is about the streams of one.
    fn take(&mut self, going: &mut Going, frame: Frame) -> io::Result<Option<Left>> {
        if let Some(number) = call_of_frame(&frame.message) {
            if let Some(one) = going.get(&number) {
                one.call.streams().take(frame);
            }
            return Ok(None);
        }
        let ToWorker::Invoke(invoke) = frame.message else {
            return Err(io::Error::other("an environment is assigned once, and after that only invoked"));
        };
        Ok(self.begin(going, *invoke, frame.body)?.map(Left::Ended))
    }

    fn begin(&mut self, going: &mut Going, invoke: Invoke, body: Vec<u8>) -> io::Result<Option<Option<FunctionError>>> {
        let before = thread_cpu_time();
        let (began, timeout) = (Instant::now(), Duration::from_millis(invoke.timeout_ms));
        let call = self.engine.host.begin(invoke.call);
        let request_id = invoke.request_id.clone();
        let deadline = began + timeout;
        let one = One { call: Rc::clone(&call), request_id, timeout, began, deadline, cpu: Duration::ZERO, answered: false };
        going.insert(invoke.call, one);
        self.push(&FromWorker::Began { call: invoke.call }, &[])?;
        self.arm(going);
        let number = invoke.call;
        let source = invoke.streamed.then(|| self.engine.open_request(call));
        self.engine.call(Which::Invoke, Call { shared: true, invoke, body, source });
        if let Some(one) = going.get_mut(&number) {
            one.cpu = thread_cpu_time().saturating_sub(before);
        }
        Ok(self.over())
    }

    /// Lets what runs now run until the last deadline.
    fn arm(&self, going: &Going) {
        let last = going.values().map(|one| one.deadline).max().unwrap_or_else(Instant::now);
        self.watchdog.arm(last.saturating_duration_since(Instant::now()));
    }

    /// Stops the clock; tells whether the isolate is at its end, and why.
    fn over(&self) -> Option<Option<FunctionError>> {
        let late = self.watchdog.disarm();
        if self.engine.heap.is_exhausted() {
            return Some(Some(failure::out_of_memory(self.engine.heap.limit())));
        }
        self.engine.host.doom().map(Some).or_else(|| late.then_some(None))
    }

    /// Takes what has come, runs the event loop once and sends what came of it.
    fn turn(&mut self, going: &mut Going, context: &mut Context<'_>) -> Poll<io::Result<Left>> {
        while let Poll::Ready(received) = self.channel.poll_receive(context) {
            let Some(frame) = received? else { return Poll::Ready(Ok(Left::Alone)) };
            if let Some(left) = self.take(going, frame)? {
                return Poll::Ready(Ok(left));
            }
        }
        let before = thread_cpu_time();
        self.arm(going);
        let turned = self.engine.poll(context);
        if let Some(error) = self.over() {
            return Poll::Ready(Ok(Left::Ended(error)));
        }
        if let Poll::Ready(Err(error)) = turned {
            return Poll::Ready(Ok(Left::Ended(Some(failure::from_core(&error)))));
        }
        let share = thread_cpu_time().saturating_sub(before) / u32::try_from(going.len()).unwrap_or(u32::MAX).max(1);
        let mut done = Vec::new();
        for (number, one) in going.iter_mut() {
            one.cpu += share;
            one.call.streams().poll(context);
            if one.call.has_outcome() || (one.answered && one.call.waiting() == 0) {
                done.push(*number);
            }
        }
        for number in done {
            self.conclude(going, number)?;
        }
        self.channel.poll_flush(context);
        if going.is_empty() { Poll::Ready(Ok(Left::Idle)) } else { Poll::Pending }
    }

    /// Tells of an outcome, or that promises are settled.
    fn conclude(&mut self, going: &mut Going, number: u64) -> io::Result<()> {
        let Some(one) = going.get_mut(&number) else { return Ok(()) };
        let outcome = one.call.take_outcome();
        if one.answered {
            if let Some(Outcome::Failed { error, .. }) = outcome {
                let text = format!("after the answer: {}: {}", error.error_type, error.message);
                one.call.log(LogLevel::Error, &text);
            }
            if one.call.waiting() == 0 {
                self.forget(going, number);
                self.push(&FromWorker::Settled { call: number }, &[])?;
            }
            return Ok(());
        }
        let Some(outcome) = outcome else { return Ok(()) };
        let waiting = one.call.waiting() > 0;
        let usage = usage(one, heap_bytes(&mut self.engine.runtime));
        let whole = |http| FromWorker::Answer(Box::new(Answer { call: number, http, usage, waiting }));
        let (message, body) = match outcome {
            Outcome::Event(json) => (whole(None), json),
            Outcome::Http(status, headers, body) => (whole(Some(HttpResponse { status, headers })), body),
            Outcome::Streamed => (FromWorker::Finished { call: number, usage, waiting }, Vec::new()),
            Outcome::Loaded => (whole(None), Vec::new()),
            Outcome::Failed { error, fatal } => {
                self.forget(going, number);
                return self.push(&FromWorker::Failed { call: number, error, fatal, usage }, &[]);
            }
        };
        if waiting {
            one.answered = true;
            one.deadline = Instant::now() + one.timeout;
        } else {
            self.forget(going, number);
        }
        self.push(&message, &body)
    }

    /// Ends the calls whose time is over.
    fn expire(&mut self, going: &mut Going) -> io::Result<Option<Left>> {
        let now = Instant::now();
        let late: Vec<u64> = going.iter().filter(|(_, one)| one.deadline <= now).map(|(number, _)| *number).collect();
        for number in late {
            let Some(one) = going.get(&number) else { continue };
            if one.answered {
                self.forget(going, number);
                self.push(&FromWorker::Settled { call: number }, &[])?;
                continue;
            }
            let error = failure::timed_out(&one.request_id, one.timeout);
            let (usage, wait_until) = (usage(one, heap_bytes(&mut self.engine.runtime)), one.call.waiting());
            let mut pending = self.engine.pending(false);
            (pending.call, pending.wait_until) = (number, wait_until);
            self.forget(going, number);
            self.push(&FromWorker::Pending(Box::new(pending)), &[])?;
            self.push(&FromWorker::Failed { call: number, error, fatal: true, usage }, &[])?;
        }
        Ok(going.is_empty().then_some(Left::Idle))
    }

    /// The isolate is at its end, and with it all calls; without an error since their time is over.
    async fn end(mut self, going: Going, error: Option<FunctionError>) -> io::Result<()> {
        let heap = heap_bytes(&mut self.engine.runtime);
        for (number, one) in going.into_iter().filter(|(_, one)| !one.answered) {
            let error = match (one.call.take_outcome(), &error) {
                (Some(Outcome::Failed { error, .. }), _) => error,
                (_, None) => failure::timed_out(&one.request_id, one.timeout),
                (_, Some(error)) if self.engine.heap.is_exhausted() => error.clone(),
                (_, Some(error)) => failure::ended_beside(error),
            };
            self.push(&FromWorker::Failed { call: number, error, fatal: true, usage: usage(&one, heap) }, &[])?;
        }
        self.channel.flush().await
    }

    fn forget(&self, going: &mut Going, number: u64) {
        if let Some(one) = going.remove(&number) {
            self.engine.host.end(&one.call);
        }
    }

    fn push(&self, message: &FromWorker, body: &[u8]) -> io::Result<()> {
        self.channel.outbox().push(message, body).map_err(io::Error::other)
    }
}

fn usage(one: &One, heap_bytes: u64) -> Usage {
    Usage { wall_us: micros(one.began.elapsed()), cpu_us: micros(one.cpu), heap_bytes }
}

/// The call that a frame is about, unless it begins one.
fn call_of_frame(message: &ToWorker) -> Option<u64> {
    match message {
        ToWorker::Chunk { stream, .. }
        | ToWorker::Abort { stream, .. }
        | ToWorker::Credit { stream, .. }
        | ToWorker::FetchFailed { stream, .. } => Some(call_of(*stream)),
        ToWorker::FetchHead(head) => Some(call_of(head.stream)),
        ToWorker::Answered { call, .. } => Some(*call),
        ToWorker::Compile(_) | ToWorker::Assign(_) | ToWorker::Invoke(_) => None,
    }
}
