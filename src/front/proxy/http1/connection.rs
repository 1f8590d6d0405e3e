//! An HTTP/1.1 connection to an upstream's server: at most one exchange is under way on it.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, ReadBuf};

use super::Error;
use super::reader::{Next, Reader};
use super::writer::Writer;
use crate::front::proxy::answer::Heard;
use crate::front::proxy::connection::{Asking, SendError};
use crate::front::proxy::watch::{Timer, Watch};
use crate::front::transport::Io;

/// A connection, driven by whoever uses it. Dropping it closes it.
pub(in crate::front::proxy) struct Http1 {
    io: Io,
    reader: Reader,
    writer: Writer,
    /// Why no more of the request can be sent; what the server answers is read all the same.
    unsendable: Option<Error>,
    /// Kept from one exchange to the next: a timer that stands is moved for nothing.
    timer: Timer,
    opened_at: Instant,
    requests: u64,
}

impl Http1 {
    /// Speaks HTTP/1.1 over fresh bytes.
    pub(in crate::front::proxy) fn new(io: Io) -> Self {
        Self {
            io,
            reader: Reader::new(),
            writer: Writer::new(),
            unsendable: None,
            timer: Timer::default(),
            opened_at: Instant::now(),
            requests: 0,
        }
    }

    /// Whether a request can be sent: the last exchange is over on both sides, and the server has not closed it, nor said anything that
    /// nobody asked for. Does not wait.
    pub(in crate::front::proxy) fn is_ready(&mut self) -> bool {
        self.unsendable.is_none()
            && self.writer.is_done()
            && self.reader.is_idle()
            && self.is_silent(&mut Context::from_waker(Waker::noop()))
    }

    /// Gives back what memory a large exchange took.
    pub(in crate::front::proxy) fn rest(&mut self) {
        self.reader.rest();
        self.writer.rest();
    }

    /// How many requests were sent on it.
    pub(in crate::front::proxy) const fn requests(&self) -> u64 {
        self.requests
    }

    pub(in crate::front::proxy) fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    pub(in crate::front::proxy) const fn timer(&mut self) -> &mut Timer {
        &mut self.timer
    }

    /// Sends a request, and waits for the head of its answer.
    pub(in crate::front::proxy) async fn send(&mut self, asking: &Asking<'_>, watch: &Watch<'_>) -> Result<Heard, SendError> {
        self.requests += 1;
        asking.head.write(asking.server, asking.source, self.writer.begin(asking.source)).ok_or(SendError::Refused)?;
        self.reader.begin(asking.head.method == Method::HEAD);
        poll_fn(|cx| match self.poll_head(cx) {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => watch.poll(cx, &mut self.timer).map(|expiry| Err(SendError::Expired(expiry))),
        })
        .await
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Heard, SendError>> {
        self.drive(cx).map_err(failed)?;
        // What a socket, unlike a TLS session, says that it did not take has not left.
        let is_unsent = !self.writer.has_begun() && matches!(self.io, Io::Plain(_));
        if let Some(error) = self.unsendable.take_if(|_| is_unsent) {
            return Poll::Ready(Err(SendError::Unsent(error.into())));
        }
        loop {
            if let Some(heard) = self.reader.head().map_err(failed)? {
                return Poll::Ready(Ok(heard));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) => return Poll::Ready(Err(failed(self.unsendable.take().unwrap_or(Error::Closed)))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(failed(self.unsendable.take().unwrap_or(error.into())))),
            }
        }
    }

    /// The next piece of the answer's body. What is left of the request is sent meanwhile.
    pub(in crate::front::proxy) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.drive(cx)?;
        loop {
            match self.reader.next()? {
                Next::Piece(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Next::End => return Poll::Ready(None),
                Next::More => {}
            }
            if ready!(self.poll_read(cx))? == 0 {
                self.reader.close()?;
            }
        }
    }

    /// All of the answer's body, if it came with the head.
    pub(in crate::front::proxy) fn whole(&mut self) -> Option<Bytes> {
        self.reader.whole()
    }

    /// The length of the answer's body, if that was announced.
    pub(in crate::front::proxy) const fn length(&self) -> Option<u64> {
        self.reader.length()
    }

    /// The bytes beneath, when the server has switched protocols: with those that it sent after its head.
    pub(in crate::front::proxy) fn into_bytes(self: Box<Self>) -> (Io, Bytes) {
        (self.io, self.reader.into_rest())
    }

    /// Sends what there is of the request. Fails when its client does; that the server takes no more is noted.
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.unsendable.is_some() || self.writer.is_done() {
            return Ok(());
        }
        match self.writer.poll(cx, &mut self.io) {
            Poll::Ready(Err(error @ Error::Client(_))) => Err(error),
            Poll::Ready(Err(error)) => {
                self.unsendable = Some(error);
                Ok(())
            }
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Whether nothing was received, not even an end. It makes no room, since none is needed.
    fn is_silent(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.io).poll_read(cx, &mut ReadBuf::new(&mut [0])).is_pending()
    }

    /// Receives some bytes; none when the server has closed the connection.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let count = ready!(pin!(self.io.read_buf(self.reader.buffer())).poll(cx))?;
        self.reader.received(count);
        Poll::Ready(Ok(count))
    }
}

fn failed(error: Error) -> SendError {
    SendError::Failed(error.into())
}
