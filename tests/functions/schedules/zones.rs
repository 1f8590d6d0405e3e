//! The days on which clocks are changed.

use plinth::functions::model::{Timing, Zone};
use plinth::types::Timestamp;

fn at(text: &str) -> Timestamp {
    format!("{text}Z").parse().expect("a moment")
}

#[track_caller]
fn assert_next(expression: &str, zone: &str, after: &str, expected: &[&str]) {
    let zone = Zone::named(zone).expect("a zone");
    let timing =
        Timing { expression: expression.parse().expect("an expression"), zone, start: None, end: None, set_at: at(after) };
    let expected: Vec<_> = expected.iter().map(|text| at(text)).collect();
    assert_eq!(timing.upcoming(at(after), expected.len()), expected, "{expression} after {after}");
}

#[test]
fn a_time_that_does_not_exist_is_due_at_the_first_moment_after_the_gap() {
    // In Berlin, on March 29, 2026, 03:00 follows 01:59, at 01:00 UTC.
    let before = "2026-03-28T12:00:00";
    assert_next("30 2 * * *", "Europe/Berlin", before, &["2026-03-29T01:00:00", "2026-03-30T00:30:00"]);
    assert_next("cron(30 2 * * ? *)", "Europe/Berlin", before, &["2026-03-29T01:00:00", "2026-03-30T00:30:00"]);
    assert_next("*/20 2 * * *", "Europe/Berlin", before, &["2026-03-29T01:00:00", "2026-03-30T00:00:00"]);
    assert_next(
        "0,30 2,3 * * *",
        "Europe/Berlin",
        before,
        &["2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-30T00:00:00"],
    );
    assert_next("at(2026-03-29T02:30:00)", "Europe/Berlin", before, &["2026-03-29T01:00:00"]);
    // Half an hour, and a whole day: Samoa had no December 30, 2011.
    assert_next("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00", &["2026-10-03T15:30:00", "2026-10-04T15:15:00"]);
    assert_next("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00", &["2011-12-30T10:00:00", "2011-12-30T22:00:00"]);
}

#[test]
fn a_time_that_is_there_twice_is_due_the_first_time() {
    // In Berlin, on October 25, 2026, 02:00 follows 02:59, at 01:00 UTC.
    let before = "2026-10-24T12:00:00";
    assert_next("30 2 * * *", "Europe/Berlin", before, &["2026-10-25T00:30:00", "2026-10-26T01:30:00"]);
    assert_next("at(2026-10-25T02:30:00)", "Europe/Berlin", before, &["2026-10-25T00:30:00"]);
    let twice = &["2026-10-25T00:00:00", "2026-10-25T00:30:00", "2026-10-25T02:00:00"];
    assert_next("0,30 2,3 * * *", "Europe/Berlin", before, twice);
    // Asked in the repeated hour, the first time is over.
    assert_next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00", &["2026-10-26T01:30:00"]);
}

#[test]
fn each_hour_that_passes_is_one_whatever_the_clocks_show() {
    assert_next("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00", &["2026-03-29T00:30:00", "2026-03-29T01:30:00"]);
    let hours = &["2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T02:30:00"];
    assert_next("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00", hours);
    let minutes = &["2026-10-25T00:59:00", "2026-10-25T01:00:00", "2026-10-25T01:01:00"];
    assert_next("* * * * *", "Europe/Berlin", "2026-10-25T00:58:00", minutes);
    // By the clock's even hours: 02:00 is not there in spring.
    assert_next("0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30:00", &["2026-03-28T23:00:00", "2026-03-29T02:00:00"]);
    // Rates do not look at clocks.
    assert_next("rate(1 day)", "Europe/Berlin", "2026-03-28T12:00:00", &["2026-03-29T12:00:00", "2026-03-30T12:00:00"]);
}

#[test]
fn zones_have_their_names_of_the_iana_database() {
    assert_eq!(Zone::named("europe/berlin").expect("any case").name(), "Europe/Berlin");
    for none in ["", "Berlin", "+02:00", "Europe/Atlantis", "../etc/passwd", &"x".repeat(5000)] {
        assert!(Zone::named(none).expect_err(none).to_string().contains("Europe/Berlin"), "{none}");
    }
}
