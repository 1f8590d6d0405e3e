//! What functions log, and the records of their calls: buffered in memory, written in batches, kept within a bound.
//!
//! A call must not wait for its log, and a function that is called ten thousand times a second must not fill the disk: lines go
//! to a buffer of their function, which holds no more than is kept of a function anyway; what is overwritten before it could be
//! written is counted and said. A reader flushes first, so whoever has a call's answer finds the call's lines.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::error::Result;
use super::metering::{Report, milliseconds};
use super::model::LATEST;
use super::queries;
use crate::db::Db;
use crate::isolate::protocol::LogLevel;
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionId, RequestId, Timestamp};

/// How often buffers are written out.
const FLUSH_EVERY: Duration = Duration::from_secs(2);

/// Text a buffer holds at the most, in bytes.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// What is kept of a call's log for its answer, in bytes, as AWS Lambda does.
const TAIL: usize = 4096;

/// The most lines a buffer holds.
const BUFFER_LINES: usize = 10_000;

/// The functions' log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Logs(Arc<Shared>);

struct Shared {
    buffers: Mutex<HashMap<FunctionId, Arc<Buffer>>>,
    db: Db,
    clock: Clock,
    /// Lines kept for each function.
    keep: u64,
    /// A buffer is getting full.
    hurry: Arc<Notify>,
}

/// The lines of one function that are not written yet.
#[derive(Debug)]
pub(super) struct Buffer {
    function: FunctionId,
    lines: Mutex<Lines>,
    /// Held while lines are on their way to the database, so that a reader waits for them.
    writing: tokio::sync::Mutex<()>,
    clock: Clock,
    most: usize,
    hurry: Arc<Notify>,
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
pub(super) enum What {
    /// A line of the function's own.
    Line(LogLevel, String),
    InitStart,
    /// Initialisation failed: how long it took, and how it ended.
    InitReport(Duration, &'static str),
    /// With its version's number; `None` is `$LATEST`.
    Start(Option<i64>),
    /// The call's failure, as the caller was told.
    Failed(String),
    End,
    Report(Box<Report>),
}

/// The end of one call's log, for whoever made the call.
#[derive(Debug, Default)]
pub(super) struct Tail {
    text: String,
}

/// A line as it is kept.
#[derive(Clone, Debug)]
pub(super) struct LogEntry {
    pub(super) at: Timestamp,
    pub(super) request: RequestId,
    /// `function` or `platform`.
    pub(super) kind: String,
    pub(super) level: String,
    pub(super) text: String,
}

/// Which lines are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) function: FunctionId,
    pub(super) since: Option<Timestamp>,
    pub(super) request: Option<RequestId>,
    pub(super) limit: u32,
}

impl Logs {
    /// Starts the writer. It ends at the soft stop; [`Logs::flush_all`] then writes what came after.
    pub(super) fn start(db: Db, clock: Clock, keep: u64, tasks: &Tasks) -> Self {
        let shared = Shared { buffers: Mutex::default(), db, clock, keep, hurry: Arc::default() };
        let logs = Self(Arc::new(shared));
        let (writer, stop) = (logs.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            while !stop.is_stopping() {
                tokio::select! {
                    () = tokio::time::sleep(FLUSH_EVERY) => {}
                    () = writer.0.hurry.notified() => {}
                    () = stop.soft_stopped() => {}
                }
                writer.flush_all().await;
            }
        }));
        logs
    }

    /// The buffer of a function.
    pub(super) fn buffer(&self, function: FunctionId) -> Arc<Buffer> {
        let mut buffers = self.0.buffers();
        let buffer = buffers.entry(function).or_insert_with(|| {
            Arc::new(Buffer {
                function,
                lines: Mutex::default(),
                writing: tokio::sync::Mutex::default(),
                clock: self.0.clock.clone(),
                most: usize::try_from(self.0.keep).unwrap_or(BUFFER_LINES).min(BUFFER_LINES),
                hurry: Arc::clone(&self.0.hurry),
            })
        });
        Arc::clone(buffer)
    }

    /// The newest lines of a function that match, in order, with all that was logged until now.
    pub(super) async fn read(&self, wanted: &Wanted) -> Result<Vec<LogEntry>> {
        self.flush(&self.buffer(wanted.function)).await?;
        let mut conn = self.0.db.read().await?;
        Ok(queries::logs::find(&mut conn, wanted).await?)
    }

    /// Removes all lines of a function.
    pub(super) async fn forget(&self, function: FunctionId) -> Result<()> {
        self.0.buffers().remove(&function);
        self.0.db.write(move |tx| Box::pin(async move { queries::logs::delete(tx, function).await })).await?;
        Ok(())
    }

    /// Writes out every buffer.
    pub(super) async fn flush_all(&self) {
        let buffers: Vec<_> = self.0.buffers().values().cloned().collect();
        for buffer in buffers {
            if let Err(err) = self.flush(&buffer).await {
                tracing::error!(function_id = %buffer.function, "a function's log lines are lost: {err}");
            }
        }
    }

    async fn flush(&self, buffer: &Buffer) -> Result<()> {
        let _writing = buffer.writing.lock().await;
        let (function, keep) = (buffer.function, self.0.keep);
        let lines = Arc::new(buffer.take());
        if lines.is_empty() {
            return Ok(());
        }
        let written = self.0.db.write(move |tx| {
            let lines = Arc::clone(&lines);
            Box::pin(async move {
                queries::logs::insert(tx, function, &lines).await?;
                queries::logs::prune(tx, function, keep).await
            })
        });
        Ok(written.await?)
    }
}

