//! On which days a cron expression is due: the day of the month, the day of the week, or both.

use jiff::civil::Date;

use super::field::{AWS_DAY_OF_WEEK, DAY_OF_MONTH, DAY_OF_WEEK, Field, Values};

/// The last five days of a week that are worked on.
const WORKDAYS: std::ops::RangeInclusive<i8> = 1..=5;

/// How days of the week are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weeks {
    /// Sunday is 0 and 7.
    Classic,
    /// Sunday is 1.
    Aws,
}

/// The days of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Days {
    of_month: OfMonth,
    of_week: OfWeek,
    /// Whether one of both is enough.
    is_either: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfMonth {
    days: Values,
    /// `L`.
    is_last: bool,
    /// `LW`: the last workday.
    is_last_workday: bool,
    /// `15W`: the workday that is nearest, in the same month.
    near: Values,
}

/// Sunday is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfWeek {
    days: Values,
    /// `5L`: the last one of the month.
    last: Values,
    /// `5#2`: the second one of the month.
    nth: Vec<(u16, u16)>,
}

impl Days {
    /// Reads both fields.
    pub(super) fn read(of_month: &str, of_week: &str, weeks: Weeks) -> Result<Self, String> {
        if weeks == Weeks::Aws && (of_month == "?") == (of_week == "?") {
            let why = "exactly one of the day-of-month and the day-of-week field is ?, the other one says the days";
            return Err(why.to_owned());
        }
        // As in Vixie's cron: two fields that both restrict are alternatives.
        let restricts = |text: &str| !text.starts_with(['*', '?']);
        let is_either = weeks == Weeks::Classic && restricts(of_month) && restricts(of_week);
        Ok(Self { of_month: OfMonth::read(of_month)?, of_week: OfWeek::read(of_week, weeks)?, is_either })
    }

    /// Whether a day is one of them.
    pub(super) fn has(&self, date: Date) -> bool {
        let (of_month, of_week) = (self.of_month.has(date), self.of_week.has(date));
        if self.is_either { of_month || of_week } else { of_month && of_week }
    }
}

impl OfMonth {
    fn read(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for part in text.split(',') {
            match part.strip_suffix(['W', 'w']) {
                Some("L" | "l") => read.is_last_workday = true,
                Some(day) => drop(read.near.insert(DAY_OF_MONTH.value(part, day)?)),
                None if matches!(part, "L" | "l") => read.is_last = true,
                None if part == "?" && text == "?" => read.days.extend(DAY_OF_MONTH.part("*")?),
                None => read.days.extend(DAY_OF_MONTH.part(part)?),
            }
        }
        Ok(read)
    }

    fn has(&self, date: Date) -> bool {
        let (day, length) = (number(date.day()), date.days_in_month());
        self.days.contains(&day)
            || (self.is_last && date.day() == length)
            || (self.is_last_workday && Some(date) == workday_near(date, length))
            || self.near.iter().any(|near| workday_near(date, i8::try_from(*near).unwrap_or(i8::MAX)) == Some(date))
    }
}

impl OfWeek {
    fn read(text: &str, weeks: Weeks) -> Result<Self, String> {
        let field = if weeks == Weeks::Aws { &AWS_DAY_OF_WEEK } else { &DAY_OF_WEEK };
        // Sunday is the field's first, and may be its last.
        let from_sunday = |value: u16| (value - field.first) % 7;
        let mut read = Self::default();
        for part in text.split(',') {
            if let Some((day, nth)) = part.split_once('#') {
                let nth = nth_of(field, part, nth)?;
                read.nth.push((from_sunday(field.value(part, day)?), nth));
            } else if matches!(part, "L" | "l") {
                // The last day of the week, as AWS has it.
                read.days.insert(6);
            } else if let Some(day) = part.strip_suffix(['L', 'l']) {
                read.last.insert(from_sunday(field.value(part, day)?));
            } else {
                let part = if part == "?" && text == "?" { "*" } else { part };
                read.days.extend(field.part(part)?.into_iter().map(from_sunday));
            }
        }
        Ok(read)
    }

    fn has(&self, date: Date) -> bool {
        let weekday = number(date.weekday().to_sunday_zero_offset());
        let nth = number((date.day() - 1) / 7 + 1);
        let is_last = date.day() + 7 > date.days_in_month();
        self.days.contains(&weekday) || (is_last && self.last.contains(&weekday)) || self.nth.contains(&(weekday, nth))
    }
}

fn nth_of(field: &Field, part: &str, nth: &str) -> Result<u16, String> {
    let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
    nth.ok_or_else(|| field.wrong(part, "after # stands which one of the month is meant, from 1 to 5"))
}

/// The workday that is nearest to a day of a date's month, in that month; `None` when it has no such day.
fn workday_near(date: Date, day: i8) -> Option<Date> {
    let wanted = Date::new(date.year(), date.month(), day).ok()?;
    let weekday = wanted.weekday().to_sunday_zero_offset();
    let shift = match weekday {
        _ if WORKDAYS.contains(&weekday) => 0,
        // Saturday: the day before, unless that is in the month before.
        6 if day == 1 => 2,
        6 => -1,
        // Sunday: the day after, unless that is in the month after.
        _ if day == date.days_in_month() => -2,
        _ => 1,
    };
    Date::new(date.year(), date.month(), day + shift).ok()
}

/// A number of the calendar, none of which is negative.
fn number(value: i8) -> u16 {
    u16::try_from(value).unwrap_or_default()
}
