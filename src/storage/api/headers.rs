//! What headers say of an upload.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::api::{MAX_JSON_DEPTH, json_depth};
use crate::storage::model::{Declared, MediaType, Mode};
use crate::values::{Type, from_text};

const X_UPSERT: HeaderName = HeaderName::from_static("x-upsert");
const X_METADATA: HeaderName = HeaderName::from_static("x-metadata");

/// Bytes of the user's metadata.
const MAX_METADATA: usize = 8 * 1024;

/// Bytes of a `cache-control` or `content-encoding`.
const MAX_DIRECTIVES: usize = 256;

/// What the headers of a raw upload declare.
pub(super) fn declared(headers: &HeaderMap) -> Result<Declared, ApiError> {
    let metadata = text(headers, &X_METADATA)?.map(|encoded| {
        let decoded = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded));
        metadata(&decoded.map_err(|_| ApiError::invalid("x-metadata must be base64 of a JSON object"))?)
    });
    Ok(Declared {
        content_type: media_type(text(headers, &header::CONTENT_TYPE)?)?,
        cache_control: text(headers, &header::CACHE_CONTROL)?.map(|value| directives("cache-control", value)).transpose()?,
        content_encoding: text(headers, &header::CONTENT_ENCODING)?
            .map(|value| directives("content-encoding", value))
            .transpose()?,
        user_metadata: metadata.transpose()?,
    })
}

/// A media type; that of bytes where none is said.
pub(super) fn media_type(said: Option<&str>) -> Result<String, ApiError> {
    match said.filter(|said| !said.is_empty()) {
        None => Ok(MediaType::bytes().to_string()),
        Some(said) => MediaType::parse(said)
            .map(|media| media.to_string())
            .ok_or_else(|| ApiError::invalid("content-type must be a media type, such as image/png")),
    }
}

/// The user's metadata from JSON.
pub(super) fn metadata(json: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if json.len() > MAX_METADATA {
        return Err(ApiError::invalid(format_args!("metadata has at most {MAX_METADATA} bytes")));
    }
    if json_depth(json) > MAX_JSON_DEPTH {
        return Err(ApiError::invalid(format_args!("metadata nests deeper than {MAX_JSON_DEPTH} levels")));
    }
    let object: Map<String, Value> =
        serde_json::from_slice(json).map_err(|err| ApiError::invalid(format_args!("metadata must be a JSON object: {err}")))?;
    // What `jsonb` cannot hold, such as NUL characters.
    let held = from_text(&Type::Jsonb, &Value::Object(object.clone()).to_string());
    held.map(|_| object).map_err(|err| ApiError::invalid(format_args!("metadata: {err}")))
}

/// `max-age=3600`, from a number of seconds or as it is.
pub(super) fn cache_control(said: &str) -> Result<String, ApiError> {
    let is_number = !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { directives("cacheControl", &format!("max-age={said}")) } else { directives("cacheControl", said) }
}

/// A header's value that is kept and sent again.
pub(super) fn directives(what: &str, value: &str) -> Result<String, ApiError> {
    let good = value.len() <= MAX_DIRECTIVES && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if good {
        return Ok(value.trim().to_owned());
    }
    Err(ApiError::invalid(format_args!("{what} has at most {MAX_DIRECTIVES} characters, all of them visible ASCII")))
}

/// Whether an object that is there is replaced, as the request asks.
pub(super) fn mode(request: &HttpRequest) -> Mode {
    let upserts = request.headers().get(X_UPSERT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    if upserts { Mode::Upsert } else { Mode::Create }
}

/// The length that the body will have.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ApiError> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| ApiError::invalid(format_args!("{name} must be visible ASCII")))
}
