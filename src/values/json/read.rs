//! Reading JSON text, whole or only as far as a member.

use std::borrow::Cow;

use super::{MAX_DEPTH, Step, invalid, spaced};
use crate::values::Invalid;

/// A place in JSON text.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Steps over a byte, if it is the next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        if self.take(byte) { Ok(()) } else { Err(invalid()) }
    }

    /// Nothing but white space follows.
    pub(super) fn end(mut self) -> Result<(), Invalid> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(invalid()) }
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Invalid> {
        if !self.text[self.at..].starts_with(word) {
            return Err(invalid());
        }
        self.at += word.len();
        Ok(())
    }

    /// A string with its quotes.
    pub(super) fn string(&mut self) -> Result<&'a str, Invalid> {
        self.expect(b'"')?;
        let start = self.at - 1;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                None | Some(0..=0x1f) => return Err(invalid()),
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at])
    }

    fn escape(&mut self) -> Result<(), Invalid> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = bytes.get(self.at + 2..self.at + 6).ok_or_else(invalid)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(invalid());
                }
                self.at += 6;
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> Result<&'a str, Invalid> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            if *at == from { Err(invalid()) } else { Ok(from) }
        };
        self.at += usize::from(bytes.get(self.at) == Some(&b'-'));
        let whole = digits(&mut self.at)?;
        if bytes[whole] == b'0' && self.at - whole > 1 {
            return Err(invalid());
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            digits(&mut self.at)?;
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            digits(&mut self.at)?;
        }
        if bytes.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return Err(invalid());
        }
        Ok(&self.text[start..self.at])
    }

    /// Steps over a value and gives its text.
    pub(super) fn skip_value(&mut self, depth: usize) -> Result<&'a str, Invalid> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'{' | b'[' => self.members(depth, |_, _| Ok(()))?,
            b'"' => drop(self.string()?),
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => drop(self.number()?),
        }
        Ok(&self.text[start..self.at])
    }

    /// Gives each member of the container that comes: an object's with its key in quotes.
    pub(super) fn members(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Option<&'a str>, &'a str) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        if depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        let is_object = self.take(b'{');
        if !is_object {
            self.expect(b'[')?;
        }
        let close = if is_object { b'}' } else { b']' };
        if self.take(close) {
            return Ok(());
        }
        loop {
            let mut key = None;
            if is_object {
                key = Some(self.string()?);
                self.expect(b':')?;
            }
            let value = self.skip_value(depth + 1)?;
            each(key, value)?;
            if !self.take(b',') {
                return self.expect(close);
            }
        }
    }
}

pub(super) fn too_deep() -> Invalid {
    Invalid::new("54001", format!("JSON is nested more than {MAX_DEPTH} deep"))
}

/// What a string in quotes stands for.
pub(super) fn unquoted(text: &str) -> Result<Cow<'_, str>, Invalid> {
    let inner = &text[1..text.len() - 1];
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => out.push(code_point(&mut rest)?),
            other => out.push(other.into()),
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn code_point(rest: &mut &str) -> Result<char, Invalid> {
    let unit = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let first = unit(rest).ok_or_else(invalid)?;
    *rest = &rest[4..];
    let code = match first {
        0 => return Err(Invalid::new("22P05", "unsupported Unicode escape sequence")),
        0xd800..=0xdbff => {
            let second = rest.strip_prefix("\\u").and_then(unit).filter(|low| (0xdc00..=0xdfff).contains(low));
            let second = second.ok_or_else(invalid)?;
            *rest = &rest[6..];
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        }
        code => code,
    };
    char::from_u32(code).ok_or_else(invalid)
}

/// `->`: the text of a member; of a key that is there twice, the last.
///
/// # Errors
/// What is wrong with the JSON.
pub fn get<'a>(text: &'a str, step: Step<'_>) -> Result<Option<&'a str>, Invalid> {
    let mut reader = Reader::new(text);
    let mut found = None;
    match (reader.peek(), step) {
        (b'{', Step::Key(wanted)) => reader.members(0, |key, value| {
            if key.map(unquoted).transpose()?.is_some_and(|key| key == wanted) {
                found = Some(value);
            }
            Ok(())
        })?,
        (b'[', Step::Place(place)) => {
            let mut members = Vec::new();
            reader.members(0, |_, value| {
                members.push(value);
                Ok(())
            })?;
            found = at_place(&members, place).copied();
        }
        _ => {}
    }
    Ok(found)
}

