//! What reads text that anybody may send, by itself: for fuzzing and property tests.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::path::SitePath;
use super::resource::Form;
use crate::api::conditions::{Decision, decide};

/// The name below the root that a request's path asks for; `None` when it is refused.
#[must_use]
pub fn path(raw: &str) -> Option<String> {
    SitePath::parse(raw).ok().map(|path| if path.is_folder() { path.index() } else { path.name().to_owned() })
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
