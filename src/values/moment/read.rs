//! Reading dates and times in the spellings that PostgreSQL takes and clients use.

use chrono::NaiveDate;

use super::{DAY, out_of_range};
use crate::values::{Invalid, Type};

/// What a text says; which parts are needed is the type's affair.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::values) struct Parsed {
    pub(super) date: Option<NaiveDate>,
    /// Microseconds from midnight; a leap second and 24:00 reach into the next day.
    pub(super) micros: Option<i64>,
    /// Seconds east of Greenwich.
    pub(super) offset: Option<i64>,
}

/// `2026-01-31`, `20260131`, `01/31/2026`, with `T` or spaces and `08:05[:00[.5]]`, `0805`, `8:05 PM`, and `Z`, `UTC`, `+01`, `+0100`, `+01:00`.
pub(in crate::values) fn read(ty: &Type, text: &str) -> Result<Parsed, Invalid> {
    let syntax = || Invalid::new("22007", super::syntax(ty, text));
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    if !trimmed.is_ascii() || trimmed.is_empty() || trimmed.len() > 128 {
        return Err(syntax());
    }
    if trimmed.eq_ignore_ascii_case("epoch") {
        return Ok(Parsed { date: NaiveDate::from_ymd_opt(1970, 1, 1), micros: Some(0), offset: Some(0) });
    }
    let (date, rest) = split_date(trimmed);
    let mut parsed = Parsed::default();
    if let Some(date) = date {
        parsed.date = Some(read_date(date, text)?.ok_or_else(syntax)?);
    }
    let rest = rest.trim_start();
    if rest.is_empty() {
        return if parsed.date.is_some() { Ok(parsed) } else { Err(syntax()) };
    }
    let at = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(at);
    let mut zone = zone.trim();
    let mut hours = 0;
    for (suffix, after_noon) in [("am", false), ("pm", true)] {
        if zone.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(suffix)) {
            zone = zone[2..].trim_start();
            hours = half_day(time, after_noon).ok_or_else(|| out_of_range(text))?;
        }
    }
    if !time.is_empty() {
        parsed.micros = Some(read_time(time, text)?.ok_or_else(syntax)? + hours * 3_600_000_000);
    } else if parsed.date.is_none() {
        return Err(syntax());
    }
    if !zone.is_empty() {
        parsed.offset = Some(read_zone(zone, text)?.ok_or_else(syntax)?);
    }
    Ok(parsed)
}

/// The date, if the text begins with one, and what follows it.
fn split_date(text: &str) -> (Option<&str>, &str) {
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, 'T' | 't')).unwrap_or(text.len());
    let head = &text[..end];
    let is_date = head.contains('/')
        || head.trim_start_matches('-').contains('-') && !head.contains(':')
        || (head.len() == 8 && head.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_date {
        return (None, text.trim_start_matches(['T', 't']));
    }
    // `2026-01-31Z` and `2026-01-31+01` say a zone without a time.
    let end = head.find(['Z', 'z', '+']).unwrap_or(end);
    let rest = text[end..].strip_prefix(['T', 't']).unwrap_or(&text[end..]);
    (Some(&text[..end]), rest)
}

fn read_date(text: &str, whole: &str) -> Result<Option<NaiveDate>, Invalid> {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    if parts.iter().any(|part| part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(None);
    }
    let (year, month, day) = match parts.as_slice() {
        [packed] if packed.len() == 8 => (&packed[..4], &packed[4..6], &packed[6..]),
        [month, day, year] if month.len() <= 2 && year.len() == 4 => (*year, *month, *day),
        [year, month, day] if year.len() >= 3 => (*year, *month, *day),
        _ => return Ok(None),
    };
    let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    let year = i32::try_from(number(year)).ok().filter(|year| (1..=9999).contains(year));
    let date = year.and_then(|year| NaiveDate::from_ymd_opt(year, number(month), number(day)));
    date.map(Some).ok_or_else(|| out_of_range(whole))
}

fn read_time(text: &str, whole: &str) -> Result<Option<i64>, Invalid> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = if clock.contains(':') {
        clock.split(':').collect()
    } else if clock.len() == 4 || clock.len() == 6 {
        (0..clock.len()).step_by(2).map(|at| &clock[at..at + 2]).collect()
    } else {
        return Ok(None);
    };
    let is_number = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let in_order = (2..=3).contains(&parts.len()) && parts.iter().all(is_number);
    if !in_order || !fraction.bytes().all(|byte| byte.is_ascii_digit()) || (!fraction.is_empty() && parts.len() < 3) {
        return Ok(None);
    }
    let number = |place: usize| parts.get(place).map_or(0, |part| part.parse::<i64>().unwrap_or(i64::MAX));
    let (hours, minutes, seconds) = (number(0), number(1), number(2));
    // To the microsecond, half away from zero. The digits beyond the ninth decide nothing that the others leave open.
    let fraction = format!("{:0<9}", &fraction[..fraction.len().min(9)]);
    let micros = (fraction.parse::<i64>().unwrap_or(0) + 500) / 1000;
    let micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
    if minutes > 59 || seconds > 60 || micros > DAY {
        return Err(out_of_range(whole));
    }
    Ok(Some(micros))
}

/// What `AM` or `PM` adds to the hours.
fn half_day(time: &str, after_noon: bool) -> Option<i64> {
    let hours: i64 = time.split(':').next()?.parse().ok()?;
    match (hours, after_noon) {
        (1..=11, true) => Some(12),
        (12, true) | (1..=11, false) => Some(0),
        (12, false) => Some(-12),
        _ => None,
    }
}

fn read_zone(text: &str, whole: &str) -> Result<Option<i64>, Invalid> {
    if ["z", "utc", "gmt", "zulu"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Ok(Some(0));
    }
    let (sign, digits) = match text.as_bytes()[0] {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return Ok(None),
    };
    let parts: Vec<&str> = match digits.len() {
        _ if digits.contains(':') => digits.split(':').collect(),
        3 | 4 => vec![&digits[..digits.len() - 2], &digits[digits.len() - 2..]],
        _ => vec![digits],
    };
    let is_number = |part: &&str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return Ok(None);
    }
    let number = |place: usize| parts.get(place).map_or(0, |part| part.parse::<i64>().unwrap_or(i64::MAX));
    let (hours, minutes, seconds) = (number(0), number(1), number(2));
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(Invalid::new("22009", format!("time zone displacement out of range: \"{whole}\"")));
    }
    Ok(Some(sign * ((hours * 60 + minutes) * 60 + seconds)))
}