/// An element by its place from 0, from the end when negative.
pub(super) fn at_place<T>(members: &[T], place: i64) -> Option<&T> {
    let length = i64::try_from(members.len()).ok()?;
    let place = if place < 0 { place.checked_add(length)? } else { place };
    members.get(usize::try_from(place).ok()?)
}

/// `->>`: as [`get`], a string without its quotes, `null` as `None`.
///
/// # Errors
/// As [`get`].
pub fn get_text(text: &str, step: Step<'_>, verbatim: bool) -> Result<Option<String>, Invalid> {
    get(text, step)?.map_or(Ok(None), |value| as_text(value, verbatim))
}

/// `#>`: the text at the end of a path, whose parts are keys of objects or places in arrays.
///
/// # Errors
/// As [`get`].
pub fn path<'a>(text: &'a str, steps: &[String]) -> Result<Option<&'a str>, Invalid> {
    let mut value = text.trim_matches([' ', '\t', '\n', '\r']);
    for step in steps {
        let next = if value.starts_with('[') {
            match step.trim().parse() {
                Ok(place) => get(value, Step::Place(place))?,
                Err(_) => None,
            }
        } else {
            get(value, Step::Key(step))?
        };
        let Some(next) = next else { return Ok(None) };
        value = next;
    }
    Ok(Some(value))
}

/// `#>>`.
///
/// # Errors
/// As [`get`].
pub fn path_text(text: &str, steps: &[String], verbatim: bool) -> Result<Option<String>, Invalid> {
    path(text, steps)?.map_or(Ok(None), |value| as_text(value, verbatim))
}

/// A value as `->>` gives it; a container as it is when `verbatim` (`json`), else with `jsonb`'s spaces.
pub(crate) fn as_text(value: &str, verbatim: bool) -> Result<Option<String>, Invalid> {
    Ok(match value.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => Some(unquoted(value)?.into_owned()),
        Some(b'{' | b'[') if !verbatim => Some(spaced(value)),
        _ => Some(value.to_owned()),
    })
}

/// `jsonb_typeof`.
///
/// # Errors
/// When it is no JSON.
pub fn type_of(text: &str) -> Result<&'static str, Invalid> {
    Ok(match Reader::new(text).peek() {
        b'{' => "object",
        b'[' => "array",
        b'"' => "string",
        b't' | b'f' => "boolean",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "number",
        _ => return Err(invalid()),
    })
}

/// Whether `jsonb` can be cast to a type of numbers, or to `boolean`.
///
/// # Errors
/// 22023 when it holds something else, in PostgreSQL's words.
pub fn castable(text: &str, to: &str) -> Result<(), Invalid> {
    let found = type_of(text)?;
    if found == if to == "boolean" { "boolean" } else { "number" } {
        return Ok(());
    }
    let found = if found == "number" { "numeric" } else { found };
    Err(Invalid::new("22023", format!("cannot cast jsonb {found} to type {to}")))
}

/// `jsonb_array_length`.
///
/// # Errors
/// 22023 when it is no array.
pub fn array_length(text: &str) -> Result<i64, Invalid> {
    match type_of(text)? {
        "array" => {
            let mut length = 0;
            Reader::new(text).members(0, |_, _| {
                length += 1;
                Ok(())
            })?;
            Ok(length)
        }
        "object" => Err(Invalid::new("22023", "cannot get array length of a non-array")),
        _ => Err(Invalid::new("22023", "cannot get array length of a scalar")),
    }
}

/// Gives the text of each element of an array.
///
/// # Errors
/// When it is no JSON array.
pub fn each(text: &str, mut element: impl FnMut(&str)) -> Result<(), Invalid> {
    Reader::new(text).members(0, |_, value| {
        element(value);
        Ok(())
    })
}

/// `jsonb ? text`: a key of an object, or a string in an array or by itself.
///
/// # Errors
/// When it is no JSON.
pub fn exists(text: &str, wanted: &str) -> Result<bool, Invalid> {
    let mut reader = Reader::new(text);
    let mut found = false;
    match reader.peek() {
        b'{' | b'[' => reader.members(0, |key, value| {
            let name = key.or_else(|| value.starts_with('"').then_some(value));
            found |= name.map(unquoted).transpose()?.is_some_and(|name| name == wanted);
            Ok(())
        })?,
        b'"' => found = unquoted(reader.string()?)? == wanted,
        _ => {}
    }
    Ok(found)
}
