//! What a schedule says of when it is due.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;

use super::cron::Cron;

/// The longest expression, in characters (EventBridge's).
pub const EXPRESSION_CHARS: usize = 256;

/// Seconds that a rate may have: from one to ten years.
const RATE_S: std::ops::RangeInclusive<u64> = 1..=10 * 366 * 86_400;

/// The units of rates, each also with an `s`.
const UNITS: [(&str, u64); 5] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400), ("week", 604_800)];

/// The years that `at(…)` may name, which are those of cron.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// When a schedule is due: `rate(…)`, `cron(…)`, `at(…)`, or a line of crontab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    pub(super) kind: Kind,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every so often.
    Rate(Duration),
    /// Once.
    At(DateTime),
    Cron(Box<Cron>),
}

/// Why an expression was refused; the text says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidExpression(String);

impl Expression {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() || text.len() > EXPRESSION_CHARS {
            return Err(InvalidExpression(format!("an expression has 1 to {EXPRESSION_CHARS} characters")));
        }
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')').map(str::trim);
        let kind = if let Some(rate) = inside("rate") {
            rate_of(rate).map(Kind::Rate)
        } else if let Some(cron) = inside("cron") {
            Cron::aws(cron).map(|cron| Kind::Cron(Box::new(cron)))
        } else if let Some(at) = inside("at") {
            time_of(at).map(Kind::At)
        } else {
            Cron::classic(text).map(|cron| Kind::Cron(Box::new(cron)))
        };
        kind.map(|kind| Self { text: text.to_owned(), kind }).map_err(InvalidExpression)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn rate_of(text: &str) -> Result<Duration, String> {
    let wrong = || {
        let units = UNITS.map(|(unit, _)| format!("{unit}s")).join(", ");
        format!("rate(…) has a whole number and one of {units}, such as rate(5 minutes), from 1 second to 10 years")
    };
    let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
    let unit = unit.trim_start();
    let (_, seconds) = UNITS.iter().find(|(one, _)| unit.strip_suffix('s').unwrap_or(unit) == *one).ok_or_else(wrong)?;
    let seconds = number.checked_mul(*seconds).filter(|seconds| RATE_S.contains(seconds)).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

fn time_of(text: &str) -> Result<DateTime, String> {
    let wrong = || {
        format!("at(…) has one local time, such as at(2030-01-31T12:00:00), in the years {} to {}", YEARS.start(), YEARS.end())
    };
    let bytes = text.as_bytes();
    // A zone or a fraction would have no meaning here.
    let is_plain = bytes.len() == 19 && bytes.get(10) == Some(&b'T');
    let time: DateTime = text.parse().ok().filter(|_| is_plain).ok_or_else(wrong)?;
    if YEARS.contains(&time.year()) { Ok(time) } else { Err(wrong()) }
}
