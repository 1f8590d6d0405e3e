//! Bodies between a web worker, which has the client's connection, and a call's session, which has the worker's socket.
//!
//! Both sides only wait for each other here: what may be under way is bounded by the streams' windows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::wire::Event;

/// Pieces of a request's body that wait for the session, at the most.
const PIECES: usize = 4;

/// What a call is given.
#[derive(Debug)]
pub enum Payload {
    Whole(Bytes),
    /// It comes bit by bit, for handlers that take a `Request`.
    Streamed(Upload),
}

impl From<Bytes> for Payload {
    fn from(whole: Bytes) -> Self {
        Self::Whole(whole)
    }
}

/// A request's body as the session takes it; the error is why it broke off.
#[derive(Debug)]
pub struct Upload(mpsc::Receiver<Result<Bytes, String>>);

/// The other end, held by whoever reads the client's connection. Dropped before [`Self::end`], the body has broken off.
#[derive(Debug)]
pub struct Uploader(Option<mpsc::Sender<Result<Bytes, String>>>);

/// A body that is to be streamed to a call.
#[must_use]
pub fn upload() -> (Uploader, Upload) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Uploader(Some(sender)), Upload(receiver))
}

impl Uploader {
    /// Passes a piece on, as soon as the function has room for it; false when nobody wants more.
    pub async fn send(&self, piece: Bytes) -> bool {
        match &self.0 {
            Some(sender) => sender.send(Ok(piece)).await.is_ok(),
            None => false,
        }
    }

    /// The body is whole.
    pub async fn end(mut self) {
        if let Some(sender) = self.0.take() {
            // An empty piece stands for the end; there are no others.
            let _ = sender.send(Ok(Bytes::new())).await;
        }
    }

    /// The body breaks off.
    pub async fn fail(mut self, reason: String) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Err(reason)).await;
        }
    }
}

impl Stream for Upload {
    type Item = Result<Bytes, String>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.0.poll_recv(context));
        Poll::Ready(match piece {
            Some(Ok(piece)) if piece.is_empty() => None,
            Some(piece) => Some(piece),
            None => Some(Err("the client has gone away".to_owned())),
        })
    }
}

/// A piece of what a worker sends, on its way to whoever reads it.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    End,
    Broken(String),
}

/// What a worker sends, read by a client or by an outbound request. It says what was read, which gives the worker credit. Ends in
/// an error unless the function said that it is whole.
#[derive(Debug)]
pub struct Download {
    stream: u64,
    pieces: mpsc::UnboundedReceiver<Piece>,
    events: mpsc::UnboundedSender<Event>,
    over: bool,
}

impl Download {
    /// The reading end of a stream; the sender is bounded by the stream's window.
    pub(super) fn new(stream: u64, events: mpsc::UnboundedSender<Event>) -> (mpsc::UnboundedSender<Piece>, Self) {
        let (sender, pieces) = mpsc::unbounded_channel();
        (sender, Self { stream, pieces, events, over: false })
    }
}

impl Stream for Download {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(context));
        let piece = match piece {
            Some(Piece::Bytes(bytes)) => {
                let _ = self.events.send(Event::Consumed { stream: self.stream, bytes: bytes.len() });
                return Poll::Ready(Some(Ok(bytes)));
            }
            Some(Piece::End) => None,
            Some(Piece::Broken(reason)) => Some(Err(io::Error::other(reason))),
            None => Some(Err(io::Error::other("the function did not finish its response"))),
        };
        self.over = true;
        Poll::Ready(piece)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.events.send(Event::Unwanted { stream: self.stream });
        }
    }
}
