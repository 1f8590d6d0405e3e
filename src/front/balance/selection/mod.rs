//! Who is next: one of the servers that are able to take a request.

pub(super) mod hash;
mod least_connections;
mod power_of_two;
mod round_robin;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::backend::{Backend, Moment};
use crate::config::front::{Balance, Upstream};

/// A server's full weight is this many times the configured one, so that a slow start has steps.
pub(super) const FULL: u32 = 1000;

/// A server that is able to take a request: it is well and has room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Able<'a> {
    pub(super) backend: &'a Backend,
    /// Its weight times [`FULL`], less while it starts slowly; at least 1.
    pub(super) weight: u32,
}

/// Chooses who is next.
pub(super) trait Selection: Send + Sync + fmt::Debug {
    /// The place of the next in `able`, which is never empty; `key` is what the request is known by.
    fn next(&self, able: &[Able<'_>], key: Option<&str>, now: Moment) -> usize;
}

/// What the configuration asks for. `seed` decides what is left to chance.
pub(super) fn configured(upstream: &Upstream, seed: u64) -> Box<dyn Selection> {
    match upstream.balance {
        Balance::RoundRobin => Box::new(round_robin::RoundRobin::default()),
        Balance::LeastConnections => Box::new(least_connections::LeastConnections::default()),
        Balance::PowerOfTwo => Box::new(power_of_two::PowerOfTwo::new(Chance::new(seed))),
        Balance::Hash => Box::new(hash::Hash::new(upstream.balancing.hash_balance_factor)),
    }
}

/// Numbers that look like chance (SplitMix64), the same ones for the same seed.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `limit`, which is not 0.
    pub(super) fn below(&self, limit: usize) -> usize {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let number = mixed(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP));
        usize::try_from((u128::from(number) * limit as u128) >> 64).unwrap_or(0)
    }
}

/// Spreads each bit over all of them.
pub(super) const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
