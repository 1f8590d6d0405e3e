//! The lines of one function that are not written yet.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::entry::{Kind, LogEntry};
use super::mask::Mask;
use super::tail::Tail;
use crate::functions::metering::{Report, milliseconds};
use crate::functions::model::LATEST;
use crate::isolate::protocol::LogLevel;
use crate::types::{Clock, FunctionId, RequestId, Timestamp};

/// Text a buffer holds at the most, in bytes.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// The most lines a buffer holds.
const BUFFER_LINES: usize = 10_000;

/// What a line weighs beside its text, in bytes.
const LINE: usize = 64;

/// The lines of one function that are not written yet.
#[derive(Debug)]
pub(in crate::functions) struct Buffer {
    pub(super) function: FunctionId,
    lines: Mutex<Lines>,
    /// Lines that are on their way to the database, or could not be written: held meanwhile, so that a reader waits for them.
    pub(super) unwritten: tokio::sync::Mutex<Vec<LogEntry>>,
    mask: RwLock<Arc<Mask>>,
    clock: Clock,
    most: usize,
    hurry: Arc<Notify>,
    tail: Arc<Tail>,
}

#[derive(Debug, Default)]
struct Lines {
    entries: VecDeque<Entry>,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Entry {
    at: Timestamp,
    request: RequestId,
    what: What,
}

/// What is logged. Records become text when they are written, since most are overwritten before.
#[derive(Debug)]
pub(in crate::functions) enum What {
    /// A line of the function's own.
    Line(LogLevel, String),
    InitStart,
    /// Initialisation failed: how long it took, and how it ended.
    InitReport(Duration, &'static str),
    /// With its version's number; `None` is `$LATEST`.
    Start(Option<i64>),
    /// The call's failure, as the caller was told, with what is known beyond that.
    Failed(String),
    End,
    Report(Box<Report>),
}

impl Buffer {
    pub(super) fn new(function: FunctionId, clock: Clock, keep: u64, hurry: Arc<Notify>, tail: Arc<Tail>) -> Self {
        let most = usize::try_from(keep).unwrap_or(BUFFER_LINES).min(BUFFER_LINES);
        let (lines, unwritten, mask) = (Mutex::default(), tokio::sync::Mutex::default(), RwLock::default());
        Self { function, lines, unwritten, mask, clock, most, hurry, tail }
    }

    /// A buffer that nobody writes out.
    pub(in crate::functions) fn unwritten() -> Self {
        let (function, tail) = (FunctionId::random(), Arc::new(Tail::new(0)));
        Self::new(function, Clock::system(), 0, Arc::default(), tail)
    }

    /// The present moment.
    pub(in crate::functions) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Keeps values out of every line from now on.
    pub(in crate::functions) fn conceal<'v>(&self, values: impl Iterator<Item = &'v str>) {
        let mut current = self.mask.write().unwrap_or_else(PoisonError::into_inner);
        let mut mask = Mask::clone(&current);
        if mask.add(values) {
            *current = Arc::new(mask);
        }
    }

    /// A line as it may be shown.
    pub(in crate::functions) fn concealed(&self, what: What) -> What {
        let mask = self.mask();
        if mask.is_empty() { what } else { mask.conceal(what) }
    }

    fn mask(&self) -> Arc<Mask> {
        Arc::clone(&self.mask.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds lines, in order, all of this moment.
    pub(in crate::functions) fn push(&self, request: RequestId, what: impl IntoIterator<Item = What>) {
        let mask = self.mask();
        if mask.is_empty() {
            self.push_as_it_is(request, what);
        } else {
            // Before the lines are held: it may take a while.
            self.push_as_it_is(request, what.into_iter().map(|what| mask.conceal(what)).collect::<Vec<_>>());
        }
    }

    fn push_as_it_is(&self, request: RequestId, what: impl IntoIterator<Item = What>) {
        let at = self.clock.now();
        let mut lines = self.lines();
        for what in what {
            lines.bytes += what.size();
            lines.entries.push_back(Entry { at, request, what });
        }
        while lines.entries.len() > self.most || lines.bytes > BUFFER_BYTES {
            let Some(oldest) = lines.entries.pop_front() else { break };
            lines.bytes -= oldest.what.size();
            lines.dropped += 1;
        }
        let is_full = lines.bytes > BUFFER_BYTES / 2;
        drop(lines);
        if is_full {
            self.hurry.notify_one();
        }
        self.tail.wake();
    }

    /// Takes all lines, as text, behind those that could not be written; of both together no more stay than a buffer holds.
    pub(super) fn take_into(&self, unwritten: &mut Vec<LogEntry>) {
        let taken = std::mem::take(&mut *self.lines());
        let mut dropped = taken.dropped;
        unwritten.extend(taken.entries.into_iter().map(|entry| entry.into_text(self.function)));
        let (mut bytes, mut kept) = (0, 0);
        for line in unwritten.iter().rev() {
            bytes += line.text.len() + LINE;
            if kept == self.most || bytes > BUFFER_BYTES {
                break;
            }
            kept += 1;
        }
        let surplus = unwritten.len() - kept;
        dropped += u64::try_from(surplus).unwrap_or(u64::MAX);
        unwritten.drain(..surplus);
        if let (Some(first), 1..) = (unwritten.first(), dropped) {
            let text = format!("{dropped} older lines were dropped: they came faster than they are kept");
            let said = LogEntry { kind: Kind::Platform, level: LogLevel::Warn, text, ..first.clone() };
            unwritten.insert(0, said);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    /// A line as it reads, without its time and level.
    pub(super) fn line(&self, request: RequestId) -> String {
        match self {
            Self::Line(_, text) | Self::Failed(text) => text.clone(),
            Self::InitStart => format!("INIT_START Runtime Version: plinth:{}", env!("CARGO_PKG_VERSION")),
            Self::InitReport(took, status) => {
                let took = milliseconds(*took);
                format!("INIT_REPORT Init Duration: {took:.2} ms\tPhase: init\tStatus: {status}")
            }
            Self::Start(version) => {
                let version = version.map_or_else(|| LATEST.to_owned(), |number| number.to_string());
                format!("START RequestId: {request} Version: {version}")
            }
            Self::End => format!("END RequestId: {request}"),
            Self::Report(report) => report.line(&request.to_string()),
        }
    }

    /// What it weighs in a buffer, in bytes; the same before and after.
    const fn size(&self) -> usize {
        match self {
            Self::Line(_, text) | Self::Failed(text) => text.len() + LINE,
            _ => LINE,
        }
    }
}

impl Entry {
    fn into_text(self, function: FunctionId) -> LogEntry {
        let Self { at, request, what } = self;
        let (kind, level, text) = match what {
            What::Line(level, text) => (Kind::Function, level, text),
            What::Failed(text) => (Kind::Platform, LogLevel::Error, text),
            record => (Kind::Platform, LogLevel::Info, record.line(request)),
        };
        // PostgreSQL's text holds no NUL.
        let text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        LogEntry { id: 0, function, at, request, kind, level, text }
    }
}
