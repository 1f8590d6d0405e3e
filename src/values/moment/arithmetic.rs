//! Moving moments, and the time between two.

use chrono::{Datelike, Days, Months, NaiveDateTime, NaiveTime, TimeDelta};

use super::{DAY, Interval, Moment, held, in_calendar, to_held};
use crate::values::{Invalid, Type};

/// A value moved by an interval, in the form it is held in. A `date` becomes a `timestamp`, as in PostgreSQL; a `time` goes round.
///
/// # Errors
/// 22008 when the result is outside the calendar; what is wrong with the value.
pub fn add(ty: &Type, text: &str, by: Interval) -> Result<String, Invalid> {
    let range = || Invalid::new("22008", "timestamp out of range");
    let at = match held(ty, text)? {
        Moment::Time(micros) => {
            let moved = (micros + by.micros % DAY).rem_euclid(DAY);
            return Ok(to_held(ty, Moment::Time(moved)));
        }
        Moment::On(date) => date.and_time(NaiveTime::MIN),
        Moment::At(at) => at,
    };
    let moved = shifted(at, by).filter(in_calendar).ok_or_else(range)?;
    let ty = if matches!(ty, Type::Date) { &Type::Timestamp } else { ty };
    Ok(to_held(ty, Moment::At(moved)))
}

fn shifted(at: NaiveDateTime, by: Interval) -> Option<NaiveDateTime> {
    let months = Months::new(by.months.unsigned_abs());
    let at = if by.months < 0 { at.checked_sub_months(months)? } else { at.checked_add_months(months)? };
    let days = Days::new(by.days.unsigned_abs().into());
    let at = if by.days < 0 { at.checked_sub_days(days)? } else { at.checked_add_days(days)? };
    at.checked_add_signed(TimeDelta::microseconds(by.micros))
}

/// `left - right` of two values of the type, in microseconds.
///
/// # Errors
/// What is wrong with a value.
pub fn micros_between(ty: &Type, left: &str, right: &str) -> Result<i64, Invalid> {
    Ok(micros(held(ty, left)?) - micros(held(ty, right)?))
}

fn micros(moment: Moment) -> i64 {
    match moment {
        Moment::At(at) => at.and_utc().timestamp_micros(),
        Moment::On(date) => date.and_time(NaiveTime::MIN).and_utc().timestamp_micros(),
        Moment::Time(micros) => micros,
    }
}

/// `left - right` of two dates, in days.
///
/// # Errors
/// What is wrong with a value.
pub fn days_between(left: &str, right: &str) -> Result<i64, Invalid> {
    let day = |text: &str| match held(&Type::Date, text)? {
        Moment::On(date) => Ok(i64::from(date.num_days_from_ce())),
        _ => Ok(0),
    };
    Ok(day(left)? - day(right)?)
}
