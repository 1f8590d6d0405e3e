//! Values of a type as text and as JSON: PostgreSQL's output functions.

use std::borrow::Cow;

use super::{Datum, Type, array, bytes, float, json, moment};

/// What PostgreSQL's output function of the type writes: CSV, `psql`, the elements of an array literal. `None` for null.
///
/// A boolean is `t` or `f`; [`cast_text`] spells it out.
#[must_use]
pub fn to_text(ty: &Type, datum: &Datum) -> Option<String> {
    Some(match (datum, ty) {
        (Datum::Null, _) => return None,
        (Datum::Bool(value), _) => if *value { "t" } else { "f" }.to_owned(),
        (Datum::Int(value), Type::Bool) => if *value == 0 { "f" } else { "t" }.to_owned(),
        (Datum::Int(value), Type::Float4 | Type::Float8) =>
        {
            #[expect(clippy::cast_precision_loss, reason = "a float that SQLite shows as an integer")]
            float::to_text(*value as f64, *ty == Type::Float4)
        }
        (Datum::Int(value), _) => value.to_string(),
        (Datum::Float(value), _) => float::to_text(*value, *ty == Type::Float4),
        (Datum::Bytes(value), _) => bytes::to_text(value),
        (Datum::Text(text), Type::Timestamptz) => shown(ty, text, ' ', "+00"),
        (Datum::Text(text), Type::Timestamp | Type::Date | Type::Time) => shown(ty, text, ' ', ""),
        (Datum::Text(text), Type::Jsonb) => json::spaced(text),
        (Datum::Text(text), Type::Array(element)) => array::to_literal(element, text).unwrap_or_else(|_| text.clone()),
        (Datum::Text(text), _) => text.clone(),
    })
}

/// A cast to `text`: as [`to_text`], but `true` and `false`, and `char(n)` without its padding.
#[must_use]
pub fn cast_text(ty: &Type, datum: &Datum) -> Option<String> {
    let text = to_text(ty, datum)?;
    Some(match ty {
        Type::Bool => if text == "t" { "true" } else { "false" }.to_owned(),
        Type::Char(_) => text.trim_end_matches(' ').to_owned(),
        _ => text,
    })
}

/// What to bind as text on PostgreSQL, and cast to the type there. `None` for null.
#[must_use]
pub fn postgres_text(ty: &Type, datum: &Datum) -> Option<String> {
    to_text(ty, datum)
}

/// The JSON text that PostgreSQL's `to_json` gives; `null` for null. `jsonb` is without spaces.
#[must_use]
pub fn to_json<'a>(ty: &Type, datum: &'a Datum) -> Cow<'a, str> {
    match (datum, ty) {
        (Datum::Null, _) => Cow::Borrowed("null"),
        (Datum::Bool(value), _) => Cow::Borrowed(if *value { "true" } else { "false" }),
        (Datum::Int(value), Type::Bool) => Cow::Borrowed(if *value == 0 { "false" } else { "true" }),
        (Datum::Text(text), Type::Json | Type::Jsonb) => Cow::Borrowed(text),
        (Datum::Text(text), Type::Numeric(_)) if text.ends_with(|c: char| c.is_ascii_digit()) => Cow::Borrowed(text),
        (Datum::Float(value), _) if value.is_finite() => Cow::Owned(float::to_text(*value, *ty == Type::Float4)),
        (Datum::Int(_), _) => Cow::Owned(to_text(ty, datum).unwrap_or_default()),
        (Datum::Text(text), Type::Timestamptz) => quoted(&shown(ty, text, 'T', "+00:00")),
        (Datum::Text(text), Type::Timestamp | Type::Date | Type::Time) => quoted(&shown(ty, text, 'T', "")),
        (Datum::Text(text), Type::Array(element)) => Cow::Owned(array_to_json(element, text)),
        _ => quoted(&to_text(ty, datum).unwrap_or_default()),
    }
}

fn quoted<'a>(text: &str) -> Cow<'a, str> {
    let mut out = String::with_capacity(text.len() + 2);
    json::escape(text, &mut out);
    Cow::Owned(out)
}

fn shown(ty: &Type, held: &str, between: char, zone: &str) -> String {
    moment::held(ty, held).map_or_else(|_| held.to_owned(), |moment| moment::to_shown(ty, moment, between, zone))
}

fn array_to_json(element_type: &Type, held: &str) -> String {
    let elements = array::split(held).unwrap_or_default();
    let shown = elements.iter().map(|element| match array::datum(element_type, element) {
        Ok(datum) => to_json(element_type, &datum).into_owned(),
        Err(_) => "null".to_owned(),
    });
    array::join(shown)
}
