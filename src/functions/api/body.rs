//! A request's body, read whole within its limits.

use std::time::Duration;

use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::api::{Code, Problem};

/// How long a client may send nothing.
const STALLED: Duration = Duration::from_secs(30);

/// How long a whole body may take.
const SLOW: Duration = Duration::from_mins(5);

/// Reads a body of at most `limit` bytes; `setting` names the limit to whoever passes it.
///
/// # Errors
/// 413 when it is longer; 400 when it breaks off or does not arrive in time.
pub(super) async fn read(mut payload: Payload, limit: usize, setting: &str) -> Result<Bytes, Problem> {
    let too_slow = || Code::InvalidInput.because("the body did not arrive in time");
    let whole = async {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = tokio::time::timeout(STALLED, payload.next()).await.map_err(|_| too_slow())? {
            let chunk = chunk.map_err(|err| Code::InvalidInput.because(format!("the body broke off: {err}")))?;
            if first.len() + rest.len() + chunk.len() > limit {
                return Err(Code::TooLarge.because(format!("the body has at most {limit} bytes ({setting})")));
            }
            // Most bodies come in one piece, which is passed on as it is.
            if first.is_empty() {
                first = chunk;
            } else {
                rest.extend_from_slice(&chunk);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok([first.as_ref(), rest.as_ref()].concat().into())
    };
    tokio::time::timeout(SLOW, whole).await.map_err(|_| too_slow())?
}
