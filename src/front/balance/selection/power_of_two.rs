//! Power of two choices: of two servers taken at random, the one whose latency times load is smaller. Nearly as good as asking all, and
//! without all clients' running to the same one.

use super::{Able, Chance, Selection};
use crate::front::balance::backend::Moment;

#[derive(Debug)]
pub(super) struct PowerOfTwo(Chance);

impl PowerOfTwo {
    pub(super) const fn new(chance: Chance) -> Self {
        Self(chance)
    }
}

impl Selection for PowerOfTwo {
    fn next(&self, able: &[Able<'_>], _: Option<&str>, now: Moment) -> usize {
        if able.len() == 1 {
            return 0;
        }
        let one = self.0.below(able.len());
        let other = (one + 1 + self.0.below(able.len() - 1)) % able.len();
        let latency = (able[one].backend.latency.estimate(now), able[other].backend.latency.estimate(now));
        // Of which nothing is known is as fast as the other, so that a new server is not run over before its first answer.
        let (first, second) = match latency {
            (Some(first), Some(second)) => (first, second),
            _ => (1.0, 1.0),
        };
        if cost(able[other], second) < cost(able[one], first) { other } else { one }
    }
}

fn cost(able: Able<'_>, latency: f64) -> f64 {
    latency * (f64::from(able.backend.active()) + 1.0) / f64::from(able.weight)
}
