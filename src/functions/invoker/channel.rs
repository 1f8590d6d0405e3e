//! Frames over one worker's socket.
//!
//! Whoever holds the [`Link`] drives it, on whatever runtime that is: the socket registers itself with the runtime it is awaited
//! on and stays registered there, so that a warm call costs one `send` and one `recv` and no hop between threads. Both halves
//! are cancel-safe and may be resumed on another runtime, since what was sent and what was received is kept in the values.
//!
//! The other end is hostile: lengths are checked before anything is allocated for them, and memory grows as bytes arrive, never
//! as they are announced.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::runtime::{Handle, Id};

use crate::isolate::protocol::{self, FrameError, FromWorker, ToWorker};

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
    Loose(net::UnixStream),
    /// Registered with a runtime.
    Settled(Id, UnixStream),
    /// Between the two, or after a failure in between.
    Gone,
}

/// A frame on its way out, or several.
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
    /// The worker's end was closed before it had read all that was sent: it has ended, and what was sent has had no effect.
    #[error("the worker closed its socket without reading what was sent")]
    Unread,
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

    /// Puts a frame behind the others.
    ///
    /// # Errors
    /// When it would be too long; nothing is added then.
    pub(super) fn add(&mut self, message: &ToWorker, body: &[u8]) -> Result<(), FrameError> {
        self.frame.drain(..self.sent);
        self.sent = 0;
        let before = self.frame.len();
        protocol::encode_into(&mut self.frame, message, body).inspect_err(|_| self.frame.truncate(before))
    }

    /// Puts frames behind the others that are encoded already.
    pub(super) fn append(&mut self, mut frames: Vec<u8>) {
        if self.left() == 0 {
            (self.frame, self.sent) = (frames, 0);
        } else {
            self.frame.append(&mut frames);
        }
    }

    /// Takes out what is not sent yet.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut frames = std::mem::take(&mut self.frame);
        frames.drain(..std::mem::take(&mut self.sent));
        frames
    }

    /// Bytes that are not sent yet.
    pub(super) const fn left(&self) -> usize {
        self.frame.len() - self.sent
    }
}

impl Link {
    pub(super) const fn new(socket: net::UnixStream) -> Self {
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
            let rest = &out.frame[out.sent..];
            // The socket's buffer takes nearly every frame whole, so the kernel is asked before the runtime is.
            let sent = match &mut self.socket {
                Socket::Loose(raw) => raw.write(rest),
                Socket::Settled(_, settled) => rustix::io::write(&*settled, rest).map_err(io::Error::from),
                Socket::Gone => return Err(LinkError::Closed),
            };
            match sent {
                Ok(sent) => out.sent += sent,
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    let settled = self.settle()?;
                    settled.writable().await.map_err(LinkError::Io)?;
                    match settled.try_write(&out.frame[out.sent..]) {
                        Ok(sent) => out.sent += sent,
                        Err(err) => passing(err)?,
                    }
                }
                Err(err) => passing(err)?,
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

    /// Waits for the next frame and meanwhile sends what there is; `None` as soon as all of that is sent. Cancelled, it loses
    /// nothing.
    pub(super) async fn exchange(&mut self, out: &mut Outgoing, limit: usize) -> Result<Option<(FromWorker, Bytes)>, LinkError> {
        loop {
            let missing = match self.next_frame(limit)? {
                Next::Frame(message, body) => return Ok(Some((message, body))),
                Next::Missing(missing) => missing,
            };
            if out.left() == 0 {
                self.fill(missing).await?;
                continue;
            }
            let settled = self.settle()?;
            while out.left() > 0 {
                match settled.try_write(&out.frame[out.sent..]) {
                    Ok(sent) => out.sent += sent,
                    Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                    Err(err) => passing(err)?,
                }
            }
            if out.left() == 0 {
                out.frame.clear();
                out.frame.shrink_to(KEEP);
                out.sent = 0;
                return Ok(None);
            }
            let ready = settled.ready(Interest::READABLE | Interest::WRITABLE).await.map_err(LinkError::Io)?;
            if ready.is_readable() {
                self.fill(missing).await?;
            }
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
        self.inbox.reserve(missing.clamp(READ_AT_LEAST, READ_AHEAD));
        loop {
            self.settle()?.readable().await.map_err(LinkError::Io)?;
            let Socket::Settled(_, settled) = &self.socket else { return Err(LinkError::Closed) };
            let room = self.inbox.capacity() - self.inbox.len();
            let (inbox, mut got) = (&mut self.inbox, None);
            let tried = settled.try_io(Interest::READABLE, || {
                let read = rustix::io::read(settled, spare_capacity(inbox))?;
                got = Some(read);
                // A short read has drained the socket; said this way, the next wait does not try in vain first.
                if (1..room).contains(&read) { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (got, tried) {
                (Some(0), _) => return Err(LinkError::Closed),
                (Some(_), _) => return Ok(()),
                (None, Err(err)) => passing(err)?,
                (None, Ok(())) => {}
            }
        }
    }

    /// Registers the socket with the runtime this is called on, if it is not yet.
    fn settle(&mut self) -> Result<&UnixStream, LinkError> {
        let runtime = Handle::current().id();
        if !self.is_settled_at(runtime) {
            let raw = match std::mem::replace(&mut self.socket, Socket::Gone) {
                Socket::Loose(raw) => Ok(raw),
                Socket::Settled(_, settled) => settled.into_std(),
                Socket::Gone => return Err(LinkError::Closed),
            };
            self.socket = Socket::Settled(runtime, raw.and_then(UnixStream::from_std).map_err(LinkError::Io)?);
        }
        match &self.socket {
            Socket::Settled(_, settled) => Ok(settled),
            Socket::Loose(_) | Socket::Gone => Err(LinkError::Closed),
        }
    }
}

/// Lets errors pass after which the same may be tried again.
fn passing(err: io::Error) -> Result<(), LinkError> {
    match err.kind() {
        ErrorKind::Interrupted | ErrorKind::WouldBlock => Ok(()),
        ErrorKind::BrokenPipe => Err(LinkError::Closed),
        // The kernel says this when the other end was closed with bytes still waiting in it.
        ErrorKind::ConnectionReset => Err(LinkError::Unread),
        _ => Err(LinkError::Io(err)),
    }
}

enum Next {
    Frame(FromWorker, Bytes),
    /// So many bytes are missing at the least.
    Missing(usize),
}
