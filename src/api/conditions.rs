//! What a request's conditions and its range leave to be sent (RFC 9110, sections 13 and 14).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What requests are compared with: the bytes' tag, when they became what they are, and how many they are.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'v> {
    pub etag: &'v HeaderValue,
    pub modified: Option<&'v Modified>,
    pub len: u64,
}

/// When bytes were last changed, in whole seconds.
#[derive(Clone, Debug)]
pub struct Modified {
    pub at: SystemTime,
    pub header: HeaderValue,
}

/// What to answer about bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200 with everything.
    Whole,
    /// 206 with these bytes; both ends are inside.
    Part { first: u64, last: u64 },
    /// 304: the client's copy is good.
    NotModified,
    /// 416: the range lies outside.
    OutOfRange,
}

/// Decides from the request's headers. Several ranges at once are answered with the whole, as the RFC allows.
#[must_use]
pub fn decide(headers: &HeaderMap, of: &Validators<'_>, ranges: bool) -> Decision {
    if is_current(headers, of) {
        return Decision::NotModified;
    }
    let range = if ranges { text(headers, &header::RANGE) } else { None };
    match range {
        Some(range) if may_use_range(headers, of) => parse_range(range, of.len),
        _ => Decision::Whole,
    }
}

/// Whether the client's copy is the present one. `If-None-Match` goes before `If-Modified-Since`.
fn is_current(headers: &HeaderMap, of: &Validators<'_>) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        let tag = weak(of.etag.to_str().unwrap_or_default());
        let mut lists = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
        return lists.any(|list| list.split(',').map(str::trim).any(|known| known == "*" || weak(known) == tag));
    }
    let since = text(headers, &header::IF_MODIFIED_SINCE).and_then(|date| httpdate::parse_http_date(date).ok());
    match (since, of.modified) {
        (Some(since), Some(modified)) => modified.at <= since,
        _ => false,
    }
}

/// `If-Range`: the range holds only for the very bytes that the client has a part of, so a weak tag never matches.
fn may_use_range(headers: &HeaderMap, of: &Validators<'_>) -> bool {
    match headers.get(header::IF_RANGE) {
        None => true,
        Some(value) if value.as_bytes().starts_with(b"W/") => false,
        Some(value) if value.as_bytes().starts_with(b"\"") => *value == *of.etag,
        Some(value) => of.modified.is_some_and(|modified| *value == modified.header),
    }
}

/// Reads `bytes=first-last`, `bytes=first-` or `bytes=-count`. What is not understood asks for the whole.
fn parse_range(range: &str, len: u64) -> Decision {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|spec| spec.trim().split_once('-')) else {
        return Decision::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let end = len.saturating_sub(1);
    let part = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => (first, end),
        (Some(first), Some(last)) if first <= last => (first, last.min(end)),
        (None, Some(count)) if first.is_empty() => (if count == 0 { len } else { len.saturating_sub(count) }, end),
        _ => return Decision::Whole,
    };
    if part.0 < len { Decision::Part { first: part.0, last: part.1 } } else { Decision::OutOfRange }
}

/// A run of digits; one too long for a `u64` is beyond every file.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

impl Modified {
    /// Drops what is below a second, which the header has no room for.
    #[must_use]
    pub fn new(at: SystemTime) -> Self {
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs());
        let header = HeaderValue::try_from(httpdate::fmt_http_date(at)).unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { at, header }
    }
}

fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
