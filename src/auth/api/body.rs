//! Bodies and queries, read within their limits.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Payload, Query};
use actix_web::{FromRequest, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::error::ApiError;
use crate::api::{MAX_JSON_BODY, MAX_JSON_DEPTH, json_depth};

/// A body of at most [`MAX_JSON_BODY`] bytes, not yet parsed: a handler parses it when it knows who is calling, so that a bad body
/// does not hide a missing token. Its content type is not looked at, as GoTrue does not.
#[derive(Debug)]
pub(super) struct RawBody(Bytes);

impl RawBody {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses the body as a JSON object.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "bad_json", message);
        if json_depth(&self.0) > MAX_JSON_DEPTH {
            return Err(bad(format!("Could not parse request body as JSON: it nests deeper than {MAX_JSON_DEPTH} levels")));
        }
        if has_nul(&self.0) {
            return Err(ApiError::invalid("the body must not contain the NUL character (\\u0000)"));
        }
        let mut parser = serde_json::Deserializer::from_slice(&self.0);
        let value = serde_path_to_error::deserialize(&mut parser).map_err(|err| {
            let path = err.path().to_string();
            match err.inner().classify() {
                Category::Data => wrong_type(&path, &err.inner().to_string()),
                _ => bad(format!("Could not parse request body as JSON: {}", err.inner())),
            }
        })?;
        parser.end().map_err(|err| bad(format!("Could not parse request body as JSON: {err}")))?;
        Ok(value)
    }
}

/// Names the field and what it must be, without what it was: that may be a password.
fn wrong_type(path: &str, message: &str) -> ApiError {
    let expected = message.rsplit_once("expected ").map_or("another value", |(_, rest)| rest);
    let expected = expected.split(" at line ").next().unwrap_or(expected);
    if path == "." || path == "?" {
        return ApiError::invalid("the body must be a JSON object");
    }
    ApiError::invalid(format!("{path}: must be {expected}"))
}

/// Whether a JSON text has an escaped NUL, which PostgreSQL takes in no text. An unescaped one is not JSON.
fn has_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// Reads the query as a type whose fields are all optional texts.
pub(super) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    let query = Query::<T>::from_query(request.query_string()).map_err(|err| ApiError::invalid(format!("the query: {err}")))?;
    Ok(query.into_inner())
}

async fn read(payload: Result<Payload, actix_web::Error>) -> Result<RawBody, ApiError> {
    let unreadable =
        |err: actix_web::Error| ApiError::new(StatusCode::BAD_REQUEST, "bad_json", format!("Could not read request body: {err}"));
    match payload.map_err(unreadable)?.to_bytes_limited(MAX_JSON_BODY).await {
        Ok(Ok(bytes)) => Ok(RawBody(bytes)),
        Ok(Err(err)) => Err(unreadable(err)),
        Err(_) => {
            let message = format!("Request body is too large: it has at most {MAX_JSON_BODY} bytes");
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "request_entity_too_large", message))
        }
    }
}

impl FromRequest for RawBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = Payload::from_request(request, payload);
        Box::pin(async move { read(payload.await).await })
    }
}
