//! Answers that are passed through, compressed as they go.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{FutureExt, Stream};

use super::encoder::{Effort, Encoder};
use super::{PLACES, Settings};
use crate::front::files::{Accepted, Coding};

/// A piece this long is compressed off the web worker.
const LONG: usize = 8 * 1024;

/// What a body gives: a piece, its end, or its failure.
type Piece = Option<Result<Bytes, Box<dyn StdError>>>;

/// The same answer, compressed if the client takes that and it is worth it.
pub(in crate::front) fn compressed(request: &HttpRequest, answer: HttpResponse, settings: &Settings) -> HttpResponse {
    if !settings.covers_streams() || !is_worth_it(request, &answer, settings) {
        return answer;
    }
    let (mut answer, body) = answer.into_parts();
    let headers = answer.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).map(Accepted::parse);
    let encoder = accepted
        .and_then(|accepted| accepted.best())
        .and_then(|coding| Some((Encoder::new(coding, Effort::Stream).ok()?, coding)));
    let Some((encoder, coding)) = encoder else { return answer.set_body(body) };
    describe(headers, coding);
    if request.method() == Method::HEAD {
        return answer.set_body(body);
    }
    answer.set_body(BoxBody::new(BodyStream::new(encode(body, encoder))))
}

/// Whether an answer would be compressed for a client that takes it.
fn is_worth_it(request: &HttpRequest, answer: &HttpResponse, settings: &Settings) -> bool {
    let headers = answer.headers();
    let says = |name, word: &str| {
        headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).is_some_and(|text| text.contains(word))
    };
    let status = answer.status();
    let has_body = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
        )
        && request.method() != Method::CONNECT;
    let is_long = match answer.body().size() {
        BodySize::Sized(len) => len >= settings.min,
        BodySize::Stream => content_length(headers).is_none_or(|len| len >= settings.min),
        BodySize::None => false,
    };
    has_body
        && is_long
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && !says(header::CACHE_CONTROL, "no-transform")
        && headers.get(header::CONTENT_TYPE).is_some_and(|kind| settings.covers_type(kind))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The headers of an answer whose body is packed: of unknown length, without parts, and the same only in what it means.
fn describe(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    headers.remove("content-md5");
    headers.remove("digest");
    let weak = match headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) {
        Some(tag) if !tag.starts_with("W/") => HeaderValue::try_from(format!("W/{tag}")).ok(),
        _ => None,
    };
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

/// A body on its way through an encoder.
struct Passing {
    body: BoxBody,
    /// `None` once it has ended.
    encoder: Option<Encoder>,
    /// What the body gave when it was looked whether more is there.
    next: Option<Piece>,
}

fn encode(body: BoxBody, encoder: Encoder) -> impl Stream<Item = Result<Bytes, Box<dyn StdError>>> {
    let passing = Passing { body, encoder: Some(encoder), next: None };
    futures_util::stream::try_unfold(passing, |mut passing| async move {
        while let Some(encoder) = passing.encoder.take() {
            let packed = match passing.piece().await {
                Some(Ok(piece)) => {
                    // Nothing that was sent waits for what is not there yet.
                    passing.next = passing.piece().now_or_never();
                    let (encoder, packed) = add(encoder, piece, passing.next.is_none()).await?;
                    passing.encoder = Some(encoder);
                    packed
                }
                Some(Err(err)) => return Err(err),
                None => encoder.finish()?,
            };
            if !packed.is_empty() {
                return Ok(Some((Bytes::from(packed), passing)));
            }
        }
        Ok(None)
    })
}

impl Passing {
    async fn piece(&mut self) -> Piece {
        match self.next.take() {
            Some(piece) => piece,
            None => poll_fn(|context| Pin::new(&mut self.body).poll_next(context)).await,
        }
    }
}

async fn add(mut encoder: Encoder, piece: Bytes, flush: bool) -> io::Result<(Encoder, Vec<u8>)> {
    let is_long = piece.len() >= LONG;
    let work = move || {
        encoder.write(&piece)?;
        if flush {
            encoder.flush()?;
        }
        let packed = encoder.take();
        Ok((encoder, packed))
    };
    if !is_long {
        return work();
    }
    let place = PLACES.acquire().await.map_err(io::Error::other)?;
    let done = web::block(work).await.map_err(io::Error::other)?;
    drop(place);
    done
}
