//! `timestamptz`, `timestamp`, `date` and `time`: read, written, cut into fields and moved.
//!
//! Moments are chrono's, in UTC for `timestamptz` (PostgreSQL's sessions here have UTC as their zone), in the years 1 to 9999. Dates
//! are read in ISO's order, or month first with slashes (`DateStyle` is `ISO, MDY`).

mod arithmetic;
mod fields;
mod interval;
mod read;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};

pub use arithmetic::{add, days_between, micros_between};
pub use fields::{extract, truncate};
pub use interval::{Interval, interval};
pub(super) use read::{Parsed, read};

use super::{Invalid, Type};

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// A value of one of the four types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    /// Both `timestamptz` (in UTC) and `timestamp`.
    At(NaiveDateTime),
    On(NaiveDate),
    /// Microseconds of the day, to 24:00 inclusive.
    Time(i64),
}

/// Reads a value of the type in any spelling.
pub(super) fn from_text(ty: &Type, text: &str) -> Result<Moment, Invalid> {
    let Parsed { date, micros, offset } = read(ty, text)?;
    let range = || out_of_range(text);
    if matches!(ty, Type::Time) {
        return micros.map(Moment::Time).ok_or_else(|| Invalid::new("22007", syntax(ty, text)));
    }
    let date = date.ok_or_else(|| Invalid::new("22007", syntax(ty, text)))?;
    if matches!(ty, Type::Date) {
        return Ok(Moment::On(date));
    }
    let offset = if matches!(ty, Type::Timestamptz) { offset.unwrap_or(0) } else { 0 };
    let micros = micros.unwrap_or(0) - offset * 1_000_000;
    let at = date.and_time(NaiveTime::MIN).checked_add_signed(chrono::TimeDelta::microseconds(micros));
    at.filter(in_calendar).map(Moment::At).ok_or_else(range)
}

/// Reads a value in the form it is held in, or any other.
pub(super) fn held(ty: &Type, text: &str) -> Result<Moment, Invalid> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let is = |place: usize, byte: u8| bytes.get(place) == Some(&byte);
    let date = || {
        let year = number(0, 4).filter(|_| is(4, b'-') && is(7, b'-'))?;
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(5, 7)?, number(8, 10)?)
    };
    let time = || {
        let in_shape = is(10, b'T') && is(13, b':') && is(16, b':') && is(19, b'.');
        let hours = number(11, 13).filter(|_| in_shape)?;
        NaiveTime::from_hms_micro_opt(hours, number(14, 16)?, number(17, 19)?, number(20, 26)?)
    };
    let quick = match (ty, text.len()) {
        (Type::Date, 10) => date().map(Moment::On),
        (Type::Timestamp | Type::Timestamptz, 26) => date().zip(time()).map(|(date, time)| Moment::At(date.and_time(time))),
        (Type::Timestamptz, 27) if is(26, b'Z') => date().zip(time()).map(|(date, time)| Moment::At(date.and_time(time))),
        _ => None,
    };
    quick.map_or_else(|| from_text(ty, text), Ok)
}

/// The form it is held in.
pub(super) fn to_held(ty: &Type, moment: Moment) -> String {
    match (ty, moment) {
        (Type::Timestamptz, Moment::At(at)) => at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        (_, Moment::At(at)) => at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        (_, Moment::On(date)) => date.format("%Y-%m-%d").to_string(),
        (_, Moment::Time(micros)) => format!("{}.{:06}", clock(micros / 1_000_000), micros % 1_000_000),
    }
}

/// As PostgreSQL shows it: a space or a `T` between date and time, and for `timestamptz` the zone.
pub(super) fn to_shown(ty: &Type, moment: Moment, between: char, zone: &str) -> String {
    let mut out = String::with_capacity(32);
    match moment {
        Moment::On(date) => out.push_str(&date.format("%Y-%m-%d").to_string()),
        Moment::Time(micros) => push_time(micros, &mut out),
        Moment::At(at) => {
            out.push_str(&at.format("%Y-%m-%d").to_string());
            out.push(between);
            push_time(micros_of_day(&at), &mut out);
            if matches!(ty, Type::Timestamptz) {
                out.push_str(zone);
            }
        }
    }
    out
}

fn push_time(micros: i64, out: &mut String) {
    out.push_str(&clock(micros / 1_000_000));
    let fraction = micros % 1_000_000;
    if fraction > 0 {
        out.push('.');
        out.push_str(format!("{fraction:06}").trim_end_matches('0'));
    }
}

fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn micros_of_day(at: &NaiveDateTime) -> i64 {
    i64::from(at.num_seconds_from_midnight()) * 1_000_000 + i64::from(at.nanosecond() / 1000)
}

/// Whether it is in the years 1 to 9999.
fn in_calendar(at: &NaiveDateTime) -> bool {
    (1..=9999).contains(&chrono::Datelike::year(at))
}

fn out_of_range(text: &str) -> Invalid {
    Invalid::new("22008", format!("date/time field value out of range: \"{text}\""))
}

fn syntax(ty: &Type, text: &str) -> String {
    let name = ty.to_string();
    format!("invalid input syntax for type {}: \"{text}\"", name.trim_end_matches(" without time zone"))
}
