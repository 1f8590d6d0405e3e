//! `timestamptz`, `timestamp`, `date` and `time`: read, written, cut into fields and moved.
//!
//! Moments are chrono's, in UTC for `timestamptz` (PostgreSQL's sessions here have UTC as their zone), in the years 1 to 9999. Dates
//! are read in ISO's order, or month first with slashes (`DateStyle` is `ISO, MDY`).

mod arithmetic;
mod fields;
mod form;
mod interval;
mod read;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};

pub use arithmetic::{add, days_between, micros_between};
pub use fields::{extract, truncate};
pub use interval::{Interval, interval};

pub(super) use form::{held, to_held, to_shown};
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
