//! Text: patterns, regular expressions, and the functions that SQLite lacks or has for ASCII only.
//!
//! Upper and lower case go by Unicode, one character for one, as PostgreSQL does in a UTF-8 locale.

mod case;
mod pattern;

pub use case::{initcap, lower, upper};
pub use pattern::{like, matches_regex, replace_regex};

use super::array::{element, join};
use super::{Datum, Invalid};

/// Characters that `repeat`, `lpad` and `rpad` make at the most.
const MAX_MADE: usize = 1 << 24;

/// `ltrim`, `rtrim`, `btrim`: without any of the characters at the ends that are named.
#[must_use]
pub fn trim<'a>(text: &'a str, chars: &str, start: bool, end: bool) -> &'a str {
    let among = |c: char| chars.contains(c);
    let text = if start { text.trim_start_matches(among) } else { text };
    if end { text.trim_end_matches(among) } else { text }
}

/// `lpad`, `rpad`: filled up to so many characters, or cut at the end.
///
/// # Errors
/// 54000 when it would be too long.
pub fn pad(text: &str, length: i64, fill: &str, left: bool) -> Result<String, Invalid> {
    let length = usize::try_from(length).unwrap_or(0);
    if length > MAX_MADE {
        return Err(Invalid::new("54000", "requested length too large"));
    }
    let have = text.chars().count();
    if have >= length || fill.is_empty() {
        return Ok(text.chars().take(length).collect());
    }
    let filling: String = fill.chars().cycle().take(length - have).collect();
    Ok(if left { filling + text } else { text.to_owned() + &filling })
}

/// `left`: the first characters; without so many at the end when negative.
#[must_use]
pub fn left(text: &str, count: i64) -> String {
    text.chars().take(places(text, count)).collect()
}

/// `right`: the last characters; without so many at the start when negative.
#[must_use]
pub fn right(text: &str, count: i64) -> String {
    let length = text.chars().count();
    text.chars().skip(length - places(text, count)).collect()
}

fn places(text: &str, count: i64) -> usize {
    let length = text.chars().count();
    let by = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 { length.saturating_sub(by) } else { by.min(length) }
}

/// `split_part`: the field by its place from 1, from the end when negative; empty when there is none.
///
/// # Errors
/// 22023 for place 0.
pub fn split_part<'a>(text: &'a str, delimiter: &str, place: i64) -> Result<&'a str, Invalid> {
    if place == 0 {
        return Err(Invalid::new("22023", "field position must not be zero"));
    }
    let fields: Vec<&str> = if delimiter.is_empty() || text.is_empty() { vec![text] } else { text.split(delimiter).collect() };
    let at = usize::try_from(place.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let field = if place > 0 { fields.get(at) } else { fields.iter().rev().nth(at) };
    Ok(field.copied().unwrap_or(""))
}

/// `string_to_array`, in the form that is held: the fields between delimiters; without one (`None`) the characters. A field that equals
/// `null` becomes one.
#[must_use]
pub fn fields(text: &str, delimiter: Option<&str>, null: Option<&str>) -> String {
    let held = |field: &str| element(&if Some(field) == null { Datum::Null } else { Datum::Text(field.to_owned()) });
    match delimiter {
        _ if text.is_empty() => join([]),
        None => join(text.chars().map(|c| held(c.encode_utf8(&mut [0; 4])))),
        Some("") => join([held(text)]),
        Some(delimiter) => join(text.split(delimiter).map(held)),
    }
}

/// `repeat`.
///
/// # Errors
/// 54000 when it would be too long.
pub fn repeat(text: &str, count: i64) -> Result<String, Invalid> {
    let count = usize::try_from(count).unwrap_or(0);
    if text.len().saturating_mul(count) > MAX_MADE {
        return Err(Invalid::new("54000", "requested length too large"));
    }
    Ok(text.repeat(count))
}

/// `strpos`: where a text begins in another, in characters from 1; 0 when it does not.
#[must_use]
pub fn strpos(text: &str, wanted: &str) -> i64 {
    let before = text.find(wanted).map(|at| text[..at].chars().count());
    before.and_then(|count| i64::try_from(count + 1).ok()).unwrap_or(0)
}
