//! Writing JSON as PostgreSQL does.

use std::fmt::Write;

/// Appends a string with its quotes, escaped as little as JSON allows.
pub fn escape(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        if short.is_empty() {
            // Writing into a string does not fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(short);
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// Canonical JSON as PostgreSQL shows `jsonb`: a space after each comma and colon.
#[must_use]
pub fn spaced(canonical: &str) -> String {
    let mut out = String::with_capacity(canonical.len() + canonical.len() / 8);
    let (mut in_string, mut escaped) = (false, false);
    for c in canonical.chars() {
        out.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ',' | ':' if !in_string => out.push(' '),
            _ => {}
        }
    }
    out
}
