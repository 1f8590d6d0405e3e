//! The body of a request on its way to an upstream.
//!
//! Bytes are asked of the client only when the upstream's connection takes more, so a slow upstream slows its client down. The first
//! [`KEPT`] bytes are kept, so that a request whose body is that small can be sent again.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Version, header};
use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};

/// Bytes of a body that are kept for sending it again.
pub(super) const KEPT: usize = 64 * 1024;

/// How long a body is, as the client announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// There is none.
    None,
    Known(u64),
    /// It ends where the client says so.
    Unknown,
}

/// What a client does wrong while it sends a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::front) enum ClientFault {
    /// It broke off, or what it sent is no body.
    #[error("the client's body ended early: {0}")]
    Broken(String),
    /// It sent more than is let in.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
}

/// A request's body, from which each try takes its own [`Outgoing`].
#[derive(Clone)]
pub(super) struct Source(Rc<RefCell<State>>);

struct State {
    payload: Payload,
    length: Length,
    /// The most bytes that are let in.
    max: usize,
    received: usize,
    /// Everything received, while `is_whole`.
    kept: Vec<Bytes>,
    is_whole: bool,
    ended: bool,
    fault: Option<ClientFault>,
    /// Whether the connection would take more and the client has sent no more.
    awaits_client: bool,
    /// When something was passed on last.
    moved_at: Instant,
}

/// The body as one try sends it.
pub(super) struct Outgoing {
    source: Source,
    /// How many of the kept pieces were sent.
    at: usize,
    sent: u64,
}

impl Source {
    /// Takes a request's body, which has no more than `max` bytes as far as its head says.
    pub(super) async fn of(request: &HttpRequest, payload: Payload, max: usize) -> Result<Self, ClientFault> {
        // A client that wants to switch protocols has no body, whatever its head says.
        let length = if matches!(payload, Payload::None) { Length::None } else { announced(request) };
        match length {
            Length::Known(length) if length > max as u64 => return Err(ClientFault::TooLarge(max)),
            _ => {}
        }
        let is_whole = !matches!(length, Length::Known(length) if length > KEPT as u64);
        let state = State {
            payload,
            length,
            max,
            received: 0,
            kept: Vec::new(),
            is_whole,
            ended: length == Length::None,
            fault: None,
            awaits_client: false,
            moved_at: Instant::now(),
        };
        let source = Self(Rc::new(RefCell::new(state)));
        if length == Length::Unknown && request.version() == Version::HTTP_2 {
            source.look().await;
        }
        Ok(source)
    }

    /// HTTP/2 says by the end of the stream, not by a header, whether there is a body: what is there already tells.
    async fn look(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.borrow_mut();
            if let Poll::Ready(None) = state.poll_payload(cx) {
                state.length = Length::None;
            }
            Poll::Ready(())
        })
        .await;
    }

    /// The body from its beginning, for a try of its own.
    pub(super) fn body(&self) -> Outgoing {
        self.0.borrow_mut().moved_at = Instant::now();
        Outgoing { source: self.clone(), at: 0, sent: 0 }
    }

    pub(super) fn length(&self) -> Length {
        self.0.borrow().length
    }

    /// Whether it can be sent from its beginning (again).
    pub(super) fn is_whole(&self) -> bool {
        let state = self.0.borrow();
        state.received == 0 || state.is_whole
    }

    /// Whether all of it was passed on.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.0.borrow();
        // Nobody asks for what comes after the last byte of a known length.
        state.ended || matches!(state.length, Length::Known(length) if state.received as u64 >= length)
    }

    pub(super) fn awaits_client(&self) -> bool {
        self.0.borrow().awaits_client
    }

    /// When something was passed on last.
    pub(super) fn moved_at(&self) -> Instant {
        self.0.borrow().moved_at
    }

    /// What the client did wrong.
    pub(super) fn fault(&self) -> Option<ClientFault> {
        self.0.borrow().fault.clone()
    }
}

impl State {
    /// The next bytes from the client; they are kept where there is room.
    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientFault>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(next) = Pin::new(&mut self.payload).poll_next(cx) else {
            self.awaits_client = true;
            return Poll::Pending;
        };
        self.awaits_client = false;
        self.moved_at = Instant::now();
        let Some(next) = next else {
            self.ended = true;
            return Poll::Ready(None);
        };
        Poll::Ready(Some(self.accept(next).inspect_err(|fault| self.fault = Some(fault.clone()))))
    }

    fn accept(&mut self, next: Result<Bytes, PayloadError>) -> Result<Bytes, ClientFault> {
        let bytes = next.map_err(|err| ClientFault::Broken(err.to_string()))?;
        self.received = self.received.saturating_add(bytes.len());
        if self.received > self.max {
            return Err(ClientFault::TooLarge(self.max));
        }
        if self.received > KEPT {
            self.is_whole = false;
            self.kept = Vec::new();
        }
        if self.is_whole {
            self.kept.push(bytes.clone());
        }
        Ok(bytes)
    }
}

impl Outgoing {
    /// The next piece; it is asked of the client when all that was kept is sent.
    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, ClientFault>>> {
        let mut state = self.source.0.borrow_mut();
        let kept = state.kept.get(self.at).cloned();
        let next = match kept {
            Some(bytes) => Some(Ok(bytes)),
            None => std::task::ready!(state.poll_payload(cx)),
        };
        if let Some(Ok(bytes)) = &next {
            self.at += 1;
            self.sent += bytes.len() as u64;
        }
        Poll::Ready(next)
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = ClientFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientFault>>> {
        self.get_mut().poll_bytes(cx).map(|next| next.map(|next| next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        let state = self.source.0.borrow();
        match state.length {
            Length::None => true,
            Length::Known(length) => self.sent >= length,
            Length::Unknown => state.ended && self.at >= state.kept.len(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.source.length() {
            Length::None => SizeHint::with_exact(0),
            Length::Known(length) => SizeHint::with_exact(length.saturating_sub(self.sent)),
            Length::Unknown => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("sent", &self.sent).finish_non_exhaustive()
    }
}

/// What the head says of the body's length; actix refused heads that say two things.
fn announced(request: &HttpRequest) -> Length {
    let headers = request.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Length::Unknown;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match length {
        Some(0) => Length::None,
        Some(length) => Length::Known(length),
        None if request.version() == Version::HTTP_2 => Length::Unknown,
        None => Length::None,
    }
}
