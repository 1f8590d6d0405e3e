//! Smooth weighted round robin: of weights 5, 1 and 1 the order is a a b a c a a, not a a a a a b c.
//!
//! Each server saves its weight at every turn; who has saved the most is next, and pays what all have saved. The sums are the servers',
//! so that a change of who is there does not begin anew. Adding them up is the one thing on a request's way that is done under a lock:
//! some nanoseconds for each server.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::{Able, Selection};
use crate::front::balance::backend::Moment;
use crate::front::balance::lock;

#[derive(Debug, Default)]
pub(super) struct RoundRobin(Mutex<()>);

impl Selection for RoundRobin {
    fn next(&self, able: &[Able<'_>], _: Option<&str>, _: Moment) -> usize {
        let _turn = lock(&self.0);
        let (mut all, mut next, mut most) = (0, 0, i64::MIN);
        for (place, Able { backend, weight }) in able.iter().enumerate() {
            let weight = i64::from(*weight);
            let saved = backend.turn.load(Ordering::Relaxed) + weight;
            backend.turn.store(saved, Ordering::Relaxed);
            all += weight;
            if saved > most {
                (next, most) = (place, saved);
            }
        }
        able[next].backend.turn.store(most - all, Ordering::Relaxed);
        next
    }
}
