//! Takes the lines a function logs during one phase, within its limit.

use std::sync::Arc;

use crate::functions::logs::{Buffer, Excerpt, What};
use crate::isolate::protocol::{LogLevel, LogLine};
use crate::types::RequestId;

/// What a line weighs beside its text, so that empty lines are not free.
const LINE_COST: usize = 16;

/// A worker drops what is beyond the limit by itself; one that sends this many times as much is not to be trusted.
const PATIENCE: usize = 64;

/// Counts what one call logs.
#[derive(Debug)]
pub(super) struct Tap {
    log: Arc<Buffer>,
    request: RequestId,
    left: usize,
    /// What the worker may still send before it is ended.
    patience: usize,
    cut: bool,
    excerpt: Option<Excerpt>,
}

impl Tap {
    /// A tap for a worker that drops what is beyond `limit` by itself: this one only bounds what an untrue worker sends.
    pub(super) const fn new(log: Arc<Buffer>, request: RequestId, limit: usize) -> Self {
        Self { log, request, left: limit.saturating_mul(2), patience: limit.saturating_mul(PATIENCE), cut: false, excerpt: None }
    }

    /// The same, which keeps the end of what passes it.
    pub(super) fn with_excerpt(mut self) -> Self {
        self.excerpt = Some(Excerpt::default());
        self
    }

    /// The end of what passed, when it was kept.
    pub(super) fn take_excerpt(&mut self) -> Option<String> {
        self.excerpt.take().map(Excerpt::into_text)
    }

    /// Logs lines of the call.
    pub(super) fn push<const N: usize>(&mut self, what: [What; N]) {
        let Some(excerpt) = &mut self.excerpt else { return self.log.push(self.request, what) };
        let what = what.map(|what| self.log.concealed(what));
        what.iter().for_each(|what| excerpt.push(self.log.now(), self.request, what));
        self.log.push(self.request, what);
    }

    /// Takes a line; false when the worker floods beyond all limits.
    pub(super) fn take(&mut self, line: LogLine) -> bool {
        let LogLine { level, mut text, .. } = line;
        let cost = text.len() + LINE_COST;
        self.patience = self.patience.saturating_sub(cost);
        if self.patience == 0 {
            return false;
        }
        if self.cut {
            return true;
        }
        if cost <= self.left {
            self.left -= cost;
            self.push([What::Line(level, text)]);
        } else {
            self.cut = true;
            text.truncate(text.floor_char_boundary(self.left));
            let notice = "the call logged more than it may; the rest is dropped (functions.log_limit)".to_owned();
            self.push([What::Line(level, text), What::Line(LogLevel::Warn, notice)]);
        }
        true
    }
}
