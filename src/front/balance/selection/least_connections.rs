//! The server with the fewest requests for its weight; among equals each in its turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Able, Selection};
use crate::front::balance::backend::Moment;

#[derive(Debug, Default)]
pub(super) struct LeastConnections {
    /// Where the next look begins.
    turn: AtomicUsize,
}

impl Selection for LeastConnections {
    fn next(&self, able: &[Able<'_>], _: Option<&str>, _: Moment) -> usize {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % able.len();
        // With the request that is to be placed, so that of idle servers the heavier is next.
        let load = |place: usize| (u64::from(able[place].backend.active()) + 1, u64::from(able[place].weight));
        let mut next = first;
        let (mut requests, mut weight) = load(first);
        for place in (first + 1..able.len()).chain(0..first) {
            let (others, share) = load(place);
            if others * weight < requests * share {
                (next, requests, weight) = (place, others, share);
            }
        }
        next
    }
}
