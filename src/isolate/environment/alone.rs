//! One call at a time.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::turn::{Stop, poll_streams};
use super::{Environment, Health, IDLE};
use crate::isolate::channel::Frame;
use crate::isolate::failure;
use crate::isolate::host::Outcome;
use crate::isolate::protocol::{Answer, FromWorker, FunctionError, HttpResponse, Invoke, LogLevel, ToWorker};
use crate::isolate::runtime::arguments::Call;
use crate::isolate::runtime::engine::Which;
use crate::isolate::runtime::meter::Meter;

/// What happened while promises went on after an answer.
enum Meanwhile {
    /// The server said something, or hung up.
    Frame(io::Result<Option<Frame>>),
    /// They are settled, or can wait for the next call.
    Quiet,
    /// They failed in a way that ends the environment.
    Broken,
}

impl Environment {
    /// Serves calls one after the other until the server hangs up or a fault ends the environment.
    pub(super) async fn serve_alone(mut self) -> io::Result<()> {
        while let Some(Frame { message, body }) = self.next().await? {
            let ToWorker::Invoke(invoke) = message else {
                return Err(io::Error::other("an environment is assigned once, and after that only invoked"));
            };
            if self.call(*invoke, body).await? == Health::Broken {
                break;
            }
        }
        Ok(())
    }

    async fn call(&mut self, invoke: Invoke, body: Vec<u8>) -> io::Result<Health> {
        let meter = Meter::start();
        let timeout = Duration::from_millis(invoke.timeout_ms);
        let Invoke { call, request_id, .. } = &invoke;
        let (call, request_id) = (*call, request_id.clone());
        let going = self.engine.host.begin(call);
        self.waits = false;
        self.watchdog.arm(timeout);
        let source = invoke.streamed.then(|| self.engine.open_request(going));
        self.engine.call(Which::Invoke, Call { shared: false, invoke, body, source });
        let failed = if self.is_over() { None } else { self.finish(Instant::now() + timeout).await };
        let limit = self.limit_reached(|| failure::timed_out(&request_id, timeout));
        let outcome = match (limit.or(failed), self.engine.host.current().take_outcome()) {
            (Some(error), _) => Outcome::Failed { error, fatal: true },
            (None, Some(outcome)) => outcome,
            (None, None) => Outcome::Failed { error: failure::never_settled("the handler"), fatal: true },
        };
        let usage = meter.read(&mut self.engine.runtime);
        let waiting = self.engine.host.is_waiting();
        self.patience = timeout;
        let (message, body) = match outcome {
            Outcome::Event(json) => (FromWorker::Answer(Box::new(Answer { call, http: None, usage, waiting })), json),
            Outcome::Http(status, headers, body) => {
                let http = Some(HttpResponse { status, headers });
                (FromWorker::Answer(Box::new(Answer { call, http, usage, waiting })), body)
            }
            Outcome::Streamed => (FromWorker::Finished { call, usage, waiting }, Vec::new()),
            Outcome::Loaded => (FromWorker::Answer(Box::new(Answer { call, http: None, usage, waiting })), Vec::new()),
            Outcome::Failed { error, fatal } => {
                self.tell_pending(&error)?;
                self.engine.host.current().streams().close();
                self.send(&FromWorker::Failed { call, error, fatal, usage }, &[]).await?;
                self.owes_settled = None;
                return Ok(if fatal { Health::Broken } else { Health::Sound });
            }
        };
        self.owes_settled = waiting.then_some(call);
        if !waiting {
            self.engine.host.current().streams().close();
        }
        self.send(&message, &body).await?;
        Ok(Health::Sound)
    }

    /// Runs the event loop until the call under way has an outcome; an error is one that no script could catch.
    async fn finish(&mut self, deadline: Instant) -> Option<FunctionError> {
        loop {
            match self.run(deadline, |_| Poll::<()>::Pending).await {
                Stop::Over | Stop::Ready(()) => return None,
                Stop::Failed(error) => return Some(failure::from_core(&error)),
                Stop::Drained => {
                    self.engine.call(Which::Drained, ());
                    if !self.engine.has_work() {
                        return None;
                    }
                }
            }
            if self.is_over() {
                return None;
            }
        }
    }

    /// The next frame; `None` when the environment ends. Meanwhile promises that `waitUntil` was given go on.
    async fn next(&mut self) -> io::Result<Option<Frame>> {
        if self.engine.host.is_waiting() {
            let meanwhile = self.go_on().await;
            let late = self.watchdog.disarm();
            match meanwhile {
                Meanwhile::Frame(frame) if !late => return frame,
                Meanwhile::Quiet if !late => {}
                _ => {
                    self.channel.flush().await?;
                    return Ok(None);
                }
            }
        }
        if let Some(call) = self.owes_settled.take() {
            self.engine.host.current().streams().close();
            self.send(&FromWorker::Settled { call }, &[]).await?;
        }
        if let Ok(frame) = tokio::time::timeout(IDLE, self.receive()).await {
            return frame;
        }
        self.engine.tidy();
        self.receive().await
    }

    /// The next frame that is about more than a stream.
    async fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            let Some(frame) = self.channel.receive().await? else { return Ok(None) };
            if let Some(frame) = self.engine.host.current().streams().take(frame) {
                return Ok(Some(frame));
            }
        }
    }

    /// Runs the event loop until the promises are settled, the next frame is there, or their time is over: then they are frozen.
    async fn go_on(&mut self) -> Meanwhile {
        // Only a script that does not yield makes the watchdog fire.
        self.watchdog.arm(self.patience + Duration::from_millis(100));
        let (engine, watchdog, channel) = (&mut self.engine, &self.watchdog, &mut self.channel);
        let turns = poll_fn(|context| {
            let turn = engine.poll(context);
            if let Poll::Ready(frame) = poll_streams(engine, channel, context) {
                return Poll::Ready(Meanwhile::Frame(frame));
            }
            if let Some(Outcome::Failed { error, .. }) = engine.host.current().take_outcome() {
                let text = format!("after the answer: {}: {}", error.error_type, error.message);
                engine.host.current().log(LogLevel::Error, &text);
                return Poll::Ready(Meanwhile::Broken);
            }
            match turn {
                _ if watchdog.has_fired() || engine.heap.is_exhausted() => Poll::Ready(Meanwhile::Broken),
                Poll::Ready(Err(_)) => Poll::Ready(Meanwhile::Broken),
                Poll::Ready(Ok(())) => Poll::Ready(Meanwhile::Quiet),
                Poll::Pending if !engine.host.is_waiting() => Poll::Ready(Meanwhile::Quiet),
                Poll::Pending => Poll::Pending,
            }
        });
        tokio::time::timeout(self.patience, turns).await.unwrap_or(Meanwhile::Quiet)
    }
}
