//! What a call cost: its phases, and the REPORT that ends its records, in AWS Lambda's words; and what all calls come to.
//!
//! ```text
//! a call ends -> Meter (this node, by the minute) -> Usage::flush -> plinth.function_usage (minutes, hours, days)
//! ```
//!
//! Counting a call costs it a lock that is hardly ever waited for. What was counted is written every few seconds, and added to
//! what is there, so the counts of several nodes add up. A crash loses what was not written.

mod counts;
mod histogram;
mod meter;
mod period;
mod usage;

use std::fmt::Write as _;
use std::time::Duration;

pub use self::counts::Counts;
pub use self::histogram::Histogram;
pub(super) use self::meter::Meter;
pub use self::period::Period;
pub(super) use self::usage::Usage;
pub use self::usage::{UsageFilter, UsageRow, UsageSummary};
use super::fault::Outcome;

const MB: u64 = 1024 * 1024;

/// The phases of one call; those that a warm call skips are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Fetching the package and checking its hash.
    pub download: Duration,
    /// Taking a spare worker or starting one, and setting its limits.
    pub environment: Duration,
    /// Loading the modules and running the code outside the handler.
    pub init: Duration,
    /// The handler.
    pub handler: Duration,
}

impl Phases {
    /// The phases as the value of a `Server-Timing` header, in milliseconds.
    #[must_use]
    pub fn server_timing(&self) -> String {
        let mut text = String::with_capacity(96);
        for (name, time) in self.named() {
            let separator = if text.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{name};dur={:.3}", milliseconds(time));
        }
        text
    }

    /// What is billed: the handler and the initialisation, rounded up to a millisecond.
    #[must_use]
    pub fn billed_ms(&self) -> u64 {
        u64::try_from((self.init + self.handler).as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
    }

    /// Each phase with its name, in order.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, Duration); 4] {
        [("download", self.download), ("environment", self.environment), ("init", self.init), ("handler", self.handler)]
    }
}

/// A duration in milliseconds, with its fraction.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What a call cost and how it ended.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) phases: Phases,
    /// Whether an environment was started for it.
    pub(super) cold: bool,
    pub(super) memory_mb: u32,
    /// The part of the environment that the call had, since others ran beside it: in thousandths.
    pub(super) share: u32,
    /// The most memory the worker ever held, in bytes.
    pub(super) peak_bytes: u64,
    pub(super) outcome: Outcome,
    /// CPU time of the function's own code, as the worker measured it; zero when the worker could not say.
    pub(super) cpu: Duration,
}

impl Report {
    /// The REPORT line.
    pub(super) fn line(&self, request: &str) -> String {
        let Phases { download, environment, init, handler } = self.phases;
        let mut line = format!(
            "REPORT RequestId: {request}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t",
            milliseconds(handler),
            self.phases.billed_ms(),
            self.memory_mb,
            self.peak_bytes.div_ceil(MB),
        );
        if self.cold {
            let columns = [("Init", init), ("Download", download), ("Start", environment)];
            line.extend(columns.map(|(name, time)| format!("{name} Duration: {:.2} ms\t", milliseconds(time))));
        }
        line.push_str("Status: ");
        line.push_str(self.outcome.as_str());
        line
    }
}
