//! One line as it is kept, and which lines are wanted.

use crate::isolate::protocol::LogLevel;
use crate::types::{FunctionId, RequestId, Timestamp};

/// Whose words a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::functions) enum Kind {
    /// What the function wrote.
    Function,
    /// A record of a call.
    Platform,
}

/// A line as it is kept.
#[derive(Clone, Debug)]
pub(in crate::functions) struct LogEntry {
    /// Its place in the table, counting up; 0 until it is written.
    pub(in crate::functions) id: i64,
    pub(in crate::functions) function: FunctionId,
    pub(in crate::functions) at: Timestamp,
    pub(in crate::functions) request: RequestId,
    pub(in crate::functions) kind: Kind,
    pub(in crate::functions) level: LogLevel,
    pub(in crate::functions) text: String,
}

/// Which lines are wanted: those for which everything that is said here holds.
#[derive(Clone, Debug, Default)]
pub(in crate::functions) struct Filter {
    pub(in crate::functions) function: Option<FunctionId>,
    pub(in crate::functions) request: Option<RequestId>,
    pub(in crate::functions) since: Option<Timestamp>,
    /// This level or a louder one.
    pub(in crate::functions) level: Option<LogLevel>,
    pub(in crate::functions) kind: Option<Kind>,
    /// A part of the text, letter by letter; not empty.
    pub(in crate::functions) contains: Option<String>,
}

impl Filter {
    /// Whether a line is wanted.
    pub(in crate::functions) fn matches(&self, line: &LogEntry) -> bool {
        self.function.is_none_or(|function| function == line.function)
            && self.request.is_none_or(|request| request == line.request)
            && self.since.is_none_or(|since| line.at >= since)
            && self.level.is_none_or(|level| line.level >= level)
            && self.kind.is_none_or(|kind| kind == line.kind)
            && self.contains.as_ref().is_none_or(|part| line.text.contains(part))
    }
}

impl Kind {
    pub(in crate::functions) const ALL: [Self; 2] = [Self::Function, Self::Platform];

    /// The kind as it is kept and shown.
    pub(in crate::functions) const fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Platform => "platform",
        }
    }
}

impl LogLevel {
    /// Every level, the quietest first.
    pub(in crate::functions) const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The level as it is kept and shown.
    pub(in crate::functions) const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The level with this name, in whatever case.
pub(in crate::functions) fn level_of(name: &str) -> Option<LogLevel> {
    LogLevel::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(name))
}
