//! A leaky bucket, as nginx's `limit_req` has it: requests fill it, time empties it at the rate.

use std::time::{Duration, Instant};

use crate::config::front::Rate;

/// What one client has asked of late.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Requests that came before their turn, in fractions of one.
    excess: f64,
    at: Instant,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    /// It is in time, or within the burst; by the rate alone its turn comes after this long.
    After(Duration),
    /// It is too many. After this long one more would be let in.
    Never(Duration),
}

impl Bucket {
    /// Of a client that is seen for the first time.
    pub(super) const fn new(now: Instant) -> Self {
        // Its first request takes the place that is always there.
        Self { excess: -1.0, at: now }
    }

    /// Counts one more request, if it is let in.
    pub(super) fn take(&mut self, rate: Rate, burst: u32, now: Instant) -> Turn {
        let per_second = f64::from(rate.requests) / rate.per.as_secs_f64();
        let drained = now.saturating_duration_since(self.at).as_secs_f64() * per_second;
        let excess = (self.excess - drained).max(-1.0) + 1.0;
        let beyond = excess - f64::from(burst);
        // A request that is early by less than a thousandth is in time: nginx counts in thousandths, too.
        if beyond > 0.001 {
            return Turn::Never(Duration::from_secs_f64(beyond / per_second));
        }
        (self.excess, self.at) = (excess, now);
        Turn::After(Duration::from_secs_f64(excess.max(0.0) / per_second))
    }
}
