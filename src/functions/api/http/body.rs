//! A request's body: read whole within its limits, or passed on as it arrives.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};

use crate::api::{Code, Problem};
use crate::functions::{self, Uploader, upload};

/// How long a client may send nothing.
const STALLED: Duration = Duration::from_secs(30);

/// How long a whole body may take.
const SLOW: Duration = Duration::from_mins(5);

/// Reads a body of at most `limit` bytes; `setting` names the limit to whoever passes it.
///
/// # Errors
/// 413 when it is longer; 400 when it breaks off or does not arrive in time.
pub(in crate::functions::api) async fn read(mut payload: Payload, limit: usize, setting: &str) -> Result<Bytes, Problem> {
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

/// A body up to this many bytes, where its length is known, is read whole even for a handler that takes a stream.
const INLINE: u64 = 256 * 1024;

/// A body for a handler that takes a stream.
pub(in crate::functions::api) struct Taken {
    pub(in crate::functions::api) payload: functions::Payload,
    /// Set when the body turned out to be longer than it may be.
    pub(in crate::functions::api) is_too_large: Rc<Cell<bool>>,
}

impl From<Bytes> for Taken {
    fn from(whole: Bytes) -> Self {
        Self { payload: whole.into(), is_too_large: Rc::default() }
    }
}

/// The refusal of a streamed body of more than `limit` bytes.
pub(in crate::functions::api) fn too_large(limit: usize) -> Problem {
    Code::TooLarge.because(format!("a streamed body has at most {limit} bytes (functions.max_streamed)"))
}

/// Reads a small body whole; of any other, a task of this thread passes the pieces on as the function takes them.
///
/// # Errors
/// 413 when it says that it is longer than `limit`; 400 when a small one breaks off or does not arrive in time.
pub(in crate::functions::api) async fn take(http: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Taken, Problem> {
    let is_too_large = Rc::new(Cell::new(false));
    let length = http.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut first = Bytes::new();
    match length {
        Some(length) if length > u64::try_from(limit).unwrap_or(u64::MAX) => return Err(too_large(limit)),
        Some(length) if length <= INLINE => return Ok(read(payload, limit, "functions.max_streamed").await?.into()),
        Some(_) => {}
        // Without a length there may be no body at all, which is known at once.
        None => match payload.next().now_or_never() {
            Some(None) => return Ok(Bytes::new().into()),
            Some(Some(Ok(piece))) => first = piece,
            Some(Some(Err(err))) => return Err(Code::InvalidInput.because(format!("the body broke off: {err}"))),
            None => {}
        },
    }
    let (uploader, upload) = upload();
    let flag = Rc::clone(&is_too_large);
    actix_web::rt::spawn(async move {
        if let Err(reason) = pass_on(first, payload, limit, &uploader, &flag).await {
            uploader.fail(reason).await;
        } else {
            uploader.end().await;
        }
    });
    Ok(Taken { payload: functions::Payload::Streamed(upload), is_too_large })
}

async fn pass_on(
    first: Bytes,
    mut payload: Payload,
    limit: usize,
    uploader: &Uploader,
    is_too_large: &Cell<bool>,
) -> Result<(), String> {
    let mut total = first.len();
    if !first.is_empty() && !uploader.send(first).await {
        return Ok(());
    }
    loop {
        let piece = tokio::time::timeout(STALLED, payload.next()).await;
        let Some(piece) = piece.map_err(|_| "the client sends nothing".to_owned())? else { return Ok(()) };
        let piece = piece.map_err(|err| err.to_string())?;
        total += piece.len();
        if total > limit {
            is_too_large.set(true);
            return Err(format!("it is longer than {limit} bytes (functions.max_streamed)"));
        }
        if !piece.is_empty() && !uploader.send(piece).await {
            return Ok(());
        }
    }
}
