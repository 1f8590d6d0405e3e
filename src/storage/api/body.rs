//! Bodies of requests: JSON within its limits, and bytes as they come.

use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::api::{MAX_JSON_DEPTH, json_depth};
use crate::storage::{Error, Upload};

/// Bytes of a JSON body: a thousand names of the longest kind, and what is around them.
const MAX_JSON: usize = 2 * 1024 * 1024;

/// How long a body may send nothing.
const STALL: Duration = Duration::from_secs(60);

/// Bytes of a refused body that are read before the answer: a client that still sends may not see one otherwise.
const DRAINED: usize = 8 * 1024 * 1024;

/// A JSON body.
pub(super) async fn json<T: DeserializeOwned>(payload: Payload) -> Result<T, ApiError> {
    let bytes = match payload.to_bytes_limited(MAX_JSON).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(err)) => return Err(ApiError::invalid(format_args!("the body broke off: {err}"))),
        Err(_) => return Err(ApiError::invalid(format_args!("the body has at most {MAX_JSON} bytes"))),
    };
    if json_depth(&bytes) > MAX_JSON_DEPTH {
        return Err(ApiError::invalid(format_args!("the body's JSON nests deeper than {MAX_JSON_DEPTH} levels")));
    }
    serde_json::from_slice(&bytes).map_err(|err| ApiError::invalid(format_args!("the body's JSON is not valid: {err}")))
}

/// Puts bytes into an upload as they come, to their end.
pub(super) async fn pour<S, E>(mut from: S, upload: &mut Upload) -> Result<(), Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    while let Some(bytes) = next(&mut from).await? {
        upload.write(&bytes).await?;
    }
    Ok(())
}

/// What comes next of a body; `None` at its end.
pub(super) async fn next<S, E>(from: &mut S) -> Result<Option<Bytes>, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    match tokio::time::timeout(STALL, from.next()).await {
        Ok(next) => next.transpose().map_err(|err| Error::BrokenOff(err.to_string())),
        Err(_) => Err(Error::BrokenOff(format!("nothing came for {} seconds", STALL.as_secs()))),
    }
}

/// Reads a little of a body that nobody wants.
pub(super) async fn drain<S, E>(mut from: S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut read = 0;
    while read < DRAINED {
        match tokio::time::timeout(Duration::from_millis(500), from.next()).await {
            Ok(Some(Ok(bytes))) => read += bytes.len(),
            _ => return,
        }
    }
}
