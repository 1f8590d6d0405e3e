//! Arrays: held as a JSON array of the elements as they are held, written as PostgreSQL's `{…}`.
//!
//! An element is a JSON number where SQLite holds INTEGER or REAL (a boolean is 0 or 1), a string where it holds TEXT, a string with
//! `\x…` for `bytea`, or null.

use super::json::{self, Step};
use super::{Datum, Invalid, Type, bytes, from_text, to_text};

/// An element as JSON text, in the form a held array has.
#[must_use]
pub fn element(datum: &Datum) -> String {
    match datum {
        Datum::Null => "null".to_owned(),
        Datum::Bool(value) => i32::from(*value).to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::Float(value) if value.is_finite() => format!("{value:?}"),
        Datum::Float(value) => quoted(&super::float::to_text(*value, false)),
        Datum::Text(text) => quoted(text),
        Datum::Bytes(value) => quoted(&bytes::to_text(value)),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json::escape(text, &mut out);
    out
}

/// A held array of elements.
#[must_use]
pub fn join(elements: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", elements.into_iter().collect::<Vec<_>>().join(","))
}

/// The elements of a held array, each as JSON text.
///
/// # Errors
/// 22P02 when it is no JSON array.
pub fn split(held: &str) -> Result<Vec<String>, Invalid> {
    if json::type_of(held)? != "array" {
        return Err(Invalid::new("22P02", "expected an array"));
    }
    let mut out = Vec::new();
    json::each(held, |element| out.push(element.to_owned()))?;
    Ok(out)
}

/// What an element stands for.
///
/// # Errors
/// When it is no JSON.
pub fn datum(element_type: &Type, element: &str) -> Result<Datum, Invalid> {
    let text = || json::get_text(&format!("[{element}]"), Step::Place(0), true).map(Option::unwrap_or_default);
    Ok(match (element, element_type) {
        ("null", _) => Datum::Null,
        (_, Type::Bool) => Datum::Bool(matches!(element, "1" | "true")),
        (_, Type::Bytea) => Datum::Bytes(bytes::from_text(&text()?)?),
        (_, ty) if ty.is_integer() || ty.is_float() => from_text(element_type, &text()?)?,
        _ => Datum::Text(text()?),
    })
}

/// Reads `{a,"b c",NULL}` into the form that is held.
pub(super) fn from_literal(element_type: &Type, text: &str) -> Result<String, Invalid> {
    let malformed = || Invalid::new("22P02", format!("malformed array literal: \"{text}\""));
    let inner = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).ok_or_else(malformed)?;
    let mut elements = Vec::new();
    let mut rest = inner.trim_start();
    if rest.is_empty() {
        return Ok("[]".to_owned());
    }
    loop {
        let (item, after) = next_item(rest).ok_or_else(malformed)?;
        let datum = item.map_or(Ok(Datum::Null), |item| from_text(element_type, &item))?;
        elements.push(element(&datum));
        match after.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if after.is_empty() => return Ok(join(elements)),
            None => return Err(malformed()),
        }
    }
}

/// An element (`None` for NULL), and what follows it.
fn next_item(text: &str) -> Option<(Option<String>, &str)> {
    let mut item = String::new();
    let is_quoted = text.starts_with('"');
    let mut chars = text.char_indices().skip(usize::from(is_quoted));
    // How much of it is no white space at the end.
    let mut solid = 0;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                item.push(chars.next()?.1);
                solid = item.len();
            }
            '"' if is_quoted => return Some((Some(item), text[at + 1..].trim_start())),
            ',' if !is_quoted => return finished(item, solid, &text[at..]),
            '"' | '{' | '}' if !is_quoted => return None,
            c => {
                item.push(c);
                if !c.is_ascii_whitespace() {
                    solid = item.len();
                }
            }
        }
    }
    if is_quoted { None } else { finished(item, solid, "") }
}

fn finished(mut item: String, solid: usize, after: &str) -> Option<(Option<String>, &str)> {
    item.truncate(solid);
    if item.is_empty() {
        return None;
    }
    let is_null = item.eq_ignore_ascii_case("null");
    Some(((!is_null).then_some(item), after))
}

/// Writes `{…}`.
pub(super) fn to_literal(element_type: &Type, held: &str) -> Result<String, Invalid> {
    let mut out = String::from("{");
    for (place, element) in split(held)?.iter().enumerate() {
        out.push_str(if place > 0 { "," } else { "" });
        match to_text(element_type, &datum(element_type, element)?) {
            None => out.push_str("NULL"),
            Some(text) => push_item(&text, &mut out),
        }
    }
    out.push('}');
    Ok(out)
}

/// `array_to_string`: the elements as texts with a delimiter between them, nulls left out unless there is a text for them.
///
/// # Errors
/// When it is no array.
pub fn joined(element_type: &Type, held: &str, delimiter: &str, null: Option<&str>) -> Result<String, Invalid> {
    let mut texts = Vec::new();
    for element in split(held)? {
        texts.extend(to_text(element_type, &datum(element_type, &element)?).or_else(|| null.map(str::to_owned)));
    }
    Ok(texts.join(delimiter))
}

fn push_item(text: &str, out: &mut String) {
    let is_special = |c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace() || c == '\u{b}';
    if !text.is_empty() && !text.eq_ignore_ascii_case("null") && !text.contains(is_special) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// `left @> right`: every element of the right is one of the left; null is like nothing.
///
/// # Errors
/// When one is no array.
pub fn contains(left: &str, right: &str) -> Result<bool, Invalid> {
    let left = split(left)?;
    Ok(split(right)?.iter().all(|wanted| wanted != "null" && left.contains(wanted)))
}

/// `left && right`: they have an element in common.
///
/// # Errors
/// When one is no array.
pub fn overlaps(left: &str, right: &str) -> Result<bool, Invalid> {
    let left = split(left)?;
    Ok(split(right)?.iter().any(|wanted| wanted != "null" && left.contains(wanted)))
}

/// `array[place]`, from 1; `None` outside.
///
/// # Errors
/// When it is no array.
pub fn get(held: &str, place: i64) -> Result<Option<String>, Invalid> {
    let place = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
    let Some(place) = place else { return Ok(None) };
    Ok(split(held)?.get(place).cloned())
}

/// Without the elements that are equal to one.
///
/// # Errors
/// When it is no array.
pub fn remove(held: &str, element: &str) -> Result<String, Invalid> {
    Ok(join(split(held)?.into_iter().filter(|other| other != element)))
}

/// The place of the first element that is equal to one, from 1.
///
/// # Errors
/// When it is no array.
pub fn position(held: &str, element: &str) -> Result<Option<i64>, Invalid> {
    let place = split(held)?.iter().position(|other| other == element);
    Ok(place.and_then(|place| i64::try_from(place + 1).ok()))
}
