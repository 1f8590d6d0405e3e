//! A JSON body that is read within its limits.

use actix_web::web::{Bytes, Payload};
use actix_web::{FromRequest, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::{Code, MAX_JSON_BODY, MAX_JSON_DEPTH, Problem, json_depth};

/// A JSON body of at most [`MAX_JSON_BODY`] bytes and [`MAX_JSON_DEPTH`] levels; refused as a [`Problem`] otherwise.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = Payload::from_request(request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(|err| Code::InvalidInput.because(err))?;
            json_within(payload, MAX_JSON_BODY).await.map(Self)
        })
    }
}

/// Reads a JSON body of at most `limit` bytes; for calls that take more than others, once it is known that the caller may make them.
///
/// # Errors
/// A [`Problem`] when it is longer, deeper than [`MAX_JSON_DEPTH`] levels, or not what is expected.
pub async fn json_within<T: DeserializeOwned>(payload: Payload, limit: usize) -> Result<T, Problem> {
    parse(&read(payload, limit).await?)
}

async fn read(payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(err)) => Err(Code::InvalidInput.because(format!("the body broke off: {err}"))),
        Err(_) => Err(Code::TooLarge.because(format!("the body has at most {limit} bytes"))),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if json_depth(bytes) > MAX_JSON_DEPTH {
        return Err(Code::InvalidInput.because(format!("the body's JSON nests deeper than {MAX_JSON_DEPTH} levels")));
    }
    serde_json::from_slice(bytes).map_err(|err| Code::InvalidInput.because(format!("the body's JSON is not valid: {err}")))
}
