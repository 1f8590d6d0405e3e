//! What reads text that anybody may send, by itself: for fuzzing and property tests.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::files::{Form, SitePath};
use super::proxy::{Next, Reader};
use super::sites::Asked;
use crate::api::conditions::{Decision, decide};

/// The name below the root that a request's path asks for; `None` when it is refused.
#[must_use]
pub fn path(raw: &str) -> Option<String> {
    SitePath::parse(raw).ok().map(|path| if path.is_folder() { path.within("index.html") } else { path.name().to_owned() })
}

/// The first and the last byte of the part of a file of `len` zeros that these headers ask for; `None` when it is not a part that is
/// to be sent. Headers that HTTP does not allow are left out.
#[must_use]
pub fn part(headers: &[(&str, &[u8])], len: usize) -> Option<(u64, u64)> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    let form = Form::in_memory(Bytes::from(vec![0; len]));
    match decide(&map, &form.validators(None), true) {
        Decision::Part { first, last } => Some((first, last)),
        Decision::Whole | Decision::NotModified | Decision::OutOfRange => None,
    }
}

/// The headers of a request that an upstream sees, without those that say who asks. Names and values that HTTP does not allow are left
/// out.
#[must_use]
pub fn headers_passed_on(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            map.append(name, value);
        }
    }
    let mut passed = http::HeaderMap::new();
    super::proxy::passed_on(&map, |_| false, &mut passed);
    passed.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// What is read of bytes that an upstream answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// The headers that cross to the client, ordered by their names.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// Whether the connection would take another request, had the server not closed it behind these bytes.
    pub is_kept: bool,
}

/// The answer that an upstream gives with these bytes, of which `cut` come at a time, before it closes the connection. `to_head`: the
/// request was HEAD. `None` when it is refused or broke off.
#[must_use]
pub fn answer(bytes: &[u8], cut: usize, to_head: bool) -> Option<Answered> {
    let mut reader = Reader::new();
    reader.begin(to_head);
    let (mut heard, mut body) = (None, Vec::new());
    for piece in bytes.chunks(cut.max(1)) {
        reader.buffer().extend_from_slice(piece);
        if heard.is_none() {
            heard = reader.head().ok()?;
        }
        while let Next::Piece(piece) = reader.next().ok()? {
            body.extend_from_slice(&piece);
        }
    }
    let is_kept = reader.is_idle();
    reader.close().ok()?;
    let response = heard?.response;
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let mut headers: Vec<_> = headers.collect();
    headers.sort_by(|one, other| one.0.cmp(&other.0));
    Some(Answered { status: response.status().as_u16(), headers, body, is_kept })
}

/// Every way in which a request's path can be read, the one that is matched first; none when it is refused.
#[must_use]
pub fn readings(raw: &str) -> Vec<String> {
    Asked::read(raw).map_or_else(|_| Vec::new(), |asked| std::iter::once(asked.path.into_owned()).chain(asked.others).collect())
}

/// Where a redirect to `target` leads that stands on a route for `regex`; `None` when one of them is not allowed, or the path is not for it.
#[must_use]
pub fn redirect(regex: &str, target: &str, raw: &str) -> Option<String> {
    crate::front::sites::redirected(regex, target, raw)
}
