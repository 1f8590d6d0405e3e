//! Durations counted in buckets: few bytes, sums that are exact, and quantiles within a known error.
//!
//! Buckets are log-linear: sixteen of equal width for each doubling, so a bucket is at the most a sixteenth as wide as what it
//! counts is long, and its middle is off by half of that. Two histograms of one kind of thing add up bucket by bucket, in any order.

use std::collections::BTreeMap;

/// The buckets of one doubling are so many, as a power of two.
const STEPS_LOG2: u32 = 4;

/// Buckets of one doubling.
const STEPS: u64 = 1 << STEPS_LOG2;

/// The longest duration that is told from longer ones, in microseconds: 35 minutes, and no call may take longer than 15.
const LONGEST: u64 = (1 << 31) - 1;

/// Buckets there are.
const BUCKETS: u64 = index_of(LONGEST) + 1;

/// What an encoded histogram begins with: the form it is written in.
const FORM: u8 = 1;

/// How often each duration occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// A quantile differs from the true one by this part of it at the most (and by less than a microsecond below 32).
    pub const ERROR: f64 = 1.0 / 32.0;

    /// Counts a duration, in microseconds.
    pub fn record(&mut self, micros: u64) {
        self.add(index_of(micros.min(LONGEST)), 1);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.add((*bucket).into(), *count);
        }
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The duration, in microseconds, that so many of a thousand do not exceed; `None` when none was counted.
    #[must_use]
    pub fn per_mille(&self, share: u64) -> Option<u64> {
        let rank = u128::from(self.count()) * u128::from(share.min(1000));
        let rank = rank.div_ceil(1000).max(1);
        let mut passed = 0;
        for (bucket, count) in &self.0 {
            passed += u128::from(*count);
            if passed >= rank {
                return Some(middle_of((*bucket).into()));
            }
        }
        None
    }

    /// The histogram as a few bytes: the buckets that are not empty, each as its distance from the one before and its count.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        let mut before = 0;
        for (bucket, count) in &self.0 {
            push_number(&mut bytes, u64::from(bucket - before));
            push_number(&mut bytes, *count);
            before = *bucket;
        }
        bytes
    }

    /// What [`Histogram::encode`] made; `None` when these bytes are not that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (form, mut rest) = bytes.split_first()?;
        if *form != FORM {
            return None;
        }
        let (mut histogram, mut bucket) = (Self::default(), 0_u64);
        while !rest.is_empty() {
            bucket = bucket.checked_add(take_number(&mut rest)?).filter(|bucket| *bucket < BUCKETS)?;
            histogram.add(bucket, take_number(&mut rest)?);
        }
        Some(histogram)
    }

    fn add(&mut self, bucket: u64, count: u64) {
        let bucket = u16::try_from(bucket).unwrap_or(u16::MAX);
        let sum = self.0.entry(bucket).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// The bucket of a duration.
const fn index_of(micros: u64) -> u64 {
    if micros < STEPS {
        return micros;
    }
    let shift = micros.ilog2() - STEPS_LOG2;
    ((shift as u64) << STEPS_LOG2) + (micros >> shift)
}

/// The duration in the middle of a bucket.
const fn middle_of(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = (bucket >> STEPS_LOG2) - 1;
    let least = (bucket % STEPS + STEPS) << shift;
    least + (1 << shift) / 2
}

/// Seven bits a byte, the low ones first; the highest bit says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits.leading_zeros() < shift {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
