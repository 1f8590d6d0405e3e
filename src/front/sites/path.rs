//! The path of a request as routes compare it, and the other ways in which it could be read.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// No path that a well-meant client sends: `.` and `..`, a backslash, a control character, bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front) struct Malformed;

/// What a path asks for: decoded once, without empty segments.
///
/// What it is passed on to may read it another way, so the other readings are here as well: with empty segments, with an encoded slash
/// that separates nothing, without what follows a `;` in each segment. Only a path whose readings all lead to one route is answered.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::front) struct Asked<'r> {
    pub(in crate::front) path: Cow<'r, str>,
    pub(in crate::front) others: Vec<String>,
}

impl<'r> Asked<'r> {
    /// Reads the path of a request's target, still percent-encoded.
    pub(in crate::front) fn read(raw: &'r str) -> Result<Self, Malformed> {
        if is_plain(raw) {
            return Ok(Self { path: raw.into(), others: Vec::new() });
        }
        if !raw.starts_with('/') {
            return Err(Malformed);
        }
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| Malformed)?;
        check(&decoded)?;
        let path = merged(&decoded);
        let mut others = Vec::new();
        let mut add = |other: String| {
            if other != path && !others.contains(&other) {
                others.push(other);
            }
        };
        add(decoded.clone().into_owned());
        let kept = with_encoded_slashes(raw);
        for reading in [Some(decoded.as_ref()), kept.as_deref()].into_iter().flatten() {
            add(merged(reading));
            if reading.contains(';') {
                add(merged(&without_parameters(reading)));
            }
        }
        Ok(Self { path: path.into(), others })
    }
}

/// A decoded path that was made of another: one slash for each run of them.
pub(super) fn tidied(path: &str) -> Result<String, Malformed> {
    check(path)?;
    Ok(merged(path))
}

fn check(path: &str) -> Result<(), Malformed> {
    let is_refused = |c: char| c == '\\' || c.is_control();
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    if !path.starts_with('/') || path.contains(is_refused) || path.split('/').any(is_dots) { Err(Malformed) } else { Ok(()) }
}

/// Whether a path reads in one way only, which is as it stands there.
fn is_plain(raw: &str) -> bool {
    let mut before = 0;
    for byte in raw.bytes() {
        if matches!(byte, b'%' | b';' | b'\\' | 0x7f..) || byte < b' ' || (before == b'/' && matches!(byte, b'/' | b'.')) {
            return false;
        }
        before = byte;
    }
    raw.starts_with('/')
}

/// One slash for each run of them.
fn merged(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

/// The path with `%2F` left as it is; `None` when it has none.
fn with_encoded_slashes(raw: &str) -> Option<String> {
    let places = raw.as_bytes().windows(3).enumerate().filter(|(_, three)| three.eq_ignore_ascii_case(b"%2f"));
    let mut kept = String::new();
    let mut from = 0;
    for (at, _) in places {
        kept.push_str(&percent_decode_str(&raw[from..at]).decode_utf8().ok()?);
        kept.push_str("%2F");
        from = at + 3;
    }
    if from == 0 {
        return None;
    }
    kept.push_str(&percent_decode_str(&raw[from..]).decode_utf8().ok()?);
    Some(kept)
}

fn without_parameters(path: &str) -> String {
    let segments: Vec<_> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    segments.join("/")
}

/// What stays as it is in a path; all else is percent-encoded, so that no line can be broken and no query begun.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What stays as it is in a part of a query: letters, digits, and what means nothing there.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');

/// A decoded path as it is sent.
pub(in crate::front) fn encoded(path: &str) -> String {
    utf8_percent_encode(path, IN_PATH).to_string()
}

/// Decoded text as it is sent within a query.
pub(in crate::front) fn encoded_in_query(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}
