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
pub(super) fn is_of_connection(name: &str) -> bool {
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
pub(super) struct Named(Vec<String>);

impl Named {
    fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut named = Self::default();
        values.for_each(|value| named.add(value));
        named
    }

    /// Takes the names of a `Connection` header.
    pub(super) fn add(&mut self, value: &[u8]) {
        let tokens = value.split(|byte| *byte == b',').filter_map(|token| std::str::from_utf8(token.trim_ascii()).ok());
        // The common ones name nothing that would cross anyway.
        let common = ["", "close", "keep-alive", "upgrade"];
        let named = tokens.filter(|token| !common.iter().any(|common| token.eq_ignore_ascii_case(common)));
        self.0.extend(named.map(str::to_ascii_lowercase));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|named| named == name)
    }
}

/// Takes the headers of a request for an upstream, one after the other.
pub(in crate::front) trait Told {
    /// Adds a header. The name is in small letters; a value that cannot be sent is left out.
    fn tell(&mut self, name: &str, value: &[u8]);
}

impl Told for theirs::HeaderMap {
    fn tell(&mut self, name: &str, value: &[u8]) {
        if let (Ok(name), Ok(value)) = (theirs::HeaderName::from_bytes(name.as_bytes()), theirs::HeaderValue::from_bytes(value)) {
            self.append(name, value);
        }
    }
}

/// Lines of a head of HTTP/1.1.
impl Told for Vec<u8> {
    fn tell(&mut self, name: &str, value: &[u8]) {
        if can_be_sent(value) {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                self.extend_from_slice(part);
            }
        }
    }
}

/// Whether a value holds nothing that would end its line.
pub(super) fn can_be_sent(value: &[u8]) -> bool {
    // Without a way out of the loop, so that many bytes are looked at together.
    value.iter().fold(true, |good, byte| good & ((*byte >= b' ' && *byte != 0x7f) || *byte == b'\t'))
}

/// Tells an upstream the client's headers that it is to see, but for those that `is_set` says are told otherwise.
pub(in crate::front) fn of_request(from: &ours::HeaderMap, is_set: impl Fn(&str) -> bool, to: &mut impl Told) {
    let named = Named::of(from.get_all(ours::CONNECTION).map(ours::HeaderValue::as_bytes));
    let crosses = |name: &str| !(is_of_connection(name) || is_replaced(name) || named.has(name) || is_set(name));
    for (name, value) in from {
        if name != ours::COOKIE && crosses(name.as_str()) {
            to.tell(name.as_str(), value.as_bytes());
        }
    }
    let mut cookies = from.get_all(ours::COOKIE).filter(|_| crosses("cookie")).map(ours::HeaderValue::as_bytes);
    match (cookies.next(), cookies.next()) {
        (None, _) => {}
        (Some(all), None) => to.tell("cookie", all),
        // HTTP/2 splits cookies, HTTP/1.1 has one header of them (RFC 9113, 8.2.3).
        (Some(first), Some(second)) => {
            let all: Vec<&[u8]> = [first, second].into_iter().chain(cookies).collect();
            to.tell("cookie", &all.join(&b"; "[..]));
        }
    }
}

/// Whether a header is ours to say; servers that turn `-` into `_` would take the one for the other.
fn is_replaced(name: &str) -> bool {
    REPLACED.contains(&name) || (name.contains('_') && REPLACED.contains(&name.replace('_', "-").as_str()))
}

/// The headers of an answer over HTTP/2 that the client is to see; lengths are not among them.
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
