//! Why environments that did nothing wrong are ended, and how many were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::counter;

use super::room::NoRoom;
use crate::functions::invoker::environment::Environment;

/// Why an idle environment is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody called it for `functions.idle_timeout`.
    Idle,
    /// Another one is needed, and there are as many as there may be.
    Room,
    /// The workers hold more memory than they may.
    Memory,
}

/// How many environments were ended for which reason since the server began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::functions) struct Evicted {
    pub(in crate::functions) idle: u64,
    pub(in crate::functions) room: u64,
    pub(in crate::functions) memory: u64,
}

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Evictions {
    idle: AtomicU64,
    room: AtomicU64,
    memory: AtomicU64,
}

impl Why {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Room => "room",
            Self::Memory => "memory",
        }
    }
}

impl From<NoRoom> for Why {
    fn from(lack: NoRoom) -> Self {
        match lack {
            NoRoom::Environments => Self::Room,
            NoRoom::Memory => Self::Memory,
        }
    }
}

impl Evictions {
    /// Logs and counts the end of an environment that has been idle for so long.
    pub(super) fn record(&self, environment: &Environment, idle: Duration, why: Why) {
        let (function, version) = (environment.revision.name.as_str(), environment.revision.version_name());
        let (reason, idle_ms) = (why.as_str(), u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
        tracing::info!(function, version, reason, idle_ms, "an idle environment of {function} was ended ({reason})");
        counter!("plinth_function_evictions_total", "reason" => reason).increment(1);
        let count = match why {
            Why::Idle => &self.idle,
            Why::Room => &self.room,
            Why::Memory => &self.memory,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Evicted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Evicted { idle: read(&self.idle), room: read(&self.room), memory: read(&self.memory) }
    }
}
