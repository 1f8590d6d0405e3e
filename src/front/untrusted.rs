//! What reads text that anybody may send, by itself: for fuzzing and property tests.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::files::{Form, SitePath};
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
    let passed = super::proxy::passed_on(&map);
    passed.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
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
