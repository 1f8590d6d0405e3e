//! What becomes of requests: a server at which too many fail within a while is left alone, each time longer.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::standing::{Standing, micros};
use crate::config::front::Ejection;
use crate::front::balance::backend::Moment;
use crate::front::balance::lock;

/// What is remembered of a server's failures.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When the last ones were, as many as eject.
    failures: VecDeque<Moment>,
    /// How often in a row it was ejected.
    times: u32,
}

impl Standing {
    /// A request succeeded: a server that came back is trusted as any other again.
    pub(in crate::front::balance) fn succeeded(&self, now: Moment, rules: &Ejection) {
        // What ends well while the server is left alone was sent before.
        if self.on_probation.load(Ordering::Relaxed) && !self.is_ejected(now, rules.max_time) {
            self.on_probation.store(false, Ordering::Relaxed);
        }
    }

    /// A request failed. For how long the server is left alone, if it is from now; `may` says whether another one may be.
    ///
    /// One that comes back is on probation: if its first request fails, it goes again.
    pub(in crate::front::balance) fn failed(
        &self,
        now: Moment,
        rules: &Ejection,
        what: &str,
        may: impl FnOnce() -> bool,
    ) -> Option<Duration> {
        if rules.failures == 0 || self.is_ejected(now, rules.max_time) {
            return None;
        }
        let mut record = lock(&self.record);
        let enough = usize::try_from(rules.failures).unwrap_or(usize::MAX);
        record.failures.push_back(now);
        while record.failures.len() > enough {
            record.failures.pop_front();
        }
        let first = record.failures.front().copied().unwrap_or(now);
        let too_many = record.failures.len() == enough && now.saturating_sub(first) <= micros(rules.window);
        let relapse = self.on_probation.load(Ordering::Relaxed);
        if !(too_many || relapse) || !may() {
            return None;
        }
        let ended = self.ejected_until.load(Ordering::Relaxed);
        let forgotten = now.saturating_sub(ended) > micros(rules.max_time);
        record.times = if forgotten { 1 } else { record.times.saturating_add(1) };
        record.failures.clear();
        let time = rules.time.saturating_mul(1_u32.checked_shl(record.times - 1).unwrap_or(u32::MAX)).min(rules.max_time);
        let until = now.saturating_add(micros(time));
        self.ejected_until.store(until, Ordering::Relaxed);
        self.rise(until);
        self.on_probation.store(true, Ordering::Relaxed);
        *lock(&self.why) = Some(if relapse {
            format!("a request failed when it was just back: {what}")
        } else {
            format!("{} requests failed within {:?}, the last: {what}", rules.failures, rules.window)
        });
        Some(time)
    }
}