impl Shared {
    fn buffers(&self) -> MutexGuard<'_, HashMap<FunctionId, Arc<Buffer>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds lines, in order, all of this moment.
    pub(super) fn push(&self, request: RequestId, what: impl IntoIterator<Item = What>) {
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
        if lines.bytes > BUFFER_BYTES / 2 {
            drop(lines);
            self.hurry.notify_one();
        }
    }

    /// Takes all lines, as text.
    fn take(&self) -> Vec<LogEntry> {
        let taken = std::mem::take(&mut *self.lines());
        let mut entries: Vec<_> = taken.entries.into_iter().map(Entry::into_text).collect();
        if let (Some(first), 1..) = (entries.first(), taken.dropped) {
            let text = format!("{} older lines were dropped: they came faster than they are kept", taken.dropped);
            let said = LogEntry { kind: "platform".to_owned(), level: "WARN".to_owned(), text, ..first.clone() };
            entries.insert(0, said);
        }
        entries
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    /// What it weighs in a buffer, in bytes; the same before and after.
    const fn size(&self) -> usize {
        match self {
            Self::Line(_, text) | Self::Failed(text) => text.len() + 64,
            _ => 64,
        }
    }
}

impl Entry {
    fn into_text(self) -> LogEntry {
        let Self { at, request, what } = self;
        let (kind, level, text) = match what {
            What::Line(level, text) => ("function", level, text),
            What::Failed(text) => ("platform", LogLevel::Error, text),
            record => ("platform", LogLevel::Info, record.line(request)),
        };
        // PostgreSQL's text holds no NUL.
        let text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        LogEntry { at, request, kind: kind.to_owned(), level: level_name(level).to_owned(), text }
    }
}

impl What {
    /// A line as it reads, without its time and level.
    fn line(&self, request: RequestId) -> String {
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
}

impl Tail {
    /// Adds a line, in the form that AWS Lambda's text logs have.
    pub(super) fn push(&mut self, at: Timestamp, request: RequestId, what: &What) {
        let line = what.line(request);
        let at = at.to_chrono().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        match what {
            What::Line(level, _) => self.add(&format!("{at}\t{request}\t{}\t{}", level_name(*level), line.replace('\n', "\r"))),
            What::Failed(_) => self.add(&format!("{at}\t{request}\tERROR\tInvoke Error \t{line}")),
            _ => self.add(&line),
        }
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        // Cut now and then, not at every line.
        if self.text.len() > 2 * TAIL {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let from = self.text.ceil_char_boundary(self.text.len().saturating_sub(TAIL));
        self.text.drain(..from);
    }

    /// The last 4 KB.
    pub(super) fn into_text(mut self) -> String {
        self.cut();
        self.text
    }
}

const fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "TRACE",
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARN",
        LogLevel::Error => "ERROR",
    }
}
