//! `interval`: what is added to moments.

use super::DAY;
use crate::values::Invalid;

/// Months, days and microseconds, which are added in this order and do not turn into each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// A sum that is cut into the three parts at the end.
#[derive(Default)]
struct Sum {
    months: f64,
    days: f64,
    micros: f64,
    /// Which units there were, a bit each: none comes twice.
    seen: u16,
}

/// Reads PostgreSQL's spellings: `1 year 2 mons -3 days 04:05:06.7`, `90 min ago`, `1-2` (years and months), and ISO 8601 (`P1Y2M3DT4H5M6S`).
///
/// # Errors
/// 22007 when it is none; 22008 or 22015 when a part is too large.
pub fn interval(text: &str) -> Result<Interval, Invalid> {
    let syntax = || Invalid::new("22007", format!("invalid input syntax for type interval: \"{text}\""));
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > 128 || !trimmed.is_ascii() {
        return Err(syntax());
    }
    let sum = match trimmed.strip_prefix(['P', 'p']) {
        Some(rest) => iso(rest),
        None => words(&trimmed.to_ascii_lowercase()),
    };
    sum.and_then(|sum| sum.ok_or(()))
        .map_err(|()| syntax())?
        .cut()
        .ok_or_else(|| Invalid::new("22015", format!("interval field value out of range: \"{text}\"")))
}

impl Sum {
    fn add(&mut self, amount: f64, unit: &str) -> Option<()> {
        let years = |count: f64| (amount * count * 12.0).round_ties_even();
        let bit = match unit {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => {
                self.micros += amount;
                0
            }
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
                self.micros += amount * 1e3;
                1
            }
            "s" | "sec" | "secs" | "second" | "seconds" => {
                self.micros += amount * 1e6;
                2
            }
            "m" | "min" | "mins" | "minute" | "minutes" => {
                self.micros += amount * 60e6;
                3
            }
            "h" | "hr" | "hrs" | "hour" | "hours" => {
                self.micros += amount * 3600e6;
                4
            }
            "d" | "day" | "days" => {
                self.days(amount);
                5
            }
            "w" | "week" | "weeks" => {
                self.days(amount * 7.0);
                6
            }
            "mon" | "mons" | "month" | "months" => {
                self.months(amount);
                7
            }
            "y" | "yr" | "yrs" | "year" | "years" => {
                self.months += years(1.0);
                8
            }
            "dec" | "decs" | "decade" | "decades" => {
                self.months += years(10.0);
                9
            }
            "c" | "cent" | "century" | "centuries" => {
                self.months += years(100.0);
                10
            }
            "mil" | "mils" | "millennium" | "millennia" => {
                self.months += years(1000.0);
                11
            }
            _ => return None,
        };
        let is_new = self.seen & (1 << bit) == 0;
        self.seen |= 1 << bit;
        is_new.then_some(())
    }

    /// A fraction of a month is of 30 days.
    fn months(&mut self, amount: f64) {
        self.months += amount.trunc();
        self.days(amount.fract() * 30.0);
    }

    /// A fraction of a day is of 24 hours.
    #[expect(clippy::cast_precision_loss, reason = "a day's microseconds fit 53 bits")]
    fn days(&mut self, amount: f64) {
        // What is left of a fraction such as .1 × 30 is no more than the fraction's own error.
        let amount = (amount * 1e10).round() / 1e10;
        self.days += amount.trunc();
        self.micros += amount.fract() * DAY as f64;
    }

    fn negate(&mut self) {
        (self.months, self.days, self.micros) = (-self.months, -self.days, -self.micros);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the range is looked at before")]
    fn cut(&self) -> Option<Interval> {
        let fits = |value: f64| value.abs() <= f64::from(i32::MAX);
        let ok = fits(self.months) && fits(self.days) && self.micros.abs() < 9.0e18;
        let micros = self.micros.round_ties_even() as i64;
        ok.then_some(Interval { months: self.months as i32, days: self.days as i32, micros })
    }
}

/// Amounts and their units, clock times, and `ago`.
fn words(text: &str) -> Result<Option<Sum>, ()> {
    let mut sum = Sum::default();
    let mut tokens = tokens(text).into_iter().peekable();
    if tokens.peek().is_some_and(|first| *first == "@") {
        tokens.next();
    }
    let mut empty = true;
    while let Some(token) = tokens.next() {
        if token == "ago" && !empty && tokens.peek().is_none() {
            sum.negate();
            break;
        }
        empty = false;
        if token.contains(':') {
            sum.micros += clock(token).ok_or(())?;
            continue;
        }
        if let Some(months) = years_and_months(token) {
            sum.months += months;
            continue;
        }
        let amount: f64 = number(token).ok_or(())?;
        match tokens.next_if(|next| next.starts_with(|c: char| c.is_ascii_alphabetic()) && *next != "ago") {
            Some(unit) => sum.add(amount, unit).ok_or(())?,
            None if tokens.peek().is_some_and(|next| next.contains(':')) => sum.add(amount, "days").ok_or(())?,
            None if tokens.peek().is_none() => sum.add(amount, "seconds").ok_or(())?,
            None => return Err(()),
        }
    }
    Ok((!empty).then_some(sum))
}

/// Cut at spaces, and between a number and letters.
fn tokens(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in text.split_ascii_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let letters = rest.starts_with(|c: char| c.is_ascii_alphabetic());
            let end = rest.find(|c: char| c.is_ascii_alphabetic() != letters).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            out.push(token);
            rest = after;
        }
    }
    out
}

fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number =
        digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && digits.bytes().any(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// `04:05`, `04:05:06.7`, with a sign for the whole.
fn clock(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let parts: Vec<f64> = digits.split(':').map(number).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, 0.0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let micros = (hours * 3600.0 + minutes * 60.0 + seconds) * 1e6;
    (minutes < 60.0 && seconds < 61.0).then_some(if text.starts_with('-') { -micros } else { micros })
}

/// `1-2`.
fn years_and_months(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (years, months) = digits.split_once('-')?;
    let (years, months): (u32, u32) = (years.parse().ok()?, months.parse().ok()?);
    let total = f64::from(years) * 12.0 + f64::from(months);
    (months < 12).then_some(if text.starts_with('-') { -total } else { total })
}

/// What follows the `P`.
fn iso(text: &str) -> Result<Option<Sum>, ()> {
    let (mut sum, mut in_time, mut empty, mut rest) = (Sum::default(), false, true, text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['T', 't']) {
            (in_time, rest) = (true, after);
            continue;
        }
        let at = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(())?;
        let amount = number(&rest[..at]).ok_or(())?;
        let unit = match (rest.as_bytes()[at].to_ascii_uppercase(), in_time) {
            (b'Y', false) => "years",
            (b'M', false) => "months",
            (b'W', false) => "weeks",
            (b'D', false) => "days",
            (b'H', true) => "hours",
            (b'M', true) => "minutes",
            (b'S', true) => "seconds",
            _ => return Err(()),
        };
        sum.add(amount, unit).ok_or(())?;
        (empty, rest) = (false, &rest[at + 1..]);
    }
    Ok((!empty).then_some(sum))
}
