//! What calls came to, added up.

use std::time::Duration;

use super::{Histogram, Report};
use crate::functions::fault::Outcome;

/// The sum of what calls came to. Sums of parts add up to the sum of the whole, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that ran, or began to.
    pub calls: i64,
    /// Those of them that failed, however they did.
    pub errors: i64,
    /// Those of them that took longer than they may.
    pub timeouts: i64,
    /// Calls that were refused, since there was no place to run.
    pub throttles: i64,
    /// Calls for which an environment was started.
    pub cold_starts: i64,
    /// The time that handlers took, in microseconds.
    pub duration_us: i64,
    /// Handlers and initialisation, each call rounded up.
    pub billed_ms: i64,
    /// The same times the memory size of the function, in MB; of an environment that calls shared each counts its part.
    pub mb_ms: i64,
    /// CPU time of the functions' own code, in microseconds, as far as it is known.
    pub cpu_us: i64,
    /// The most memory that one environment held, in bytes.
    pub peak_bytes: i64,
    /// How long handlers took.
    pub durations: Histogram,
}

impl Counts {
    /// Counts a call that ended.
    pub(super) fn record(&mut self, report: &Report) {
        let Report { phases, cold, memory_mb, share, peak_bytes, outcome, cpu } = report;
        let (one, billed) = (|yes: bool| i64::from(yes), whole(phases.billed_ms()));
        self.calls += 1;
        self.errors += one(*outcome != Outcome::Success);
        self.timeouts += one(*outcome == Outcome::Timeout);
        self.cold_starts += one(*cold);
        self.duration_us = self.duration_us.saturating_add(micros(phases.handler));
        self.billed_ms = self.billed_ms.saturating_add(billed);
        let mb_ms = billed.saturating_mul((*memory_mb).into()).saturating_mul((*share).into()) / 1000;
        self.mb_ms = self.mb_ms.saturating_add(mb_ms);
        self.cpu_us = self.cpu_us.saturating_add(micros(*cpu));
        self.peak_bytes = self.peak_bytes.max(whole(*peak_bytes));
        // A call whose initialisation failed has no handler's time.
        if !phases.handler.is_zero() {
            self.durations.record(micros(phases.handler).unsigned_abs());
        }
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.calls, other.calls),
            (&mut self.errors, other.errors),
            (&mut self.timeouts, other.timeouts),
            (&mut self.throttles, other.throttles),
            (&mut self.cold_starts, other.cold_starts),
            (&mut self.duration_us, other.duration_us),
            (&mut self.billed_ms, other.billed_ms),
            (&mut self.mb_ms, other.mb_ms),
            (&mut self.cpu_us, other.cpu_us),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
        self.durations.merge(&other.durations);
    }

    /// Whether nothing happened.
    pub(super) const fn is_empty(&self) -> bool {
        self.calls == 0 && self.throttles == 0
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
