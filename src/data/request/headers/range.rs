//! `Range`, and what the answer says of it.

use std::fmt;

use crate::data::request::fault::{Fault, OutOfRange};

/// Rows by their places from 0; heard with GET alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: u64,
    /// Included.
    pub last: Option<u64>,
}

impl Range {
    /// Of `5-9` or `5-`; `None` for anything else, which is ignored (`bytes=0-9` is about something else).
    ///
    /// # Errors
    ///
    /// [`Fault::Range`] when the last comes before the first.
    pub fn parse(header: &str) -> Result<Option<Self>, Fault> {
        let Some((first, last)) = header.split_once('-') else { return Ok(None) };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if first.is_empty() || !is_number(first) || !is_number(last) {
            return Ok(None);
        }
        // More than a database can count to means the end.
        let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX).min(i64::MAX as u64);
        let range = Self { first: number(first), last: (!last.is_empty()).then(|| number(last)) };
        if range.last.is_some_and(|last| last < range.first) {
            return Err(Fault::Range(OutOfRange::LowerAboveUpper));
        }
        Ok(Some(range))
    }
}

/// The value of `Content-Range`: `0-9/57`, `0-9/*`, `*/57`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    offset: u64,
    rows: u64,
    total: Option<u64>,
}

impl ContentRange {
    /// Of a read or a call that gave `rows` after `offset`; `total` when a count was asked for.
    ///
    /// # Errors
    ///
    /// [`Fault::Range`] when a count was asked for and the offset is larger.
    pub fn of_read(offset: u64, rows: u64, total: Option<u64>) -> Result<Self, Fault> {
        match total {
            Some(total) if offset > total => Err(Fault::Range(OutOfRange::Offset { offset, total })),
            _ => Ok(Self { offset, rows, total }),
        }
    }

    /// Of an update of so many rows.
    #[must_use]
    pub fn of_update(rows: u64, is_counted: bool) -> Self {
        Self { offset: 0, rows, total: is_counted.then_some(rows) }
    }

    /// Of an insert or a delete, which name no places.
    #[must_use]
    pub fn of_places_unknown(rows: u64, is_counted: bool) -> Self {
        Self { offset: 0, rows: 0, total: is_counted.then_some(rows) }
    }

    /// The status of a read: 206 when a count was asked for and this is only a part.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.total.is_some_and(|total| self.rows < total) { 206 } else { 200 }
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows.checked_sub(1) {
            Some(above) if self.total != Some(0) => write!(f, "{}-{}/", self.offset, self.offset.saturating_add(above))?,
            _ => f.write_str("*/")?,
        }
        match self.total {
            Some(total) => write!(f, "{total}"),
            None => f.write_str("*"),
        }
    }
}
