//! Connections to upstreams, and one exchange over one.
//!
//! An HTTP/1.1 connection is driven by whoever uses it: no task of its own stands between a client's connection and the upstream's, and
//! dropping the exchange closes the connection, so an upstream hears at once when its client goes away. An HTTP/2 connection is shared
//! and driven by a task of the web worker it was opened on.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;

use super::source::Outgoing;
use super::watch::{Expiry, Watch};
use crate::front::transport::Io;

/// The longest head of an answer, in bytes; nginx takes 4 KiB or 8 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// A connection on which a request can be sent.
pub(super) enum Connection {
    // Behind a pointer it is not moved with its exchange and to the pool.
    Http1(Box<Http1>),
    Http2(http2::SendRequest<Outgoing>),
}

/// An HTTP/1.1 connection: at most one exchange is under way on it.
pub(super) struct Http1 {
    sender: http1::SendRequest<Outgoing>,
    /// `None` when it is over, unless the server switched protocols.
    driver: Option<http1::Connection<TokioIo<Io>, Outgoing>>,
    has_ended: bool,
    opened_at: Instant,
    requests: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The connection was closed before anything was sent.
    Unsent(hyper::Error),
    /// It failed, and the server may have seen the request.
    Failed(hyper::Error),
    Expired(Expiry),
}

impl Connection {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Outgoing>,
        mut watch: Watch<'_>,
    ) -> Result<Response<Incoming>, SendError> {
        match self {
            Self::Http1(connection) => connection.send(request, watch).await,
            Self::Http2(sender) => {
                let mut answer = pin!(sender.try_send_request(request));
                poll_fn(|cx| match answer.as_mut().poll(cx) {
                    Poll::Ready(answer) => Poll::Ready(answer.map_err(sent_or_not)),
                    Poll::Pending => watch.poll(cx).map(|expiry| Err(SendError::Expired(expiry))),
                })
                .await
            }
        }
    }

    pub(super) const fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Does what the connection has to do while its answer is read.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Self::Http1(connection) = self {
            connection.drive(cx);
        }
    }
}

impl Http1 {
    /// Speaks HTTP/1.1 over fresh bytes.
    pub(super) async fn open(io: Io) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(io)).await?;
        Ok(Self { sender, driver: Some(driver), has_ended: false, opened_at: Instant::now(), requests: 0 })
    }

    /// Whether a request can be sent: the last exchange is over on both sides, and the server has not closed it. Does not wait.
    pub(super) fn is_ready(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.has_ended && self.sender.is_ready()
    }

    /// How many requests were sent on it.
    pub(super) const fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    async fn send(&mut self, request: Request<Outgoing>, mut watch: Watch<'_>) -> Result<Response<Incoming>, SendError> {
        self.requests += 1;
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|cx| {
            self.drive(cx);
            let mut polled = answer.as_mut().poll(cx);
            if polled.is_pending() && self.has_ended {
                // What it has not taken is given back when it is dropped.
                self.driver = None;
                polled = answer.as_mut().poll(cx);
            }
            match polled {
                Poll::Ready(answer) => Poll::Ready(answer.map_err(sent_or_not)),
                Poll::Pending => watch.poll(cx).map(|expiry| Err(SendError::Expired(expiry))),
            }
        })
        .await
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = self.driver.as_mut().filter(|_| !self.has_ended) {
            // What ends it is told to the exchange that is under way, too.
            self.has_ended = driver.poll_without_shutdown(cx).is_ready();
        }
    }

    /// The bytes beneath, when the server has switched protocols: with those that it sent after its head.
    pub(super) fn into_bytes(self: Box<Self>) -> Option<(Io, Bytes)> {
        let parts = self.driver?.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }
}

impl SendError {
    /// Whether it is sure that the server has not seen the request.
    pub(super) const fn is_unsent(&self) -> bool {
        matches!(self, Self::Unsent(_))
    }
}

fn sent_or_not<B>(mut error: hyper::client::conn::TrySendError<Request<B>>) -> SendError {
    let is_unsent = error.take_message().is_some();
    let error = error.into_error();
    if is_unsent { SendError::Unsent(error) } else { SendError::Failed(error) }
}
