//! `bytea` as text.

use std::fmt::Write;

use super::Invalid;

/// `\x` and two digits a byte.
pub(super) fn to_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("\\x");
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Reads the hexadecimal form and the older one with `\\` and `\ooo`.
pub(super) fn from_text(text: &str) -> Result<Vec<u8>, Invalid> {
    match text.strip_prefix("\\x").or_else(|| text.strip_prefix("\\X")) {
        Some(digits) => from_hex(digits),
        None => from_escapes(text),
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, Invalid> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut digits = text.chars();
    let digit = |c: char| {
        let value = c.to_digit(16).and_then(|value| u8::try_from(value).ok());
        value.ok_or_else(|| Invalid::new("22023", format!("invalid hexadecimal digit: \"{c}\"")))
    };
    while let Some(high) = digits.next() {
        if high.is_ascii_whitespace() {
            continue;
        }
        let high = digit(high)?;
        let low = digits.next().ok_or_else(|| Invalid::new("22023", "invalid hexadecimal data: odd number of digits"))?;
        out.push(high << 4 | digit(low)?);
    }
    Ok(out)
}

fn from_escapes(text: &str) -> Result<Vec<u8>, Invalid> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        match rest {
            [b'\\', after @ ..] => {
                out.push(b'\\');
                rest = after;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => return Err(Invalid::new("22P02", "invalid input syntax for type bytea")),
        }
    }
    Ok(out)
}
