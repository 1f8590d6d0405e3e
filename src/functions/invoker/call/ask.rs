//! Questions of a call to the platform's modules, each a task of its own.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use metrics::counter;
use tokio::sync::mpsc::UnboundedSender;

use super::wire::{Context, Event, Task};
use crate::functions::egress::{Asker, permit};
use crate::isolate::protocol::{ASK_WINDOW, Answered, Ask, MAX_ASKING, Question};

/// How many questions beyond its limit a worker may ask before it is ended.
const PATIENCE: u64 = 10_000;

/// The questions of a phase that have no answer yet.
#[derive(Default)]
pub(super) struct Asking {
    last: u64,
    /// With their sizes.
    open: HashMap<u64, (usize, Task)>,
    bytes: usize,
}

impl Asking {
    /// Looks at a question that has come; the error is what the worker must not do. False when it is one too many of `most`.
    pub(super) fn take(&mut self, ask: &Ask, body: usize, most: usize) -> Result<bool, &'static str> {
        if ask.number != self.last + 1 {
            return Err("a question's number does not count up");
        }
        let size = ask.question.size() + body;
        if self.open.len() >= MAX_ASKING || (!self.open.is_empty() && self.bytes + size > ASK_WINDOW) {
            return Err("too many questions wait for their answer");
        }
        self.last = ask.number;
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        if ask.number > most.saturating_add(PATIENCE) {
            return Err("it asks beyond all limits");
        }
        Ok(ask.number <= most)
    }

    /// Keeps the task that answers a question.
    pub(super) fn insert(&mut self, number: u64, size: usize, task: Task) {
        self.bytes += size;
        self.open.insert(number, (size, task));
    }

    /// The question is answered; false when it is not there.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        let removed = self.open.remove(&number);
        self.bytes -= removed.as_ref().map_or(0, |(size, _)| *size);
        removed.is_some()
    }

    /// Breaks all off.
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.bytes = 0;
    }
}

/// Answers a question, if it is allowed.
pub(super) async fn run(
    context: Arc<Context>,
    asker: Asker,
    (number, question): (u64, Question),
    body: Bytes,
    events: UnboundedSender<Event>,
) {
    let module = question.module();
    let reply = match permit(&context.permissions, &question) {
        Ok(()) => context.platform.answer(asker, question, body).await,
        Err(refused) => refused,
    };
    let outcome = if matches!(reply.0, Answered::Refused { .. }) { "refused" } else { "ok" };
    counter!("plinth_function_platform_calls_total", "module" => module, "outcome" => outcome).increment(1);
    let _ = events.send(Event::Answered { number, reply });
}
