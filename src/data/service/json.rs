//! JSON texts as the database gave them: what is looked at without building a tree, so that every digit stays.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The keys of an object, in their order.
pub(super) struct Keys(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// How many elements an array has. The text is one that the database made.
pub(super) fn elements(array: &str) -> u64 {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    let (mut commas, mut has_any) = (0_u64, false);
    for byte in array.bytes() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        has_any |= depth == 1 && !byte.is_ascii_whitespace() && byte != b']';
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => commas += 1,
            _ => {}
        }
    }
    if has_any { commas + 1 } else { 0 }
}

/// The one element of an array that has one.
pub(super) fn only(array: &str) -> &str {
    array.trim().trim_start_matches('[').trim_end().strip_suffix(']').unwrap_or_default().trim()
}

/// The value of an object that has one key, which is a word.
pub(super) fn only_value(object: &str) -> &str {
    let value = object.split_once(':').map_or("null", |(_, value)| value).trim_end();
    value.strip_suffix('}').unwrap_or(value).trim()
}

/// Rows, each an object's text, as an array.
pub(super) fn array<'r>(rows: impl Iterator<Item = &'r str>) -> String {
    let mut text = String::from("[");
    for (place, row) in rows.enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(row);
    }
    text.push(']');
    text
}

/// The same without the members of objects, at any depth, that are null.
pub(super) fn without_nulls(json: &str) -> String {
    let mut stripped = String::with_capacity(json.len());
    let mut levels: Vec<Level> = Vec::new();
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, first));
        rest = after;
        match first {
            _ if first.is_ascii_whitespace() => {}
            '{' | '[' => {
                write_value(&mut stripped, levels.last_mut(), token);
                levels.push(Level { is_object: first == '{', is_empty: true, key: None });
            }
            '}' | ']' => {
                levels.pop();
                stripped.push(first);
            }
            ',' | ':' => {}
            _ => match levels.last_mut() {
                Some(level) if level.is_object && level.key.is_none() => level.key = Some(token.to_owned()),
                Some(level) if level.is_object && token == "null" => level.key = None,
                level => write_value(&mut stripped, level, token),
            },
        }
    }
    stripped
}

/// An object or array that is being gone through.
struct Level {
    is_object: bool,
    is_empty: bool,
    /// The key whose value comes next.
    key: Option<String>,
}

fn write_value(to: &mut String, level: Option<&mut Level>, value: &str) {
    if let Some(level) = level {
        if !level.is_empty {
            to.push(',');
        }
        level.is_empty = false;
        if let Some(key) = level.key.take() {
            to.push_str(&key);
            to.push(':');
        }
    }
    to.push_str(value);
}

fn token_length(rest: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            for (at, byte) in rest.bytes().enumerate().skip(1) {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => return at + 1,
                    _ => {}
                }
            }
            rest.len()
        }
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ if first.is_ascii_whitespace() => 1,
        _ => rest.find(|c: char| "{}[],:\"".contains(c) || c.is_ascii_whitespace()).unwrap_or(rest.len()).max(first.len_utf8()),
    }
}
