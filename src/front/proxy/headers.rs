//! Which headers cross the proxy, and how they are copied between the two versions of the `http` crate.
//!
//! Headers of one connection (RFC 9110, 7.6.1) never cross, nor do those that a `Connection` header names. What tells where a message
//! ends is said anew on each side.

use actix_web::http::header as ours;
use http::header as theirs;

/// Headers that a request that is passed on has from us alone, whatever the client wrote.
const REPLACED: [&str; 9] =
    ["host", "content-length", "expect", "forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", HOPS];

/// Counts the proxies and functions of this kind that a request has gone through.
pub(super) const HOPS: &str = "x-plinth-hops";

/// Whether a header is for one connection alone. Names are in small letters.
fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// The headers that `Connection` headers name, in small letters.
#[derive(Debug, Default)]
struct Named(Vec<String>);

impl Named {
    fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let tokens = values.flat_map(|value| value.split(|byte| *byte == b','));
        let tokens = tokens.filter_map(|token| std::str::from_utf8(token.trim_ascii()).ok());
        // The common ones name nothing that would cross anyway.
        let common = ["", "close", "keep-alive", "upgrade"];
        let named = tokens.filter(|token| !common.iter().any(|common| token.eq_ignore_ascii_case(common)));
        Self(named.map(str::to_ascii_lowercase).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|named| named == name)
    }
}

/// The client's headers that the upstream is to see.
pub(in crate::front) fn of_request(from: &ours::HeaderMap) -> theirs::HeaderMap {
    let named = Named::of(from.get_all(ours::CONNECTION).map(ours::HeaderValue::as_bytes));
    let mut to = theirs::HeaderMap::with_capacity(from.len() + 8);
    for (name, value) in from {
        let text = name.as_str();
        if is_of_connection(text) || is_replaced(text) || named.has(text) {
            continue;
        }
        let (Ok(name), Ok(value)) =
            (theirs::HeaderName::from_bytes(text.as_bytes()), theirs::HeaderValue::from_bytes(value.as_bytes()))
        else {
            continue;
        };
        match to.get_mut(&name).filter(|_| name == theirs::COOKIE) {
            // HTTP/2 splits cookies, HTTP/1.1 has one header of them (RFC 9113, 8.2.3).
            Some(cookies) => join(cookies, b"; ", &value),
            None => drop(to.append(name, value)),
        }
    }
    to
}

/// Whether a header is ours to say; servers that turn `-` into `_` would take the one for the other.
fn is_replaced(name: &str) -> bool {
    REPLACED.contains(&name) || (name.contains('_') && REPLACED.contains(&name.replace('_', "-").as_str()))
}

/// The upstream's headers that the client is to see; lengths are not among them.
pub(super) fn of_answer(from: &theirs::HeaderMap, to: &mut ours::HeaderMap) {
    let named = Named::of(from.get_all(theirs::CONNECTION).iter().map(theirs::HeaderValue::as_bytes));
    for (name, value) in from {
        let text = name.as_str();
        if is_of_connection(text) || name == theirs::CONTENT_LENGTH || named.has(text) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (ours::HeaderName::from_bytes(text.as_bytes()), ours::HeaderValue::from_bytes(value.as_bytes()))
        {
            to.append(name, value);
        }
    }
}

/// Puts `more` behind what a header says.
pub(super) fn join(value: &mut theirs::HeaderValue, between: &[u8], more: &theirs::HeaderValue) {
    let joined = [value.as_bytes(), between, more.as_bytes()].concat();
    if let Ok(joined) = theirs::HeaderValue::from_bytes(&joined) {
        *value = joined;
    }
}
