//! The form a moment is held in, and those it is shown in.

use chrono::{NaiveDate, NaiveTime};

use super::{Moment, from_text, micros_of_day};
use crate::values::{Invalid, Type};

/// Reads a value in the form it is held in, or any other.
pub(in crate::values) fn held(ty: &Type, text: &str) -> Result<Moment, Invalid> {
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
pub(in crate::values) fn to_held(ty: &Type, moment: Moment) -> String {
    match (ty, moment) {
        (Type::Timestamptz, Moment::At(at)) => at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        (_, Moment::At(at)) => at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string(),
        (_, Moment::On(date)) => date.format("%Y-%m-%d").to_string(),
        (_, Moment::Time(micros)) => format!("{}.{:06}", clock(micros / 1_000_000), micros % 1_000_000),
    }
}

/// As PostgreSQL shows it: a space or a `T` between date and time, and for `timestamptz` the zone.
pub(in crate::values) fn to_shown(ty: &Type, moment: Moment, between: char, zone: &str) -> String {
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
