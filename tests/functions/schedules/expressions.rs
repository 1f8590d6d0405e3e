//! When expressions are due, and why others are refused.

use plinth::functions::model::{Expression, Timing, Zone};
use plinth::types::Timestamp;

fn at(text: &str) -> Timestamp {
    format!("{text}Z").parse().expect("a moment")
}

/// When an expression is due after a moment, in a zone.
fn next(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let expression = expression.parse().unwrap_or_else(|err| panic!("{expression} is refused: {err}"));
    let timing = Timing { expression, zone: Zone::named(zone).expect("a zone"), start: None, end: None, set_at: at(after) };
    let due = timing.upcoming(at(after), count);
    due.iter().map(|due| due.to_chrono().format("%Y-%m-%dT%H:%M:%S").to_string()).collect()
}

#[track_caller]
fn assert_next(expression: &str, zone: &str, after: &str, expected: &[&str]) {
    assert_eq!(next(expression, zone, after, expected.len()), expected, "{expression} in {zone} after {after}");
}

#[test]
fn each_kind_of_expression_is_due_when_it_says() {
    // A Monday.
    let now = "2026-11-23T10:00:00";
    for (expression, expected) in [
        ("rate(5 minutes)", ["2026-11-23T10:05:00", "2026-11-23T10:10:00"]),
        ("rate(1 hour)", ["2026-11-23T11:00:00", "2026-11-23T12:00:00"]),
        ("rate(10  seconds)", ["2026-11-23T10:00:10", "2026-11-23T10:00:20"]),
        ("rate(2 days)", ["2026-11-25T10:00:00", "2026-11-27T10:00:00"]),
        ("cron(0 12 * * ? *)", ["2026-11-23T12:00:00", "2026-11-24T12:00:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-23T10:15:00", "2026-11-23T10:30:00"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-11-23T10:05:00", "2026-11-23T10:10:00"]),
        ("cron(0 18 ? * SAT,SUN *)", ["2026-11-28T18:00:00", "2026-11-29T18:00:00"]),
        ("cron(0 8 1 1/6 ? *)", ["2027-01-01T08:00:00", "2027-07-01T08:00:00"]),
        ("cron(0 10 ? * 6L 2027-2028)", ["2027-01-29T10:00:00", "2027-02-26T10:00:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07T09:00:00", "2027-01-04T09:00:00"]),
        ("cron(0 9 ? * mon#5 *)", ["2026-11-30T09:00:00", "2027-03-29T09:00:00"]),
        ("cron(0 0 L * ? *)", ["2026-11-30T00:00:00", "2026-12-31T00:00:00"]),
        ("cron(0 0 LW 1,2 ? *)", ["2027-01-29T00:00:00", "2027-02-26T00:00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-12-15T00:00:00", "2027-01-15T00:00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2027-08-02T00:00:00", "2028-08-01T00:00:00"]),
        ("cron(0 0 31W 1 ? *)", ["2027-01-29T00:00:00", "2028-01-31T00:00:00"]),
        ("cron(0 0 ? * L *)", ["2026-11-28T00:00:00", "2026-12-05T00:00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
        ("*/5 * * * *", ["2026-11-23T10:05:00", "2026-11-23T10:10:00"]),
        ("0 9-17/4 * jan,jul mon-fri", ["2027-01-01T09:00:00", "2027-01-01T13:00:00"]),
        ("0 0 * * 7", ["2026-11-29T00:00:00", "2026-12-06T00:00:00"]),
        ("0 0 * * sat-sun", ["2026-11-28T00:00:00", "2026-11-29T00:00:00"]),
        // Two fields that restrict are alternatives, unless one begins with `*`.
        ("0 0 13 12 5", ["2026-12-04T00:00:00", "2026-12-11T00:00:00"]),
        ("0 0 */10 * 1", ["2026-12-21T00:00:00", "2027-01-11T00:00:00"]),
        ("@hourly", ["2026-11-23T11:00:00", "2026-11-23T12:00:00"]),
        ("@daily", ["2026-11-24T00:00:00", "2026-11-25T00:00:00"]),
        ("@weekly", ["2026-11-29T00:00:00", "2026-12-06T00:00:00"]),
        ("@monthly", ["2026-12-01T00:00:00", "2027-01-01T00:00:00"]),
        ("@yearly", ["2027-01-01T00:00:00", "2028-01-01T00:00:00"]),
    ] {
        assert_next(expression, "UTC", now, &expected);
    }
    assert_eq!(next("at(2026-11-23T10:00:01)", "UTC", now, 5), ["2026-11-23T10:00:01"], "once");
    assert!(next("at(2026-11-23T10:00:00)", "UTC", now, 5).is_empty(), "not in the moment itself");
    assert_eq!(next("cron(0 12 31 12 ? 2026)", "UTC", now, 5), ["2026-12-31T12:00:00"], "years end");
}

#[test]
fn an_expression_that_is_none_is_refused_with_what_is_wrong() {
    for (expression, reason) in [
        ("", "1 to 256 characters"),
        ("rate(5 fortnights)", "seconds, minutes, hours, days, weeks"),
        ("rate(0 minutes)", "from 1 second to 10 years"),
        ("rate(-1 minutes)", "a whole number"),
        ("rate(99999999999999999999 days)", "a whole number"),
        ("rate(600 weeks)", "10 years"),
        ("at(2026-13-01T00:00:00)", "at(2030-01-31T12:00:00)"),
        ("at(2026-01-01T00:00:00Z)", "local time"),
        ("at(9999-01-01T00:00:00)", "1970 to 2199"),
        ("cron(0 12 * * *)", "six fields"),
        ("cron(0 12 * * * *)", "exactly one of the day-of-month and the day-of-week field is ?"),
        ("cron(0 12 ? * ? *)", "exactly one"),
        ("cron(60 12 * * ? *)", "the minute field cannot be \"60\": it has numbers from 0 to 59"),
        ("cron(0 24 * * ? *)", "the hour field"),
        ("cron(0 0 0 * ? *)", "the day-of-month field"),
        ("cron(0 0 32W * ? *)", "the day-of-month field"),
        ("cron(0 0 1 13 ? *)", "the month field cannot be \"13\": it has numbers from 1 to 12 or JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "the day-of-week field cannot be \"0\": it has numbers from 1 to 7 or SUN to SAT"),
        ("cron(0 0 ? * 2#6 *)", "from 1 to 5"),
        ("cron(0 0 1 1 ? 1969)", "the year field"),
        ("cron(0 0 30 2 ? *)", "never due"),
        ("cron(0 0 29 2 ? 2027)", "never due"),
        ("0 0 31 4,6,9,11 *", "never due"),
        ("*/0 * * * *", "a step is a whole number from 1 to 59"),
        ("5-1 * * * *", "the range begins after its end"),
        ("1,,2 * * * *", "the minute field cannot be \"\""),
        ("0 0 * * monday", "the day-of-week field cannot be \"monday\""),
        ("* * * *", "it has 4 fields"),
        ("@reboot", "there is no \"@reboot\"; there are @yearly"),
        ("every day", "it has 2 fields"),
    ] {
        let refused = expression.parse::<Expression>().expect_err(expression).to_string();
        assert!(refused.contains(reason), "{expression}: {refused}");
    }
    assert!(format!("{} * * * *", "1,".repeat(200)).parse::<Expression>().is_err(), "it is too long");
}

#[test]
fn a_rate_counts_from_its_start_and_nothing_is_due_outside_of_start_and_end() {
    let timing = |expression: &str| Timing {
        expression: expression.parse().expect("an expression"),
        zone: Zone::utc(),
        start: Some(at("2026-11-24T12:00:00")),
        end: Some(at("2026-11-24T12:10:00")),
        set_at: at("2026-11-23T10:00:00"),
    };
    let due = [at("2026-11-24T12:00:00"), at("2026-11-24T12:05:00"), at("2026-11-24T12:10:00")];
    for expression in ["rate(5 minutes)", "*/5 * * * *", "cron(0/5 12 * * ? *)"] {
        let timing = timing(expression);
        assert_eq!(timing.upcoming(at("2026-11-23T10:00:00"), 9), due, "{expression}");
        assert_eq!(timing.upcoming(due[0], 9), due[1..], "{expression}");
        assert_eq!(timing.next_after(due[2]), None, "{expression}");
    }
    let set_between = Timing { start: None, end: None, set_at: at("2026-11-23T10:00:00.5"), ..timing("rate(1 minute)") };
    assert_eq!(set_between.next_after(at("2026-11-23T10:00:00.6")), Some(at("2026-11-23T10:01:01")), "whole seconds");
}

#[test]
fn what_was_missed_is_found_from_its_end() {
    let timing = |expression: &str| Timing {
        expression: expression.parse().expect("an expression"),
        zone: Zone::named("America/New_York").expect("a zone"),
        start: None,
        end: None,
        set_at: at("2020-01-01T00:00:00"),
    };
    for (expression, last) in [
        ("rate(1 second)", "2026-11-23T10:20:30"),
        ("rate(7 minutes)", "2026-11-23T10:19:00"),
        ("* * * * *", "2026-11-23T10:20:00"),
        ("30 2 * * *", "2026-11-23T07:30:00"),
        ("0 0 29 2 *", "2024-02-29T05:00:00"),
    ] {
        let timing = timing(expression);
        let first = timing.next_after(at("2020-01-01T00:00:00")).expect("it is due");
        let now = at("2026-11-23T10:20:30.25");
        assert_eq!(timing.last_until(first, now), at(last), "{expression}");
        let latest = timing.last_moments_until(first, now, 3);
        assert_eq!(latest.last(), Some(&at(last)), "{expression}");
        assert!(latest.windows(2).all(|pair| timing.next_after(pair[0]) == Some(pair[1])), "{expression}: {latest:?}");
        assert_eq!(timing.last_moments_until(first, first, 3), [first], "{expression}");
    }
    let rare = timing("0 0 29 2 *");
    let first = at("2020-02-29T05:00:00");
    assert_eq!(rare.last_moments_until(first, at("2026-11-23T10:20:30"), 100), [first, at("2024-02-29T05:00:00")]);
}
