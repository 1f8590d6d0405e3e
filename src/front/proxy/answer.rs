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
use http_body::Body as _;
use hyper::body::Incoming;

use super::connection::Connection;
use super::headers;
use super::pool::{self, Key};
use super::watch::Timer;
use crate::config::front::Upstream;
use crate::front::balance::Pick;

/// An upstream's answer, its connection, and what becomes of that afterwards.
pub(super) struct Answer {
    pub(super) incoming: Incoming,
    pub(super) connection: Connection,
    pub(super) key: Key,
    pub(super) config: Arc<Upstream>,
    /// Counts as a request under way until the answer has ended.
    pub(super) pick: Pick,
    pub(super) read_timeout: Duration,
    /// When all of the exchange is to be over.
    pub(super) deadline: Option<Instant>,
}

/// What is wrong with the head of an answer, so that it is not clear where its body ends.
pub(super) fn fault(head: &Parts) -> Option<&'static str> {
    let mut codings = head.headers.get_all(theirs::TRANSFER_ENCODING).iter();
    let first = codings.next()?;
    if head.headers.contains_key(theirs::CONTENT_LENGTH) {
        return Some("it has both Content-Length and Transfer-Encoding");
    }
    let is_plain = first.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
    (!is_plain).then_some("its Transfer-Encoding is not chunked alone")
}

/// The head of the client's answer, without a body and a length.
pub(super) fn head(head: &Parts) -> HttpResponse {
    // Both sides allow three digits.
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = HttpResponse::with_body(status, body::None::new().boxed());
    headers::of_answer(&head.headers, response.headers_mut());
    response
}

impl Answer {
    /// The client's answer.
    pub(super) fn respond(self, head: &Parts, method: &Method, request: &HttpRequest) -> HttpResponse {
        let mut response = self::head(head);
        let announced =
            head.headers.get(theirs::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        let body = match head.status.as_u16() {
            204 => self.over(BodySize::None),
            304 => {
                if let Some(length) = announced {
                    response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
                }
                self.over(BodySize::None)
            }
            _ if *method == Method::HEAD => self.over(announced.map_or(BodySize::None, BodySize::Sized)),
            _ if self.incoming.is_end_stream() => self.over(BodySize::Sized(0)),
            _ => self.relay().boxed(),
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
        let size = self.incoming.size_hint().exact().map_or(BodySize::Stream, BodySize::Sized);
        Relay { size, answer: Some(self), timer: Timer::default(), waiting_since: None }
    }

    /// Gives the connection back, if nothing is under way on it any more.
    fn release(self) {
        let Self { incoming, connection, key, config, .. } = self;
        drop(incoming);
        if let Connection::Http1(connection) = connection {
            pool::put(&key, connection, &config.keep_alive);
        }
    }

    /// The next piece of the body.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        loop {
            let mut frame = Pin::new(&mut self.incoming).poll_frame(cx);
            if frame.is_pending() {
                // What is asked for is fetched by the connection.
                self.connection.drive(cx);
                frame = Pin::new(&mut self.incoming).poll_frame(cx);
            }
            match std::task::ready!(frame) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                    // Nothing, or trailers, which not every client expects.
                    _ => {}
                },
                Some(Err(err)) => return Poll::Ready(Some(Err(err))),
                None => return Poll::Ready(None),
            }
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
    timer: Timer,
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
        let why = match answer.poll_piece(cx) {
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
                std::task::ready!(this.timer.poll(cx, due));
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
