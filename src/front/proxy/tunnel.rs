//! A connection that has become a WebSocket: bytes both ways until one side has enough.
//!
//! The two directions do not wait for each other. actix tells a client's end of sending from its going away no more than Plinth lets it
//! (`h1_allow_half_closed`), so either side's end is the end of both.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderValue, UPGRADE};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use super::watch::Timer;
use crate::front::balance::Pick;
use crate::front::transport::Io;
use crate::tasks::Tasks;

/// Bytes read at a time.
const PIECE: usize = 16 * 1024;

/// While the server stops, a tunnel ends when it was silent for this long.
const QUIET: Duration = Duration::from_secs(1);

/// The upstream's half of a tunnel, as the body of the answer to the client.
pub(super) struct Tunnel {
    read: ReadHalf<Io>,
    /// What the upstream sent along with its head.
    first: Bytes,
    buffer: Box<[u8]>,
    /// Carries what the client sends.
    upward: JoinHandle<()>,
    /// When something was carried last, in either direction.
    moved_at: Rc<Cell<Instant>>,
    /// How long it may be silent.
    limit: Duration,
    timer: Timer,
    /// Resolves when the server stops; `None` when it does.
    stop: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Counts as a request under way while the tunnel is open.
    _pick: Pick,
}

impl Tunnel {
    /// Joins a client and an upstream that both speak WebSocket from here on.
    pub(super) fn open(io: Io, first: Bytes, client: Payload, limit: Duration, tasks: &Tasks, pick: Pick) -> Self {
        let (read, write) = tokio::io::split(io);
        let moved_at = Rc::new(Cell::new(Instant::now()));
        let upward = actix_web::rt::spawn(carry(client, write, Rc::clone(&moved_at)));
        let tasks = tasks.clone();
        let stop: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move { tasks.soft_stopped().await });
        let buffer = vec![0; PIECE].into_boxed_slice();
        Self { read, first, buffer, upward, moved_at, limit, timer: Timer::default(), stop: Some(stop), _pick: pick }
    }

    /// The answer that opens it, with the upstream's headers.
    pub(super) fn respond(self, mut head: HttpResponse) -> HttpResponse {
        head.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        head.head_mut().set_connection_type(ConnectionType::Upgrade);
        head.set_body(self.boxed())
    }

    /// Ready when both sides were silent for too long.
    fn poll_silent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(cx).is_ready()) {
            self.stop = None;
            self.limit = self.limit.min(QUIET);
        }
        self.timer.poll(cx, self.moved_at.get() + self.limit)
    }
}

/// Carries what the client sends to the upstream, as fast as that takes it.
async fn carry(mut client: Payload, mut upstream: WriteHalf<Io>, moved_at: Rc<Cell<Instant>>) {
    while let Some(Ok(bytes)) = client.next().await {
        moved_at.set(Instant::now());
        if upstream.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // That it cannot be told is no matter: the connection is about to be closed.
    let _ = upstream.shutdown().await;
}

impl MessageBody for Tunnel {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if !this.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.first))));
        }
        let mut buf = ReadBuf::new(&mut this.buffer);
        match Pin::new(&mut this.read).poll_read(cx, &mut buf) {
            Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                this.moved_at.set(Instant::now());
                Poll::Ready(Some(Ok(Bytes::copy_from_slice(buf.filled()))))
            }
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => this.poll_silent(cx).map(|()| None),
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.upward.abort();
    }
}
