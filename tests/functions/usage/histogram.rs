//! The histogram: sums in any order, quantiles within its error.

use plinth::functions::Histogram;
use proptest::collection::vec;
use proptest::prelude::*;

/// No call takes longer, in microseconds.
const LONGEST: u64 = 15 * 60 * 1_000_000;

fn of(durations: &[u64]) -> Histogram {
    let mut histogram = Histogram::default();
    durations.iter().for_each(|duration| histogram.record(*duration));
    histogram
}

fn sum(parts: [&Histogram; 2]) -> Histogram {
    let mut sum = Histogram::default();
    parts.into_iter().for_each(|part| sum.merge(part));
    sum
}

/// Durations of all sizes: as many short ones as long ones.
fn durations(most: usize) -> impl Strategy<Value = Vec<u64>> {
    vec((0_u32..30, any::<u64>()).prop_map(|(bits, any)| (any % (2 << bits)).min(LONGEST)), 0..most)
}

/// What the histogram estimates.
fn exactly(durations: &[u64], per_mille: u64) -> Option<u64> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * usize::try_from(per_mille).unwrap()).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied()
}

proptest! {
    #[test]
    fn sums_do_not_depend_on_how_they_are_added_up(a in durations(40), b in durations(40), c in durations(40)) {
        let [x, y, z] = [of(&a), of(&b), of(&c)];
        let left = sum([&sum([&x, &y]), &z]);
        prop_assert_eq!(&left, &sum([&x, &sum([&y, &z])]));
        prop_assert_eq!(&left, &sum([&sum([&z, &x]), &y]));
        prop_assert_eq!(&left, &of(&[a, b, c].concat()));
        prop_assert_eq!(&sum([&x, &Histogram::default()]), &x);
    }

    #[test]
    fn quantiles_are_right_within_the_error(durations in durations(200), per_mille in 0_u64..=1000) {
        let histogram = of(&durations);
        prop_assert_eq!(histogram.count(), durations.len() as u64);
        let (estimate, exact) = (histogram.per_mille(per_mille), exactly(&durations, per_mille));
        prop_assert_eq!(estimate.is_some(), exact.is_some());
        if let (Some(estimate), Some(exact)) = (estimate, exact) {
            let off = estimate.abs_diff(exact) as f64;
            prop_assert!(off <= exact as f64 * Histogram::ERROR, "{} for {}", estimate, exact);
        }
    }

    #[test]
    fn what_is_written_is_read_again(durations in durations(100)) {
        let histogram = of(&durations);
        prop_assert_eq!(Histogram::decode(&histogram.encode()), Some(histogram));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in vec(any::<u8>(), 0..60)) {
        let read = Histogram::decode(&bytes);
        prop_assert!(read.is_none() || bytes[0] == 1);
        bytes.insert(0, 1);
        if let Some(histogram) = Histogram::decode(&bytes) {
            prop_assert!(histogram.per_mille(1000).unwrap_or_default() < 1 << 31);
        }
    }
}

#[test]
fn durations_beyond_the_longest_count_as_that() {
    let histogram = of(&[u64::MAX, 1 << 31, 5]);
    assert_eq!((histogram.count(), histogram.per_mille(1)), (3, Some(5)));
    assert_eq!(histogram.per_mille(1000), of(&[(1 << 31) - 1]).per_mille(500));
    assert_eq!(Histogram::default().per_mille(500), None);
}
