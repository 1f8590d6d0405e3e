//! Expressions as anybody may write them, and due times as a slow and simple reader finds them.

use chrono::{Datelike, Timelike};
use plinth::functions::model::{Expression, Timing, Zone};
use plinth::types::Timestamp;
use proptest::prelude::*;

const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"];

fn timing(expression: Expression, zone: usize, set_at: Timestamp) -> Timing {
    Timing { expression, zone: Zone::named(ZONES[zone % ZONES.len()]).expect("a zone"), start: None, end: None, set_at }
}

fn moment() -> impl Strategy<Value = Timestamp> {
    // From 1970 to 2190.
    (0..6_940_000_000_000_000_i64).prop_map(|micros| Timestamp::from_micros(micros).expect("a moment"))
}

/// A field with its values, written out and as a list of its parts.
fn field(first: u32, last: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
    let all = move || (first..=last).collect::<Vec<_>>();
    prop_oneof![
        3 => Just(("*".to_owned(), all())),
        2 => (first..=last).prop_map(|value| (value.to_string(), vec![value])),
        1 => (1..=last - first).prop_map(move |step| (format!("*/{step}"), (first..=last).step_by(step as usize).collect())),
        2 => (first..=last, first..=last).prop_map(|(one, other)| {
            let (low, high) = (one.min(other), one.max(other));
            (format!("{low}-{high}"), (low..=high).collect())
        }),
    ]
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_refused_with_words(
        text in r"((rate|cron|at)\()?([0-9LW#?*/,@ -]|MON|DEC|minutes|T00:00:00){0,14}\)?|.{0,40}",
        after in moment(),
        zone in 0..ZONES.len(),
    ) {
        match text.parse::<Expression>() {
            Ok(expression) => {
                let timing = timing(expression, zone, after);
                let due = timing.upcoming(after, 4);
                prop_assert!(due.iter().all(|due| *due > after && due.micros() % 1_000_000 == 0), "{text}: {due:?}");
                prop_assert!(due.windows(2).all(|pair| pair[0] < pair[1]), "{text}: {due:?}");
            }
            Err(err) => prop_assert!(err.to_string().len() > 10),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn times_of_crontab_are_those_that_a_simple_reader_finds(
        (minute, minutes) in field(0, 59),
        (hour, hours) in field(0, 23),
        (day, days) in field(1, 28),
        (month, months) in field(1, 12),
        (weekday, weekdays) in field(0, 6),
        after in moment(),
    ) {
        // A month of minutes, read one by one, is enough for one that looks for what is near.
        let text = format!("{minute} {hour} {day} {month} {weekday}");
        let any = |text: &str| text.starts_with('*');
        let matches = |at: chrono::DateTime<chrono::Utc>| {
            // The simple reader has no days after the 28th, which `*` means.
            let of_month = if day == "*" { true } else { days.contains(&at.day()) || (any(&day) && at.day() > 28) };
            let of_week = weekdays.contains(&at.weekday().num_days_from_sunday());
            let is_day = if any(&day) || any(&weekday) { of_month && of_week } else { of_month || of_week };
            minutes.contains(&at.minute()) && hours.contains(&at.hour()) && months.contains(&at.month()) && is_day
        };
        prop_assume!(!day.starts_with("*/"));
        let timing = timing(text.parse().expect("an expression"), 0, after);
        let first = (after.to_chrono() + chrono::Duration::minutes(1)).with_second(0).and_then(|at| at.with_nanosecond(0)).expect("a minute");
        let simple = (0..40 * 24 * 60).map(|minute| first + chrono::Duration::minutes(minute)).find(|at| matches(*at));
        let found = timing.next_after(after).map(Timestamp::to_chrono);
        match simple {
            Some(simple) => prop_assert_eq!(found, Some(simple), "{} after {}", text, after),
            None => prop_assert!(found.is_none_or(|found| found > first + chrono::Duration::days(39)), "{}: {:?}", text, found),
        }
    }

    #[test]
    fn the_last_due_time_is_the_one_that_stepping_finds(
        text in prop_oneof![Just("rate(7 minutes)"), Just("*/13 * * * *"), Just("30 2 * * *"), Just("0,45 1-3 * * 0"), Just("15 */2 * * *")],
        zone in 0..ZONES.len(),
        // The clocks of some of the zones are changed in this time.
        from in 1_774_000_000_i64..1_775_500_000,
        seconds in 0..400_000_i64,
    ) {
        let from = Timestamp::from_micros(from * 1_000_000).expect("a moment");
        let until = Timestamp::from_micros(from.micros() + seconds * 1_000_000).expect("a moment");
        let timing = timing(text.parse().expect("an expression"), zone, from);
        let steps: Vec<_> = std::iter::successors(timing.next_after(from), |last| timing.next_after(*last)).take_while(|at| *at <= until).collect();
        prop_assume!(!steps.is_empty());
        prop_assert_eq!(timing.last_until(steps[0], until), steps[steps.len() - 1]);
        let last = timing.last_moments_until(steps[0], until, 5);
        prop_assert_eq!(&last[..], &steps[steps.len().saturating_sub(5)..]);
    }
}
