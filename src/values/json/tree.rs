//! `jsonb` as a tree: canonical text, order, containment, changes.

use std::cmp::Ordering;
use std::fmt;

use super::escape;
use super::read::{Reader, at_place, too_deep, unquoted};
use super::{MAX_DEPTH, invalid};
use crate::values::Invalid;
use crate::values::numeric::Numeric;

/// A value of `jsonb`.
#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    Array(Vec<Self>),
    /// Sorted by the keys' length, then by their bytes; each key once.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// # Errors
    /// As [`super::canonical`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut reader = Reader::new(text);
        let value = read(&mut reader, 0)?;
        reader.end()?;
        Ok(value)
    }

    /// Where its kind stands in PostgreSQL's order.
    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::String(_) => 1,
            Self::Number(_) => 2,
            Self::Bool(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        }
    }

    fn into_elements(self) -> Vec<Self> {
        match self {
            Self::Array(elements) => elements,
            other => vec![other],
        }
    }
}

fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Json, Invalid> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match reader.peek() {
        b'{' => return read_object(reader, depth),
        b'[' => {
            reader.expect(b'[')?;
            let mut elements = Vec::new();
            if reader.take(b']') {
                return Ok(Json::Array(elements));
            }
            loop {
                elements.push(read(reader, depth + 1)?);
                if !reader.take(b',') {
                    break;
                }
            }
            reader.expect(b']')?;
            Json::Array(elements)
        }
        b'"' => Json::String(unquoted(reader.string()?)?.into_owned()),
        b't' => reader.word("true").map(|()| Json::Bool(true))?,
        b'f' => reader.word("false").map(|()| Json::Bool(false))?,
        b'n' => reader.word("null").map(|()| Json::Null)?,
        b'-' | b'0'..=b'9' => Json::Number(Numeric::parse(reader.number()?)?),
        _ => return Err(invalid()),
    })
}

fn read_object(reader: &mut Reader<'_>, depth: usize) -> Result<Json, Invalid> {
    reader.expect(b'{')?;
    let mut members = Vec::new();
    if reader.take(b'}') {
        return Ok(Json::Object(members));
    }
    loop {
        let key = unquoted(reader.string()?)?.into_owned();
        reader.expect(b':')?;
        members.push((key, read(reader, depth + 1)?));
        if !reader.take(b',') {
            break;
        }
    }
    reader.expect(b'}')?;
    Ok(Json::Object(unique(members)))
}

/// In PostgreSQL's order, the last of each key.
fn unique(mut members: Vec<(String, Json)>) -> Vec<(String, Json)> {
    members.reverse();
    members.sort_by(|(a, _), (b, _)| by_key(a, b));
    members.dedup_by(|(later, _), (kept, _)| later == kept);
    members
}

