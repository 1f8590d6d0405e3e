//! Text and JSON as values of a type: PostgreSQL's input functions.

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::json::{self, Json};
use super::numeric::Numeric;
use super::{Datum, Enum, Invalid, Type, array, bytes, float, moment};

/// The value that a text stands for, in canonical form.
///
/// # Errors
/// PostgreSQL's own: 22P02, 22003, 22001, 22007, 22008, 22009, 22021.
pub fn from_text(ty: &Type, text: &str) -> Result<Datum, Invalid> {
    if text.contains('\0') {
        return Err(Invalid::new("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    Ok(match ty {
        Type::Bool => Datum::Bool(boolean(text).ok_or_else(|| Invalid::syntax("boolean", text))?),
        Type::Int2 | Type::Int4 | Type::Int8 => Datum::Int(integer(ty, text)?),
        Type::Float4 | Type::Float8 => Datum::Float(float::from_text(ty, text)?),
        Type::Numeric(fit) => Datum::Text(fitted(Numeric::parse(text)?, *fit)?.to_string()),
        // A vector is only ever what a database made.
        Type::Text | Type::Tsvector => Datum::Text(text.to_owned()),
        Type::Varchar(None) => Datum::Text(text.to_owned()),
        Type::Varchar(Some(length)) => Datum::Text(within(ty, text, *length)?.to_owned()),
        Type::Char(length) => Datum::Text(padded(within(ty, text, *length)?, *length)),
        Type::Uuid => Datum::Text(uuid(text)?),
        Type::Timestamptz | Type::Timestamp | Type::Date | Type::Time => {
            Datum::Text(moment::to_held(ty, moment::from_text(ty, text)?))
        }
        Type::Json => {
            json::check(text)?;
            Datum::Text(text.to_owned())
        }
        Type::Jsonb => Datum::Text(json::canonical(text)?),
        Type::Bytea => Datum::Bytes(bytes::from_text(text)?),
        Type::Array(element) => Datum::Text(array::from_literal(element, text)?),
        Type::Enum(of) => Datum::Text(label(of, text)?.to_owned()),
        Type::Void => Datum::Null,
    })
}

/// A label of an enumeration.
///
/// # Errors
/// 22P02 when it is none, 55P04 when the transaction under way added it.
fn label<'t>(of: &Enum, text: &'t str) -> Result<&'t str, Invalid> {
    if of.fresh.iter().any(|label| label == text) {
        return Err(Invalid::new("55P04", format!("unsafe use of new value \"{text}\" of enum type {}", of.name)));
    }
    if of.labels.iter().any(|label| label == text) {
        return Ok(text);
    }
    Err(Invalid::new("22P02", format!("invalid input value for enum {}: \"{text}\"", of.name)))
}

/// A member of a request's body as `json_populate_record` takes it: numbers and booleans by their text, strings by their content,
/// containers by their JSON.
///
/// A number beyond 64 bits or 17 digits has lost digits already when it is a [`Value`]: [`from_raw_json`] keeps them.
///
/// # Errors
/// As [`from_text`].
pub fn from_json(ty: &Type, value: &Value) -> Result<Datum, Invalid> {
    match value {
        Value::Null => Ok(Datum::Null),
        Value::Bool(value) if *ty == Type::Bool => Ok(Datum::Bool(*value)),
        Value::String(text) if !matches!(ty, Type::Json | Type::Jsonb) => from_text(ty, text),
        other => from_json_text(ty, &other.to_string()),
    }
}

/// As [`from_json`], from the text of the member as it was sent.
///
/// # Errors
/// As [`from_text`].
pub fn from_raw_json(ty: &Type, value: &RawValue) -> Result<Datum, Invalid> {
    from_json_text(ty, value.get())
}

fn from_json_text(ty: &Type, text: &str) -> Result<Datum, Invalid> {
    let kind = json::type_of(text)?;
    match (ty, kind) {
        (_, "null") => Ok(Datum::Null),
        (Type::Json | Type::Jsonb, _) => from_text(ty, text),
        (Type::Array(element), "array") => {
            let mut elements = Vec::new();
            let mut failed = None;
            json::each(text, |item| match from_json_text(element, item) {
                Ok(datum) => elements.push(array::element(&datum)),
                Err(err) => failed = failed.take().or(Some(err)),
            })?;
            failed.map_or_else(|| Ok(Datum::Text(array::join(elements))), Err)
        }
        (Type::Array(_), "object" | "number" | "boolean") => Err(Invalid::new("22P02", "expected JSON array")),
        (_, "string") => match Json::parse(text)? {
            Json::String(content) => from_text(ty, &content),
            _ => Ok(Datum::Null),
        },
        _ => from_text(ty, text),
    }
}

fn boolean(text: &str) -> Option<bool> {
    let word = text.trim_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    match word.as_str() {
        "on" | "1" => Some(true),
        "of" | "off" | "0" => Some(false),
        _ if begins("true", 1) || begins("yes", 1) => Some(true),
        _ if begins("false", 1) || begins("no", 1) => Some(false),
        _ => None,
    }
}

fn integer(ty: &Type, text: &str) -> Result<i64, Invalid> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::syntax(&ty.to_string(), text));
    }
    let (least, most) = match ty {
        Type::Int2 => (i16::MIN.into(), i16::MAX.into()),
        Type::Int4 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    let value = trimmed.parse::<i64>().ok().filter(|value| (least..=most).contains(value));
    value.ok_or_else(|| Invalid::range(format!("value \"{text}\" is out of range for type {ty}")))
}

fn fitted(value: Numeric, fit: Option<(u16, u16)>) -> Result<Numeric, Invalid> {
    match fit {
        Some((precision, scale)) => value.fitted(precision, scale),
        None => Ok(value),
    }
}

/// The text without what is too long, which may be spaces only.
fn within<'a>(ty: &Type, text: &'a str, length: u32) -> Result<&'a str, Invalid> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Some((at, _)) = text.char_indices().nth(length) else { return Ok(text) };
    let (kept, excess) = text.split_at(at);
    if excess.bytes().all(|byte| byte == b' ') {
        return Ok(kept);
    }
    Err(Invalid::new("22001", format!("value too long for type {ty}")))
}

fn padded(text: &str, length: u32) -> String {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let missing = length.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// 32 digits, a hyphen after any group of four, braces around it or none.
fn uuid(text: &str) -> Result<String, Invalid> {
    let invalid = || Invalid::syntax("uuid", text);
    if let (36, Ok(uuid)) = (text.len(), Uuid::try_parse(text)) {
        return Ok(uuid.to_string());
    }
    let inner = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(invalid)?,
        None => text,
    };
    let mut digits = String::with_capacity(32);
    let mut after_hyphen = false;
    for c in inner.chars() {
        match c {
            '-' if !after_hyphen && !digits.is_empty() && digits.len().is_multiple_of(4) && digits.len() < 32 => {
                after_hyphen = true
            }
            c if c.is_ascii_hexdigit() && digits.len() < 32 => {
                digits.push(c);
                after_hyphen = false;
            }
            _ => return Err(invalid()),
        }
    }
    Uuid::try_parse(&digits).map(|uuid| uuid.to_string()).map_err(|_| invalid())
}
