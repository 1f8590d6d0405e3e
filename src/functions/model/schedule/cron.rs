//! Cron expressions: AWS's six fields, and the five of crontab.
//!
//! Read by own code, since the crates there are take what AWS refuses (`?` twice, names inside of words), do not say which field is
//! wrong, and step through the hour that clocks repeat in a way that may give a moment that has passed.

use jiff::civil::{Date, DateTime};

use super::days::{Days, Weeks};
use super::field::{HOUR, MINUTE, MONTH, Values, YEAR};

/// What the words of crontab stand for.
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Minutes of the calendar and the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: Values,
    hours: Values,
    months: Values,
    years: Values,
    days: Days,
    /// Whether the hour is `*` or `*/n`: then it is due in each hour that passes, not at times of the day.
    pub(super) is_by_the_hour: bool,
}

impl Cron {
    /// Reads what stands inside of `cron(…)`.
    pub(super) fn aws(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday, year] = fields.as_slice() else {
            return Err(format!(
                "cron(…) has six fields (minutes, hours, day of month, month, day of week, year), and here are {}",
                fields.len()
            ));
        };
        Self::of((minute, hour), Days::read(day, weekday, Weeks::Aws)?, (month, year))
    }

    /// Reads a line of crontab, or the word for one.
    pub(super) fn classic(text: &str) -> Result<Self, String> {
        let text = match WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, line)) => line,
            None if text.starts_with('@') => {
                return Err(format!("there is no {text:?}; there are {}", WORDS.map(|(word, _)| word).join(", ")));
            }
            None => text,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "it has {} fields; crontab's five are minute, hour, day of month, month, day of week, and other kinds are rate(5 minutes), \
                 cron(0 12 * * ? *) and at(2030-01-31T12:00:00)",
                fields.len()
            ));
        };
        Self::of((minute, hour), Days::read(day, weekday, Weeks::Classic)?, (month, "*"))
    }

    fn of((minute, hour): (&str, &str), days: Days, (month, year): (&str, &str)) -> Result<Self, String> {
        let cron = Self {
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            months: MONTH.read(month)?,
            years: YEAR.read(year)?,
            days,
            is_by_the_hour: hour.starts_with('*'),
        };
        let beginning = Date::new(1970, 1, 1).map_err(|err| err.to_string())?.at(0, 0, 0, 0);
        match cron.at_or_after(beginning) {
            Some(_) => Ok(cron),
            None => Err("it is never due: none of its months and years has such a day".to_owned()),
        }
    }

    /// The first minute it is due at, at a minute or after it, by the calendar alone; `None` when its years are over.
    pub(super) fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let first = from.date();
        self.dates(first).find_map(|date| {
            let (hour, minute) = if date == first { (from.hour(), from.minute()) } else { (0, 0) };
            let (hour, minute) = self.time(u16::try_from(hour).ok()?, u16::try_from(minute).ok()?)?;
            Some(date.at(hour, minute, 0, 0))
        })
    }

    /// The days it is due on, from a date on.
    fn dates(&self, from: Date) -> impl Iterator<Item = Date> {
        let years = self.years.range(u16::try_from(from.year()).unwrap_or_default()..);
        let months = years.flat_map(|year| self.months.iter().map(move |month| (*year, *month)));
        let first_of = |(year, month)| Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok();
        let months = months.filter_map(first_of).filter(move |first| first.last_of_month() >= from);
        let days = months.flat_map(|first| (1..=first.days_in_month()).filter_map(move |day| first.with().day(day).build().ok()));
        days.filter(move |date| *date >= from && self.days.has(*date))
    }

    /// The first time of a day, at this one or after it.
    fn time(&self, hour: u16, minute: u16) -> Option<(i8, i8)> {
        let in_hour = self.hours.contains(&hour).then(|| self.minutes.range(minute..).next()).flatten();
        let (hour, minute) = match in_hour {
            Some(minute) => (hour, minute),
            None => (*self.hours.range(hour + 1..).next()?, self.minutes.first()?),
        };
        Some((i8::try_from(hour).ok()?, i8::try_from(*minute).ok()?))
    }
}
