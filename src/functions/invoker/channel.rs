//! Frames over one worker's socket.
//!
//! Whoever holds the [`Link`] drives it, on whatever runtime that is: the socket registers itself with the runtime it is awaited
//! on and stays registered there, so that a warm call costs one `send` and one `recv` and no hop between threads. Both halves
//! are cancel-safe and may be resumed on another runtime, since what was sent and what was received is kept in the values.
//!
//! The other end is hostile: lengths are checked before anything is allocated for them, and memory grows as bytes arrive, never
//! as they are announced.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, Id};

use crate::isolate::protocol::{self, FrameError, FromWorker};

/// Bytes a read asks for at the least.
const READ_AT_LEAST: usize = 8 * 1024;

/// Bytes that room is made for ahead of their arrival, at the most.
const READ_AHEAD: usize = 1024 * 1024;

/// A buffer larger than this is not kept between calls.
const KEEP: usize = 64 * 1024;

/// The server's end of a worker's socket.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket,
    inbox: Vec<u8>,
    /// How much of the inbox was taken.
    taken: usize,
}

#[derive(Debug)]
enum Socket {
    /// Not registered anywhere.
    Loose(UnixStream),
    /// Registered with a runtime.
    Settled(Id, AsyncFd<UnixStream>),
    /// Between the two, or after a failure in between.
    Gone,
}

/// A frame on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    frame: Vec<u8>,
    sent: usize,
}

/// Why a link is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The worker's end is closed: it has ended.
    #[error("the worker closed its socket")]
    Closed,
    /// The worker does not keep to the protocol.
    #[error("the worker broke the protocol: {0}")]
    Broken(#[from] FrameError),
    #[error("the worker's socket failed: {0}")]
    Io(io::Error),
}

impl Outgoing {
    pub(super) const fn new(frame: Vec<u8>) -> Self {
        Self { frame, sent: 0 }
    }

    /// Whether no byte of it has left.
    pub(super) const fn is_untouched(&self) -> bool {
        self.sent == 0
    }
}

impl Link {
    pub(super) const fn new(socket: UnixStream) -> Self {
        Self { socket: Socket::Loose(socket), inbox: Vec::new(), taken: 0 }
    }

    /// Whether it can be awaited on this runtime without registering anew.
    pub(super) fn is_settled_at(&self, runtime: Id) -> bool {
        matches!(&self.socket, Socket::Settled(at, _) if *at == runtime)
    }

    /// Whether bytes have come that nobody took: between calls, that is a breach of the protocol.
    pub(super) const fn has_leftovers(&self) -> bool {
        self.taken < self.inbox.len()
    }

    /// Sends what is left of a frame.
    pub(super) async fn send(&mut self, out: &mut Outgoing) -> Result<(), LinkError> {
        while out.sent < out.frame.len() {
            // The first try needs no runtime at all; it nearly always sends everything.
            match self.raw()?.write(&out.frame[out.sent..]) {
                Ok(sent) => out.sent += sent,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    let mut guard = self.settle()?.writable().await.map_err(LinkError::Io)?;
                    if let Ok(sent) = guard.try_io(|fd| fd.get_ref().write(&out.frame[out.sent..])) {
                        out.sent += sent.map_err(LinkError::Io)?;
                    }
                }
                Err(err) if err.kind() == ErrorKind::BrokenPipe => return Err(LinkError::Closed),
                Err(err) => return Err(LinkError::Io(err)),
            }
        }
        Ok(())
    }

    /// Waits for the next frame; refuses one longer than `limit` bytes.
    pub(super) async fn receive(&mut self, limit: usize) -> Result<(FromWorker, Bytes), LinkError> {
        loop {
            let missing = match self.next_frame(limit)? {
                Next::Frame(message, body) => return Ok((message, body)),
                Next::Missing(missing) => missing,
            };
            self.fill(missing).await?;
        }
    }

    fn next_frame(&mut self, limit: usize) -> Result<Next, LinkError> {
        let unread = &self.inbox[self.taken..];
        let Some((word, rest)) = unread.split_first_chunk::<4>() else {
            return Ok(Next::Missing(READ_AT_LEAST));
        };
        let length = protocol::frame_length(*word)?;
        if length > limit {
            return Err(FrameError::Length(length).into());
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(Next::Missing(length - rest.len()));
        };
        let (message, body_at) = protocol::decode::<FromWorker>(frame)?;
        let (from, to) = (self.taken + 4 + body_at, self.taken + 4 + length);
        let body = if to - from <= KEEP {
            Bytes::copy_from_slice(&self.inbox[from..to])
        } else {
            let rest = self.inbox.split_off(to);
            let whole = std::mem::replace(&mut self.inbox, rest);
            self.taken = 0;
            return Ok(Next::Frame(message, Bytes::from(whole).slice(from..to)));
        };
        self.taken = to;
        if self.taken == self.inbox.len() {
            self.inbox.clear();
            self.inbox.shrink_to(KEEP);
            self.taken = 0;
        }
        Ok(Next::Frame(message, body))
    }

    async fn fill(&mut self, missing: usize) -> Result<(), LinkError> {
        if self.taken > 0 {
            self.inbox.drain(..self.taken);
            self.taken = 0;
        }
        self.settle()?;
        let Socket::Settled(_, socket) = &self.socket else { return Err(LinkError::Closed) };
        loop {
            self.inbox.reserve(missing.clamp(READ_AT_LEAST, READ_AHEAD));
            let room = self.inbox.capacity() - self.inbox.len();
            let mut guard = socket.readable().await.map_err(LinkError::Io)?;
            match guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), spare_capacity(&mut self.inbox))?)) {
                Ok(Ok(0)) => return Err(LinkError::Closed),
                Ok(Ok(read)) => {
                    // A short read has drained the socket, so the next wait need not try in vain first.
                    if read < room {
                        guard.clear_ready();
                    }
                    return Ok(());
                }
                Ok(Err(err)) if err.kind() == ErrorKind::Interrupted => {}
                Ok(Err(err)) if err.kind() == ErrorKind::ConnectionReset => return Err(LinkError::Closed),
                Ok(Err(err)) => return Err(LinkError::Io(err)),
                Err(_would_block) => {}
            }
        }
    }

    /// Registers the socket with the runtime this is called on, if it is not yet.
    fn settle(&mut self) -> Result<&AsyncFd<UnixStream>, LinkError> {
        let runtime = Handle::current().id();
        if !self.is_settled_at(runtime) {
            let raw = match std::mem::replace(&mut self.socket, Socket::Gone) {
                Socket::Loose(raw) => raw,
                Socket::Settled(_, settled) => settled.into_inner(),
                Socket::Gone => return Err(LinkError::Closed),
            };
            self.socket = Socket::Settled(runtime, AsyncFd::new(raw).map_err(LinkError::Io)?);
        }
        match &self.socket {
            Socket::Settled(_, settled) => Ok(settled),
            Socket::Loose(_) | Socket::Gone => Err(LinkError::Closed),
        }
    }

    fn raw(&self) -> Result<&UnixStream, LinkError> {
        match &self.socket {
            Socket::Loose(raw) => Ok(raw),
            Socket::Settled(_, settled) => Ok(settled.get_ref()),
            Socket::Gone => Err(LinkError::Closed),
        }
    }
}

enum Next {
    Frame(FromWorker, Bytes),
    /// So many bytes are missing at the least.
    Missing(usize),
}
