//! A call that needs more than a frame out and a frame back, to its end, on the core runtime.
//!
//! Whoever made the call is told of the head of the answer, or of the answer, as soon as it is there; the call goes on whether or not
//! it still listens. Its time limit covers the whole of a streamed answer, and its records are written at the end of that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::body::{Piece, Upload};
use super::running::{Body, Done, FRAME, Reply, Running, Verdict};
use super::wire::{Wire, WireError};
use crate::functions::fault::Fault;
use crate::functions::invoker::start::GRACE;
use crate::isolate::protocol::{FromWorker, FunctionError, LogLine, MAX_RESPONSE};

/// How long a worker may take to read what is left for it when its call is over.
const LEFTOVERS: Duration = Duration::from_secs(1);

const OUT_OF_TURN: &str = "it says what it must not say now";

/// What a session begins with.
pub(super) struct Beginning {
    /// The first frame of the worker that is more than a plain answer.
    pub(super) frame: Option<(FromWorker, Bytes)>,
    /// The body of the request, when it is streamed.
    pub(super) upload: Option<Upload>,
}

struct Session {
    call: Box<Running>,
    wire: Wire,
    /// Told once of how the call went, or how its answer begins.
    caller: Option<oneshot::Sender<Done>>,
    streaming: bool,
}

/// Runs a call to its end.
pub(super) async fn run(call: Box<Running>, beginning: Beginning, caller: Option<oneshot::Sender<Done>>) {
    let wire = Wire::new(Arc::new(call.context()), call.number);
    let mut session = Session { call, wire, caller, streaming: false };
    let deadline = session.call.began + session.call.allowed() + GRACE;
    let verdict = match tokio::time::timeout_at(deadline, session.converse(beginning)).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(err)) => Verdict::Ended(session.fault(err).await),
        Err(_) => Verdict::Ended(Fault::TimedOut(session.call.allowed())),
    };
    session.finish(verdict).await;
}

/// Lets promises go on that were given to `waitUntil`; their call has been answered.
pub(super) async fn linger(call: Box<Running>) {
    let wire = Wire::new(Arc::new(call.context()), call.number);
    Session { call, wire, caller: None, streaming: false }.linger().await;
}

impl Session {
    async fn converse(&mut self, beginning: Beginning) -> Result<Verdict, WireError> {
        let Beginning { mut frame, upload } = beginning;
        self.call.send().await?;
        if let Some(upload) = upload {
            self.wire.stream_request(upload);
        }
        loop {
            let next = match frame.take() {
                Some((message, body)) => self.wire.take(message, body)?,
                None => Some(self.wire.next(&mut self.call.way, FRAME).await?),
            };
            let Some((message, body)) = next else { continue };
            match message {
                FromWorker::Answer(answer) if answer.call == self.call.number && !self.streaming => {
                    self.call.usage = answer.usage;
                    if body.len() > MAX_RESPONSE {
                        return Ok(Verdict::Ended(Fault::AnswerTooLarge(body.len())));
                    }
                    let reply = Reply { http: answer.http, body: Body::Whole(body) };
                    return Ok(Verdict::Answered { reply, waiting: answer.waiting });
                }
                FromWorker::Started(started) if started.call == self.call.number && self.call.may_stream && !self.streaming => {
                    self.streaming = true;
                    let body = Body::Streamed(self.wire.stream_response());
                    let reply = Reply { http: Some(started.http), body };
                    let done = self.call.begun(reply);
                    // A caller that has gone away drops the body, and so the function is told.
                    if let Some(caller) = self.caller.take() {
                        let _ = caller.send(done);
                    }
                }
                FromWorker::Finished { call, waiting, usage } if call == self.call.number && self.streaming => {
                    self.call.usage = usage;
                    let reply = Reply { http: None, body: Body::Whole(Bytes::new()) };
                    return Ok(Verdict::Answered { reply, waiting });
                }
                FromWorker::Failed { call, error, fatal, usage } if call == self.call.number => {
                    self.call.usage = usage;
                    return Ok(Verdict::failed(error, fatal, self.call.allowed()));
                }
                FromWorker::Pending(pending) if self.call.pending.is_none() => self.call.pending = Some(pending),
                FromWorker::Log(logged) => self.log(logged)?,
                _ => return Err(WireError::Broken(OUT_OF_TURN)),
            }
        }
    }

    fn log(&mut self, line: LogLine) -> Result<(), WireError> {
        if self.call.tap.take(line) { Ok(()) } else { Err(WireError::Broken("it logs beyond all limits")) }
    }

    async fn fault(&mut self, err: WireError) -> Fault {
        match err {
            WireError::Link(err) => self.call.way.fault(err).await,
            WireError::Broken(why) => {
                self.call.way.condemn(why);
                Fault::Broken
            }
            WireError::TooLong => {
                let most = self.call.limits().streamed;
                let message = format!("the streamed response is longer than {most} bytes (functions.max_streamed)");
                let error_type = "Function.ResponseSizeTooLarge".to_owned();
                Fault::Function(FunctionError { error_type, message, trace: Vec::new() })
            }
        }
    }

    /// Writes the records, gives the environment back, and only then tells whoever waits for the end: the next call finds it.
    async fn finish(mut self, verdict: Verdict) {
        let (reusable, waiting) = (verdict.is_reusable(), verdict.is_waiting());
        let well = matches!(verdict, Verdict::Answered { .. });
        let done = self.call.finish(verdict);
        let reader = self.wire.take_reader().filter(|_| well);
        let caller = self.caller.take();
        let lingering = if reusable && !waiting {
            self.give_back().await;
            None
        } else {
            Some(self).filter(|_| reusable)
        };
        if let Some(reader) = reader {
            let _ = reader.send(Piece::End);
        }
        if let Some(caller) = caller {
            let _ = caller.send(done);
        }
        if let Some(session) = lingering {
            session.linger().await;
        }
    }

    /// Serves the worker until it says that the promises are settled; one that does not is ended.
    async fn linger(mut self) {
        let until = Instant::now() + self.call.allowed() + GRACE;
        let settled = async {
            loop {
                match self.wire.next(&mut self.call.way, FRAME).await? {
                    (FromWorker::Settled { call }, _) if call == self.call.number => return Ok(()),
                    (FromWorker::Log(logged), _) => self.log(logged)?,
                    _ => return Err(WireError::Broken(OUT_OF_TURN)),
                }
            }
        };
        if let Ok(Ok(())) = tokio::time::timeout_at(until, settled).await {
            self.give_back().await;
        }
    }

    /// Gives the environment back, once the worker has what was under way to it.
    async fn give_back(self) {
        let Self { mut call, wire, .. } = self;
        let left = wire.finish(&mut call.way);
        if let Ok(Ok(())) = tokio::time::timeout(LEFTOVERS, left).await {
            call.give_back();
        }
    }
}
