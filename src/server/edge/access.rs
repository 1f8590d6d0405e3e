//! The access log: one line for each request, written when its answer went out or its client away.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode, Version};
use bytes::Bytes;
use tracing::Span;

use super::connection::UnderWay;
use super::live::Now;
use crate::front::client::Client;
use crate::front::timings::Timings;

/// What of a request is noted at its head; the query is left out, since it may carry secrets.
pub(in crate::server) struct Access {
    method: String,
    path: String,
    /// The real client's address, and the connection's when that is another.
    client: String,
    peer: Option<String>,
    host: String,
    http: &'static str,
    tls: bool,
    referer: Option<String>,
    user_agent: Option<String>,
}

/// What is known when the head of the answer is there.
pub(in crate::server) struct Ended {
    pub(in crate::server) access: Access,
    pub(in crate::server) status: u16,
    pub(in crate::server) started: Instant,
    /// From the request's head to the answer's.
    pub(in crate::server) first_byte: Duration,
    pub(in crate::server) timings: Option<Timings>,
    pub(in crate::server) span: Span,
}

/// An answer's body on its way, which knows what of it went out.
pub(in crate::server) struct Counted {
    body: BoxBody,
    /// Its bytes, where they are known beforehand.
    expected: Option<u64>,
    sent: u64,
    /// Whether all of it went out.
    is_whole: bool,
    line: Option<Box<Ended>>,
    _under_way: UnderWay,
}

impl Access {
    pub(in crate::server) fn of(request: &ServiceRequest, now: &Now) -> Self {
        let text = |name: HeaderName| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let client = Client::of(request.request(), &now.edge.trusted_proxies);
        let is_proxied = peer.is_some_and(|peer| peer != client.address);
        Self {
            method: request.method().to_string(),
            path: request.path().to_owned(),
            client: peer.map(|_| client.address.to_string()).unwrap_or_default(),
            peer: peer.filter(|_| is_proxied).map(|peer| peer.to_string()),
            host: client.host,
            http: version(request.version()),
            tls: request.app_config().secure(),
            referer: now.access_client.then(|| text(header::REFERER)).flatten(),
            user_agent: now.access_client.then(|| text(header::USER_AGENT)).flatten(),
        }
    }
}

impl Ended {
    /// Writes the line. `sent` counts the body's bytes; what was not wholly sent was broken off by the client, or by a failure.
    pub(in crate::server) fn write(&self, sent: u64, is_whole: bool) {
        let Self { access, status, started, first_byte, timings, span } = self;
        let Access { method, path, client, peer, host, http, tls, referer, user_agent } = access;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (duration_ms, first_byte_ms) = (ms(started.elapsed()), ms(*first_byte));
        let timings = timings.as_ref();
        let phase = |of: fn(&Timings) -> Option<Duration>| timings.and_then(of).map(ms);
        tracing::info!(
            parent: span,
            method,
            path,
            status,
            duration_ms,
            first_byte_ms,
            bytes = sent,
            aborted = (!is_whole).then_some(true),
            client,
            peer,
            host,
            http,
            tls,
            referer,
            user_agent,
            upstream = timings.and_then(|timings| timings.upstream.as_deref()),
            tries = timings.map(|timings| timings.tries),
            queue_ms = phase(|timings| timings.queue),
            connect_ms = phase(|timings| timings.connect),
            upstream_first_byte_ms = phase(|timings| timings.first_byte),
            "{method} {path} {status} {duration_ms:.2} ms"
        );
    }
}

impl Counted {
    /// The body of the answer to this request.
    pub(in crate::server) fn new(
        body: BoxBody,
        request: &HttpRequest,
        status: StatusCode,
        line: Option<Ended>,
        under_way: UnderWay,
    ) -> Self {
        let expected = match body.size() {
            BodySize::None => Some(0),
            BodySize::Sized(bytes) => Some(bytes),
            BodySize::Stream => None,
        };
        let has_none = request.method() == Method::HEAD
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || expected == Some(0);
        Self { body, expected, sent: 0, is_whole: has_none, line: line.map(Box::new), _under_way: under_way }
    }
}

impl MessageBody for Counted {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = Pin::new(&mut this.body).poll_next(cx);
        match &next {
            Poll::Ready(Some(Ok(piece))) => {
                this.sent += piece.len() as u64;
                this.is_whole = this.expected == Some(this.sent);
            }
            Poll::Ready(None) => this.is_whole = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        next
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.write(self.sent, self.is_whole);
        }
    }
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
