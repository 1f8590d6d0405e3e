//! One field of a cron expression: lists, ranges and steps of numbers and names.

use std::collections::BTreeSet;

/// The values that a field names.
pub(super) type Values = BTreeSet<u16>;

/// What a field may have.
pub(super) struct Field {
    /// What it is called where it is refused.
    pub(super) name: &'static str,
    pub(super) first: u16,
    pub(super) last: u16,
    /// Where `*` and a step without an end stop: Sunday may be written twice, and is meant once.
    pub(super) open_end: u16,
    /// Words for the values from `named_from` on.
    pub(super) words: &'static [&'static str],
    pub(super) named_from: u16,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) const MINUTE: Field = Field::of("minute", 0, 59);

pub(super) const HOUR: Field = Field::of("hour", 0, 23);

pub(super) const DAY_OF_MONTH: Field = Field::of("day-of-month", 1, 31);

pub(super) const MONTH: Field = Field { words: &MONTHS, named_from: 1, ..Field::of("month", 1, 12) };

/// Sunday is 0, and 7.
pub(super) const DAY_OF_WEEK: Field = Field { words: &WEEKDAYS, open_end: 6, ..Field::of("day-of-week", 0, 7) };

/// Sunday is 1, as in AWS.
pub(super) const AWS_DAY_OF_WEEK: Field = Field { words: &WEEKDAYS, named_from: 1, ..Field::of("day-of-week", 1, 7) };

/// AWS's years.
pub(super) const YEAR: Field = Field::of("year", 1970, 2199);

impl Field {
    const fn of(name: &'static str, first: u16, last: u16) -> Self {
        Self { name, first, last, open_end: last, words: &[], named_from: 0 }
    }

    /// Reads a list.
    pub(super) fn read(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::new();
        for part in text.split(',') {
            values.extend(self.part(part)?);
        }
        Ok(values)
    }

    /// Reads one part of a list: `*`, a value or a range, each with a step or without.
    pub(super) fn part(&self, part: &str) -> Result<Vec<u16>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(part, step)?)),
            None => (part, None),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (self.first, self.open_end),
            (_, Some((first, last))) => (self.value(part, first)?, self.value(part, last)?),
            (first, None) => {
                let first = self.value(part, first)?;
                (first, if step.is_some() { self.open_end.max(first) } else { first })
            }
        };
        // What may be written twice (Sunday) ends a range by its second number.
        let last = if last < first && last == self.first && self.open_end < self.last { self.last } else { last };
        if first > last {
            return Err(self.wrong(part, "the range begins after its end; write it as two, such as 22-23,0-2"));
        }
        Ok((first..=last).step_by(step.unwrap_or(1)).collect())
    }

    /// Reads a number or a name.
    pub(super) fn value(&self, part: &str, text: &str) -> Result<u16, String> {
        if let Some(at) = self.words.iter().position(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(self.named_from + u16::try_from(at).unwrap_or_default());
        }
        let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = is_number.then(|| text.parse().ok()).flatten();
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| self.wrong(part, &self.allowed()))
    }

    fn step(&self, part: &str, text: &str) -> Result<usize, String> {
        let most = usize::from(self.last - self.first);
        let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let step = is_number.then(|| text.parse().ok()).flatten().filter(|step| (1..=most).contains(step));
        step.ok_or_else(|| self.wrong(part, &format!("a step is a whole number from 1 to {most}")))
    }

    fn allowed(&self) -> String {
        let words = match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "it has numbers from {} to {}{words}, *, and lists (1,2), ranges (1-5) and steps (*/5) of these",
            self.first, self.last
        )
    }

    /// What is wrong with a part, with the field's name.
    pub(super) fn wrong(&self, part: &str, why: &str) -> String {
        format!("the {} field cannot be {part:?}: {why}", self.name)
    }
}