fn by_key(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        write(self, &mut out);
        f.write_str(&out)
    }
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(value) => out.push_str(&value.to_string()),
        Json::String(value) => escape(value, out),
        Json::Array(elements) => {
            out.push('[');
            for (place, element) in elements.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write(element, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (place, (key, value)) in members.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                escape(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// PostgreSQL's order: object > array > boolean > number > string > null; containers by their size, then by what is in them. An empty
/// array that is the whole value is smallest of all.
///
/// # Errors
/// When one is no JSON.
pub fn compare(left: &str, right: &str) -> Result<Ordering, Invalid> {
    let (left, right) = (Json::parse(left)?, Json::parse(right)?);
    let is_empty = |value: &Json| matches!(value, Json::Array(elements) if elements.is_empty());
    let is_scalar = |value: &Json| !matches!(value, Json::Array(_) | Json::Object(_));
    Ok(match (&left, &right) {
        (a, b) if is_empty(a) && is_scalar(b) => Ordering::Less,
        (a, b) if is_scalar(a) && is_empty(b) => Ordering::Greater,
        (a, b) => order(a, b),
    })
}

fn order(left: &Json, right: &Json) -> Ordering {
    match (left, right) {
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Number(a), Json::Number(b)) => a.cmp(b),
        (Json::String(a), Json::String(b)) => a.cmp(b),
        (Json::Array(a), Json::Array(b)) => {
            let inside = || a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            a.len().cmp(&b.len()).then_with(|| inside().unwrap_or(Ordering::Equal))
        }
        (Json::Object(a), Json::Object(b)) => {
            let member =
                |((key_a, a), (key_b, b)): (&(String, Json), &(String, Json))| key_a.cmp(key_b).then_with(|| order(a, b));
            let inside = || a.iter().zip(b).map(member).find(|order| order.is_ne());
            a.len().cmp(&b.len()).then_with(|| inside().unwrap_or(Ordering::Equal))
        }
        (a, b) => a.rank().cmp(&b.rank()),
    }
}

/// `left @> right`.
///
/// # Errors
/// When one is no JSON.
pub fn contains(left: &str, right: &str) -> Result<bool, Invalid> {
    let (left, right) = (Json::parse(left)?, Json::parse(right)?);
    Ok(match (&left, &right) {
        // The one exception to the rule that both have the same shape.
        (Json::Array(elements), Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => {
            elements.iter().any(|element| order(element, &right).is_eq())
        }
        _ => holds(&left, &right),
    })
}

fn holds(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Object(a), Json::Object(b)) => b.iter().all(|(key, wanted)| {
            let found = a.binary_search_by(|(other, _)| by_key(other, key));
            found.is_ok_and(|at| holds(&a[at].1, wanted))
        }),
        (Json::Array(a), Json::Array(b)) => b.iter().all(|wanted| a.iter().any(|element| holds(element, wanted))),
        (a, b) => a.rank() == b.rank() && order(a, b).is_eq(),
    }
}

/// `left || right`.
///
/// # Errors
/// When one is no JSON.
pub fn concat(left: &str, right: &str) -> Result<String, Invalid> {
    let joined = match (Json::parse(left)?, Json::parse(right)?) {
        (Json::Object(mut a), Json::Object(b)) => {
            a.extend(b);
            Json::Object(unique(a))
        }
        (a, b) => {
            let mut elements = a.into_elements();
            elements.extend(b.into_elements());
            Json::Array(elements)
        }
    };
    Ok(joined.to_string())
}

/// `jsonb - text`: without a key, or without the strings that are equal to it.
///
/// # Errors
/// 22023 for a scalar.
pub fn delete(text: &str, key: &str) -> Result<String, Invalid> {
    let left = match Json::parse(text)? {
        Json::Object(mut members) => {
            members.retain(|(name, _)| name != key);
            Json::Object(members)
        }
        Json::Array(mut elements) => {
            elements.retain(|element| !matches!(element, Json::String(text) if text == key));
            Json::Array(elements)
        }
        _ => return Err(Invalid::new("22023", "cannot delete from scalar")),
    };
    Ok(left.to_string())
}

/// `jsonb_set(target, path, value, create)`: the value at a path is another. Where only its last step leads nowhere it is added, if
/// `create` says so: to an object under that key, to an array at the nearer end. Where more is missing nothing changes.
///
/// # Errors
/// 22023 for a scalar; 22P02 for a step into an array that is no integer.
pub fn set(target: &str, path: &[String], value: &str, create: bool) -> Result<String, Invalid> {
    let mut root = Json::parse(target)?;
    if !matches!(root, Json::Array(_) | Json::Object(_)) {
        return Err(Invalid::new("22023", "cannot set path in scalar"));
    }
    let value = Json::parse(value)?;
    put(&mut root, path, 1, value, create)?;
    Ok(root.to_string())
}

fn put(at: &mut Json, path: &[String], step: usize, value: Json, create: bool) -> Result<(), Invalid> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    match at {
        Json::Object(members) => {
            match (members.iter_mut().find(|(name, _)| name == key), rest) {
                (Some((_, member)), []) => *member = value,
                (Some((_, member)), rest) => return put(member, rest, step + 1, value, create),
                (None, []) if create => {
                    members.push((key.clone(), value));
                    members.sort_by(|(a, _), (b, _)| by_key(a, b));
                }
                (None, _) => {}
            }
            Ok(())
        }
        Json::Array(elements) => {
            let place = key
                .trim()
                .parse::<i32>()
                .map_err(|_| Invalid::new("22P02", format!("path element at position {step} is not an integer: \"{key}\"")))?;
            let places: Vec<usize> = (0..elements.len()).collect();
            match (at_place(&places, place.into()), rest) {
                (Some(at), []) => elements[*at] = value,
                (Some(at), rest) => return put(&mut elements[*at], rest, step + 1, value, create),
                (None, []) if create => elements.insert(if place < 0 { 0 } else { elements.len() }, value),
                (None, _) => {}
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `jsonb - integer`: without an element of an array, from the end when negative.
///
/// # Errors
/// 22023 for what is no array.
pub fn delete_at(text: &str, place: i64) -> Result<String, Invalid> {
    match Json::parse(text)? {
        Json::Array(mut elements) => {
            let places: Vec<usize> = (0..elements.len()).collect();
            if let Some(at) = at_place(&places, place) {
                elements.remove(*at);
            }
            Ok(Json::Array(elements).to_string())
        }
        Json::Object(_) => Err(Invalid::new("22023", "cannot delete from object using integer index")),
        _ => Err(Invalid::new("22023", "cannot delete from scalar")),
    }
}

/// `jsonb_strip_nulls`: without the members of objects that are null, at every depth.
///
/// # Errors
/// When it is no JSON.
pub fn strip_nulls(text: &str) -> Result<String, Invalid> {
    fn strip(value: Json) -> Json {
        match value {
            Json::Array(elements) => Json::Array(elements.into_iter().map(strip).collect()),
            Json::Object(members) => {
                let kept = members.into_iter().filter(|(_, value)| !matches!(value, Json::Null));
                Json::Object(kept.map(|(key, value)| (key, strip(value))).collect())
            }
            other => other,
        }
    }
    Ok(strip(Json::parse(text)?).to_string())
}
