//! Connections to upstreams, and one exchange over one.
//!
//! An HTTP/1.1 connection is driven by whoever uses it: no task of its own stands between a client's connection and the upstream's, and
//! dropping the exchange closes the connection, so an upstream hears at once when its client goes away. An HTTP/2 connection is shared
//! and driven by a task of the web worker it was opened on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use http::uri::Scheme;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};

use super::answer::Heard;
use super::head::Head;
use super::http1::{self, Http1};
use super::source::{Outgoing, Source};
use super::watch::{Expiry, Timer, Watch};

/// A connection on which a request can be sent.
pub(super) enum Connection {
    // Behind a pointer it is not moved with its exchange and to the pool.
    Http1(Box<Http1>),
    Http2(http2::SendRequest<Outgoing>),
}

/// A request for one server.
pub(super) struct Asking<'a> {
    pub(super) head: &'a Head<'a>,
    pub(super) source: &'a Source,
    /// What the server is called (`host:port`).
    pub(super) server: &'a str,
    /// `http` or `https`: what HTTP/2 tells it of the connection.
    pub(super) scheme: Scheme,
}

/// What comes behind the head of an answer.
pub(super) enum Rest {
    Http1(Box<Http1>),
    Http2 {
        incoming: Incoming,
        timer: Timer,
        /// While there is one, the connection stays open.
        _sender: http2::SendRequest<Outgoing>,
    },
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The request cannot be written.
    Refused,
    /// The connection was closed before anything was sent.
    Unsent(Break),
    /// It failed, and the server may have seen the request.
    Failed(Break),
    Expired(Expiry),
}

/// Why an exchange broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Break {
    #[error(transparent)]
    Http1(#[from] http1::Error),
    #[error("{}", with_causes(.0))]
    Http2(hyper::Error),
}

impl Connection {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(self, asking: &Asking<'_>, watch: &Watch<'_>) -> Result<(Heard, Rest), SendError> {
        match self {
            Self::Http1(mut connection) => {
                let heard = connection.send(asking, watch).await?;
                Ok((heard, Rest::Http1(connection)))
            }
            Self::Http2(mut sender) => {
                let request = asking.head.request(asking.server, asking.scheme.clone(), asking.source);
                let mut answer = pin!(sender.try_send_request(request.ok_or(SendError::Refused)?));
                let mut timer = Timer::default();
                let answer = poll_fn(|cx| match answer.as_mut().poll(cx) {
                    Poll::Ready(answer) => Poll::Ready(answer.map_err(sent_or_not)),
                    Poll::Pending => watch.poll(cx, &mut timer).map(|expiry| Err(SendError::Expired(expiry))),
                })
                .await?;
                let (head, incoming) = answer.into_parts();
                Ok((Heard::of(&head), Rest::Http2 { incoming, timer, _sender: sender }))
            }
        }
    }
}

impl Rest {
    /// The next piece of the body.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Break>>> {
        let incoming = match self {
            Self::Http1(connection) => return connection.poll_piece(cx).map_err(Break::Http1),
            Self::Http2 { incoming, .. } => incoming,
        };
        loop {
            match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                    // Nothing, or trailers, which not every client expects.
                    _ => {}
                },
                Some(Err(err)) => return Poll::Ready(Some(Err(Break::Http2(err)))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// All of the body, if it is there already. It is not given again.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        match self {
            Self::Http1(connection) => connection.whole(),
            Self::Http2 { incoming, .. } => incoming.is_end_stream().then(Bytes::new),
        }
    }

    /// The length of the body, if that was announced.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Http1(connection) => connection.length(),
            Self::Http2 { incoming, .. } => incoming.size_hint().exact(),
        }
    }

    pub(super) fn timer(&mut self) -> &mut Timer {
        match self {
            Self::Http1(connection) => connection.timer(),
            Self::Http2 { timer, .. } => timer,
        }
    }
}

impl SendError {
    /// Whether it is sure that the server has not seen the request.
    pub(super) const fn is_unsent(&self) -> bool {
        matches!(self, Self::Unsent(_) | Self::Refused)
    }
}

fn sent_or_not(mut error: TrySendError<Request<Outgoing>>) -> SendError {
    let is_unsent = error.take_message().is_some();
    let error = Break::Http2(error.into_error());
    if is_unsent { SendError::Unsent(error) } else { SendError::Failed(error) }
}

/// An error and what is behind it, on one line.
fn with_causes(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
