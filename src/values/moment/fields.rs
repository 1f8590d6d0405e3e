//! `extract` and `date_trunc`.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::{Moment, held, micros_of_day, to_held};
use crate::values::{Invalid, Type};

/// `extract(field from value)`: the text of a `numeric`, with PostgreSQL's scale.
///
/// # Errors
/// 22023 for a field that does not exist; 0A000 for one that the type does not have.
pub fn extract(field: &str, ty: &Type, text: &str) -> Result<String, Invalid> {
    let moment = held(ty, text)?;
    let field = &*singular(field);
    let (date, micros) = match moment {
        Moment::At(at) => (Some(at.date()), Some(micros_of_day(&at))),
        Moment::On(date) => (Some(date), None),
        Moment::Time(micros) => (None, Some(micros)),
    };
    if field == "epoch" {
        return Ok(epoch(moment));
    }
    let found = micros.and_then(|micros| of_time(field, micros)).or_else(|| date.and_then(|date| of_date(field, date)));
    let found = found.or_else(|| {
        let is_zone = matches!(field, "timezone" | "timezone_hour" | "timezone_minute") && matches!(ty, Type::Timestamptz);
        is_zone.then(|| "0".to_owned())
    });
    found.ok_or_else(|| unknown(field, ty))
}

fn unknown(field: &str, ty: &Type) -> Invalid {
    let exists = of_time(field, 0).is_some()
        || of_date(field, NaiveDate::MIN).is_some()
        || matches!(field, "timezone" | "timezone_hour" | "timezone_minute" | "julian");
    if exists {
        return Invalid::new("0A000", format!("unit \"{field}\" not supported for type {ty}"));
    }
    Invalid::new("22023", format!("unit \"{field}\" not recognized for type {ty}"))
}

/// PostgreSQL's other spellings of the fields.
fn singular(field: &str) -> String {
    let field = field.trim().to_ascii_lowercase();
    let name = match field.as_str() {
        "microseconds" | "microsecond" | "us" | "usec" | "usecs" | "usecond" | "useconds" => "microseconds",
        "milliseconds" | "millisecond" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => "milliseconds",
        "second" | "seconds" | "sec" | "secs" | "s" => "second",
        "minute" | "minutes" | "min" | "mins" | "m" => "minute",
        "hour" | "hours" | "hr" | "hrs" | "h" => "hour",
        "day" | "days" | "d" => "day",
        "week" | "weeks" | "w" => "week",
        "month" | "months" | "mon" | "mons" => "month",
        "quarter" | "qtr" => "quarter",
        "year" | "years" | "yr" | "yrs" | "y" => "year",
        "decade" | "decades" | "dec" | "decs" => "decade",
        "century" | "centuries" | "cent" | "c" => "century",
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        other => other,
    };
    name.to_owned()
}

fn epoch(moment: Moment) -> String {
    let micros = match moment {
        Moment::At(at) => at.and_utc().timestamp_micros(),
        Moment::Time(micros) => micros,
        Moment::On(date) => return date.and_time(NaiveTime::MIN).and_utc().timestamp().to_string(),
    };
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

fn of_time(field: &str, micros: i64) -> Option<String> {
    let seconds = micros / 1_000_000;
    let in_minute = micros % 60_000_000;
    Some(match field {
        "microseconds" => in_minute.to_string(),
        "milliseconds" => format!("{}.{:03}", in_minute / 1000, in_minute % 1000),
        "second" => format!("{}.{:06}", in_minute / 1_000_000, in_minute % 1_000_000),
        "minute" => (seconds / 60 % 60).to_string(),
        "hour" => (seconds / 3600).to_string(),
        _ => return None,
    })
}

fn of_date(field: &str, date: NaiveDate) -> Option<String> {
    let year = date.year();
    let week = date.iso_week();
    Some(match field {
        "day" => date.day().to_string(),
        "week" => week.week().to_string(),
        "isoyear" => week.year().to_string(),
        "month" => date.month().to_string(),
        "quarter" => (date.month0() / 3 + 1).to_string(),
        "year" => year.to_string(),
        "decade" => year.div_euclid(10).to_string(),
        "century" => ((year + 99).div_euclid(100)).to_string(),
        "millennium" => ((year + 999).div_euclid(1000)).to_string(),
        "dow" => date.weekday().num_days_from_sunday().to_string(),
        "isodow" => date.weekday().number_from_monday().to_string(),
        "doy" => date.ordinal().to_string(),
        _ => return None,
    })
}

/// `date_trunc(field, value)`, in the form it is held in. A `date` becomes a `timestamptz`, as in PostgreSQL.
///
/// # Errors
/// As [`extract`].
pub fn truncate(field: &str, ty: &Type, text: &str) -> Result<String, Invalid> {
    let field = &*singular(field);
    let at = match held(ty, text)? {
        Moment::At(at) => at,
        Moment::On(date) => date.and_time(NaiveTime::MIN),
        Moment::Time(_) => return Err(unknown(field, ty)),
    };
    let out = if matches!(ty, Type::Date) { &Type::Timestamptz } else { ty };
    let cut = cut(field, at).ok_or_else(|| unknown(field, out))?;
    Ok(to_held(out, Moment::At(cut)))
}

fn cut(field: &str, at: NaiveDateTime) -> Option<NaiveDateTime> {
    let day = at.date();
    let micros = micros_of_day(&at);
    let within = |unit: i64| Some(day.and_time(NaiveTime::MIN) + TimeDelta::microseconds(micros - micros % unit));
    let year = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1);
    let first = match field {
        "microseconds" => return within(1),
        "milliseconds" => return within(1000),
        "second" => return within(1_000_000),
        "minute" => return within(60_000_000),
        "hour" => return within(3_600_000_000),
        "day" => Some(day),
        "week" => Some(day - TimeDelta::days(day.weekday().num_days_from_monday().into())),
        "month" => day.with_day(1),
        "quarter" => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
        "year" => year(day.year()),
        "decade" => year((day.year() / 10 * 10).max(1)),
        "century" => year((day.year() - 1) / 100 * 100 + 1),
        "millennium" => year((day.year() - 1) / 1000 * 1000 + 1),
        _ => None,
    };
    first.map(|day| day.and_time(NaiveTime::MIN))
}
