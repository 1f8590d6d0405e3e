//! A consistent hash by rendezvous: each server draws a number for the key, and the largest, by weight, is next.
//!
//! When a server leaves, its keys alone move, spread over the others; when one comes, keys move to it alone. The draw depends on the key
//! and the server's address alone, so several Plinth servers, and one that was restarted, agree. It costs some nanoseconds for each
//! server, and there is no ring to be built anew.
//!
//! With a bound, a server that has more than so many percent of its fair share of the requests at the moment is passed over, and the
//! largest of the rest is next ("Consistent Hashing with Bounded Loads", Mirrokni, Thorup, Zadimoghaddam).

use super::round_robin::RoundRobin;
use super::{Able, Selection, mixed};
use crate::front::balance::backend::Moment;

#[derive(Debug)]
pub(super) struct Hash {
    /// Percent of the fair share; 0 for no bound.
    bound: u32,
    /// For requests without a key.
    turns: RoundRobin,
}

impl Hash {
    pub(super) fn new(bound: u32) -> Self {
        Self { bound, turns: RoundRobin::default() }
    }
}

impl Selection for Hash {
    fn next(&self, able: &[Able<'_>], key: Option<&str>, now: Moment) -> usize {
        let Some(key) = key else { return self.turns.next(able, None, now) };
        let key = hashed(key.as_bytes());
        // While a server starts slowly its keys do not move, so its weight is the full one.
        let (mut requests, mut weights) = (1, 0);
        if self.bound > 0 {
            for Able { backend, .. } in able {
                requests += u64::from(backend.active());
                weights += u64::from(backend.weight());
            }
        }
        let has_room = |able: &Able<'_>| {
            let share = u64::from(self.bound) * requests * u64::from(able.backend.weight());
            self.bound == 0 || u64::from(able.backend.active()) * 100 * weights < share
        };
        let best = |pass: &dyn Fn(&Able<'_>) -> bool| {
            let drawn = able.iter().enumerate().filter(|(_, able)| pass(able)).map(|(place, able)| (place, draw(key, able)));
            drawn.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(place, _)| place)
        };
        best(&has_room).or_else(|| best(&|_| true)).unwrap_or(0)
    }
}

/// A server's draw for a key: the larger its weight, the more often it is the largest, in proportion.
#[expect(clippy::cast_precision_loss, reason = "a fraction has 53 bits, which are taken")]
fn draw(key: u64, able: &Able<'_>) -> f64 {
    let number = mixed(key ^ able.backend.hash);
    // Between 0 and 1, neither of them.
    let fraction = ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -f64::from(able.backend.weight()) / fraction.ln()
}

/// FNV-1a, and its bits spread.
pub(in crate::front::balance) fn hashed(text: &[u8]) -> u64 {
    let fnv = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    mixed(fnv)
}
