//! One outbound request of a call, as a task of its own.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::Body;
use tokio::sync::{Semaphore, mpsc};

use super::body::Download;
use super::wire::{Context, Event};
use crate::functions::egress::{Outbound, Trouble, innermost};
use crate::isolate::protocol::{CHUNK, Fetch, FetchBody, FetchHead};

/// What lets a task send on a stream: the stream's own window, and the session's share of memory.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    pub(super) credit: Arc<Semaphore>,
    pub(super) budget: Arc<Semaphore>,
    pub(super) events: mpsc::UnboundedSender<Event>,
}

/// Makes the request and passes the response on. `rest` is what of the body does not come with the first frame.
pub(super) async fn run(context: Arc<Context>, fetch: Fetch, first: Bytes, rest: Option<Download>, allowance: Allowance) {
    let Fetch { stream, method, url, headers, body } = fetch;
    let (body, length) = match (body, rest) {
        (FetchBody::None, _) => (None, None),
        (FetchBody::Streamed(length), Some(rest)) => (Some(Body::wrap_stream(rest)), length),
        _ => (Some(Body::from(first)), None),
    };
    let outbound =
        Outbound { network: &context.network, hops: context.hops, method: &method, url: &url, headers: &headers, body, length };
    let response = match context.egress.send(outbound).await {
        Ok(response) => response,
        Err(trouble) => {
            let refused = matches!(trouble, Trouble::Refused(_));
            let message = match trouble {
                Trouble::Refused(refusal) => refusal.to_string(),
                Trouble::Failed(why) => why,
            };
            let _ = allowance.events.send(Event::Failed { stream, message, refused });
            return;
        }
    };
    let status = response.status().as_u16();
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let ended = method == "HEAD" || matches!(status, 204 | 205 | 304) || response.content_length() == Some(0);
    let _ = allowance.events.send(Event::Head(Box::new(FetchHead { stream, status, headers, ended })));
    if !ended {
        let limit = context.limits.fetched;
        let bytes = response.bytes_stream().map_err(|err| format!("the response broke off: {}", innermost(&err)));
        pump(stream, Box::pin(limited(bytes, limit)), &allowance).await;
    }
}

/// Ends a body in an error once it is longer than it may be.
fn limited(bytes: impl Stream<Item = Result<Bytes, String>>, limit: usize) -> impl Stream<Item = Result<Bytes, String>> {
    let mut left = limit;
    bytes.map(move |piece| {
        let piece = piece?;
        left = left.checked_sub(piece.len()).ok_or_else(|| {
            format!("the response is longer than {limit} bytes, which is the most that one may bring (functions.max_fetched)")
        })?;
        Ok(piece)
    })
}

/// Sends what a body yields to the worker, as fast as that takes it.
pub(super) async fn pump(stream: u64, mut bytes: impl Stream<Item = Result<Bytes, String>> + Unpin, allowance: &Allowance) {
    let Allowance { credit, budget, events } = allowance;
    loop {
        let mut piece = match bytes.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(reason)) => {
                let _ = events.send(Event::Broke { stream, reason });
                return;
            }
            None => {
                let _ = events.send(Event::Ended { stream });
                return;
            }
        };
        while !piece.is_empty() {
            // As much as there is credit for, but not a byte at a time.
            let Ok(first) = credit.acquire().await else { return };
            first.forget();
            let size = piece.len().min(CHUNK).min(credit.available_permits() + 1);
            let more = u32::try_from(size - 1).unwrap_or(u32::MAX);
            let Ok(rest) = credit.acquire_many(more).await else { return };
            rest.forget();
            let size_in_budget = u32::try_from(size).unwrap_or(u32::MAX);
            let Ok(held) = Arc::clone(budget).acquire_many_owned(size_in_budget).await else { return };
            let _ = events.send(Event::Bytes { stream, bytes: piece.split_to(size), held });
        }
    }
}
