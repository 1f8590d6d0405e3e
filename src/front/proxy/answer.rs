//! The upstream's answer on its way to the client.
//!
//! The client's connection asks for bytes when it has room, and only then is the upstream's read: a slow client slows its upstream down,
//! and no more than one piece and two buffers of an answer are in memory. What has come is sent on at once, so events of a stream are
//! not held back.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::http::{ConnectionType, StatusCode, Version, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use http::Method;
use http::header as theirs;
use http::response::Parts;

use super::connection::Rest;
use super::headers;
use super::pool::{self, Key};
use crate::config::front::Upstream;
use crate::front::balance::Pick;

/// The head of an upstream's answer, as it was read.
#[derive(Debug)]
pub(in crate::front) struct Heard {
    /// The head of the client's answer, without a body and a length.
    pub(in crate::front) response: HttpResponse,
    /// The length that it announces, where there is no body, too.
    pub(in crate::front) length: Option<u64>,
    /// Whether it names WebSocket as the protocol that follows.
    pub(in crate::front) is_websocket: bool,
}

/// An upstream's answer, its connection, and what becomes of that afterwards.
pub(super) struct Answer {
    pub(super) rest: Rest,
    pub(super) key: Key,
    pub(super) config: Arc<Upstream>,
    /// Counts as a request under way until the answer has ended.
    pub(super) pick: Pick,
    pub(super) read_timeout: Duration,
    /// When all of the exchange is to be over.
    pub(super) deadline: Option<Instant>,
}

impl Heard {
    /// What HTTP/2 says.
    pub(super) fn of(head: &Parts) -> Self {
        // Both sides allow three digits.
        let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::with_body(status, body::None::new().boxed());
        headers::of_answer(&head.headers, response.headers_mut());
        let length = head.headers.get(theirs::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self { response, length, is_websocket: false }
    }
}

impl Answer {
    /// The client's answer.
    pub(super) fn respond(mut self, heard: Heard, method: &Method, request: &HttpRequest) -> HttpResponse {
        let Heard { mut response, length, .. } = heard;
        let body = match response.status() {
            StatusCode::NO_CONTENT => self.over(BodySize::None),
            StatusCode::NOT_MODIFIED => {
                if let Some(length) = length {
                    response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
                }
                self.over(BodySize::None)
            }
            _ if *method == Method::HEAD => self.over(length.map_or(BodySize::None, BodySize::Sized)),
            _ => match self.rest.whole() {
                Some(bytes) => {
                    self.release();
                    BoxBody::new(bytes)
                }
                None => self.relay().boxed(),
            },
        };
        if request.version() < Version::HTTP_11 && body.size() == BodySize::Stream {
            // The end of the connection is the end of the body.
            response.head_mut().no_chunking(true);
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response.set_body(body)
    }

    /// The exchange is over with its head; the connection is free.
    fn over(self, size: BodySize) -> BoxBody {
        self.release();
        match size {
            BodySize::None => body::None::new().boxed(),
            size => Announced(size).boxed(),
        }
    }

    fn relay(self) -> Relay {
        let size = self.rest.length().map_or(BodySize::Stream, BodySize::Sized);
        Relay { size, answer: Some(self), waiting_since: None }
    }

    /// Gives the connection back, if nothing is under way on it any more.
    fn release(self) {
        if let Rest::Http1(connection) = self.rest {
            pool::put(&self.key, connection, &self.config.keep_alive);
        }
    }
}

/// A length without bytes: what HEAD is told.
struct Announced(BodySize);

impl MessageBody for Announced {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// A body that is passed on.
struct Relay {
    size: BodySize,
    /// `None` when it has ended.
    answer: Option<Answer>,
    /// Since when the client would take more and the upstream sends no more.
    waiting_since: Option<Instant>,
}

/// The upstream's body broke off. The client's connection is closed, so that it cannot take what it has for the whole.
#[derive(Debug)]
struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream's answer broke off")
    }
}

impl std::error::Error for BrokenOff {}

impl MessageBody for Relay {
    type Error = BrokenOff;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        let this = self.get_mut();
        let Some(answer) = &mut this.answer else { return Poll::Ready(None) };
        let why = match answer.rest.poll_piece(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                this.waiting_since = None;
                return Poll::Ready(Some(Ok(bytes)));
            }
            Poll::Ready(None) => {
                if let Some(answer) = this.answer.take() {
                    answer.release();
                }
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(err))) => err.to_string(),
            Poll::Pending => {
                let silent = *this.waiting_since.get_or_insert_with(Instant::now) + answer.read_timeout;
                let due = answer.deadline.map_or(silent, |deadline| deadline.min(silent));
                std::task::ready!(answer.rest.timer().poll(cx, due));
                if due == silent { format!("nothing within {:?}", answer.read_timeout) } else { "it took too long".to_owned() }
            }
        };
        tracing::warn!(
            upstream = answer.config.name,
            backend = answer.pick.name(),
            phase = "body",
            error = why,
            "the answer of {} ({}) broke off: {why}",
            answer.config.name,
            answer.pick.name()
        );
        this.answer = None;
        Poll::Ready(Some(Err(BrokenOff)))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(answer) = &self.answer {
            tracing::debug!(
                upstream = answer.config.name,
                backend = answer.pick.name(),
                phase = "body",
                "the client went away before the end of the answer of {}",
                answer.config.name
            );
        }
    }
}
