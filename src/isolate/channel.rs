//! The worker's end of the socket: frames in, frames out.

use std::future::Future as _;
use std::io::{self, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use super::protocol::{self, FrameError, ToWorker};

/// How much log text waits before it is sent while the function runs on, in bytes.
const EAGER: usize = 16 * 1024;

/// What a buffer may keep for the next frame, in bytes.
const KEEP: usize = 256 * 1024;

/// How long a server takes at the most that started a worker for something it has to do already.
const MOMENT: Duration = Duration::from_millis(1);

/// How long the last words of a dying worker may wait for the server to read, in all.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Frames on their way out, which any thread may add to or send on.
///
/// What is written is always the front of one buffer, under its lock, so frames never mix.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    buffer: Arc<Mutex<Vec<u8>>>,
    socket: Arc<StdStream>,
}

impl Outbox {
    /// An outbox whose frames are lost, for making the snapshot.
    pub(super) fn nowhere() -> io::Result<Self> {
        Ok(Self { buffer: Arc::default(), socket: Arc::new(StdStream::pair()?.0) })
    }

    /// Whether all was sent.
    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Puts a frame behind the others. A full outbox is sent on at once, as far as the server takes it.
    pub(super) fn push<M: Serialize>(&self, message: &M, body: &[u8]) -> Result<(), FrameError> {
        let mut buffer = self.lock();
        let start = buffer.len();
        if let Err(error) = protocol::encode_into(&mut buffer, message, body) {
            buffer.truncate(start);
            return Err(error);
        }
        if buffer.len() > EAGER {
            let _ = send(&mut buffer, |bytes| (&*self.socket).write(bytes));
        }
        Ok(())
    }

    /// Sends as much as the socket takes without waiting. A socket that is broken is noticed by whoever reads from it.
    pub(super) fn flush_what_goes(&self) {
        let _ = send(&mut self.lock(), |bytes| (&*self.socket).write(bytes));
    }

    /// Sends what there is from a thread that may wait a little, since the process is about to end.
    pub(super) fn flush_last_words(&self) {
        let until = Instant::now() + LAST_WORDS;
        while let Ok(false) = send(&mut self.lock(), |bytes| (&*self.socket).write(bytes)) {
            if Instant::now() > until {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the front of the buffer until it is empty (`true`) or the socket takes no more.
fn send(buffer: &mut Vec<u8>, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
    while !buffer.is_empty() {
        match write(buffer) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(sent) => drop(buffer.drain(..sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.shrink_to(KEEP);
    Ok(true)
}

/// A frame from the server.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) message: ToWorker,
    pub(super) body: Vec<u8>,
}

/// The socket, on the main thread.
#[derive(Debug)]
pub(super) struct Channel {
    socket: UnixStream,
    outbox: Outbox,
    read: Vec<u8>,
}

impl Channel {
    /// Takes the socket over; a tokio runtime must be entered.
    pub(super) fn new(socket: StdStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let outbox = Outbox { buffer: Arc::default(), socket: Arc::new(socket.try_clone()?) };
        Ok(Self { socket: UnixStream::from_std(socket)?, outbox, read: Vec::new() })
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The next frame; `None` when the server closed its end. Cancelled, it loses nothing.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            self.read.reserve(8 * 1024);
            if self.socket.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whether the server has said something already; gives it a moment.
    pub(super) async fn has_arrived(&self) -> bool {
        tokio::time::timeout(MOMENT, self.socket.readable()).await.is_ok()
    }

    fn take_frame(&mut self) -> io::Result<Option<Frame>> {
        let Some((word, rest)) = self.read.split_first_chunk::<4>() else { return Ok(None) };
        let length = protocol::frame_length(*word).map_err(io::Error::other)?;
        let Some(frame) = rest.get(..length) else {
            self.read.reserve(length);
            return Ok(None);
        };
        let (message, body) = protocol::decode(frame).map_err(io::Error::other)?;
        let body = frame[body..].to_vec();
        self.read.drain(..4 + length);
        self.read.shrink_to(KEEP);
        Ok(Some(Frame { message, body }))
    }

    /// The next frame, as [`Self::receive`] gives it.
    pub(super) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Frame>>> {
        pin!(self.receive()).poll(context)
    }

    /// Sends what the socket takes, and has the task woken when it takes more of what is left.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) {
        self.outbox.flush_what_goes();
        while !self.outbox.is_empty() && self.socket.poll_write_ready(context).is_ready() {
            // Clears what the runtime believes about the socket, should it take nothing.
            match send(&mut self.outbox.lock(), |bytes| self.socket.try_write(bytes)) {
                Ok(_) => {}
                // A broken socket is noticed by whoever reads from it.
                Err(_) => return,
            }
        }
    }

    /// Sends everything that is in the outbox.
    pub(super) async fn flush(&self) -> io::Result<()> {
        while !send(&mut self.outbox.lock(), |bytes| self.socket.try_write(bytes))? {
            self.socket.writable().await?;
        }
        Ok(())
    }
}
