//! Writes requests: the head and what is small of a body as one, what is large of it from where it lies.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite;

use super::{Error, ROOM};
use crate::front::proxy::source::{ClientFault, Length, Outgoing, Source};
use crate::front::transport::Io;

/// The largest piece of a body that is copied behind what is sent before it, in bytes.
const COPIED: usize = 4 * 1024;

/// So many bytes are sent before more of the body is asked for.
const ENOUGH: usize = 16 * 1024;

/// Writes the requests of one connection.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    /// How much of `out` was written.
    at: usize,
    /// A large piece, which is written after `out`.
    piece: Bytes,
    /// `None` when all of it is in `out` or `piece`.
    body: Option<Outgoing>,
    framing: Framing,
    /// Whether the connection may hold bytes back that it was given.
    is_unflushed: bool,
    /// Whether anything of this request was written.
    has_begun: bool,
}

/// How the other side sees where the body ends.
#[derive(Clone, Copy, Debug)]
enum Framing {
    /// So many bytes of it are to come.
    Length(u64),
    Chunks,
}

impl Writer {
    /// A writer between two requests.
    pub(super) const fn new() -> Self {
        Self {
            out: Vec::new(),
            at: 0,
            piece: Bytes::new(),
            body: None,
            framing: Framing::Length(0),
            is_unflushed: false,
            has_begun: false,
        }
    }

    /// Begins a request with this body. Its head is to be written to what is given back.
    pub(super) fn begin(&mut self, source: &Source) -> &mut Vec<u8> {
        let body = source.body();
        (self.body, self.framing) = match source.length() {
            Length::None => (None, Framing::Length(0)),
            Length::Known(length) => (Some(body), Framing::Length(length)),
            Length::Unknown => (Some(body), Framing::Chunks),
        };
        self.has_begun = false;
        self.out.clear();
        self.at = 0;
        &mut self.out
    }

    /// Whether all of the request was written.
    pub(super) fn is_done(&self) -> bool {
        self.body.is_none() && self.is_written() && !self.is_unflushed
    }

    /// Whether the connection was given anything of this request.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Writes as much as there is and as is taken; ready when that is all of the request.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, io: &mut Io) -> Poll<Result<(), Error>> {
        loop {
            self.fill(cx)?;
            if self.is_written() {
                break;
            }
            let slices = [IoSlice::new(&self.out[self.at..]), IoSlice::new(&self.piece)];
            let slices = if self.piece.is_empty() { &slices[..1] } else { &slices };
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(cx, slices))?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            (self.has_begun, self.is_unflushed) = (true, true);
            self.advance(written);
        }
        if self.is_unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        if self.body.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Gives back what room a large request had. Between two requests alone.
    pub(super) fn rest(&mut self) {
        self.out.clear();
        self.out.shrink_to(ROOM);
        self.at = 0;
    }

    fn is_written(&self) -> bool {
        self.at == self.out.len() && self.piece.is_empty()
    }

    /// Asks for more of the body while what is there of it is little.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while self.piece.is_empty() && self.out.len() - self.at < ENOUGH {
            let Some(body) = &mut self.body else { break };
            match body.poll_bytes(cx)? {
                Poll::Pending => break,
                Poll::Ready(Some(bytes)) => self.add(bytes)?,
                Poll::Ready(None) => self.end()?,
            }
        }
        Ok(())
    }

    fn add(&mut self, bytes: Bytes) -> Result<(), Error> {
        if bytes.is_empty() {
            // A chunk without bytes would be the last.
            return Ok(());
        }
        match &mut self.framing {
            Framing::Length(left) => {
                // What goes beyond would be taken for another request.
                let rest = left.checked_sub(bytes.len() as u64).ok_or_else(|| broken("it is longer than it says"))?;
                *left = rest;
                if rest == 0 {
                    self.body = None;
                }
            }
            // Writing to memory does not fail.
            Framing::Chunks => drop(write!(self.out, "{:x}\r\n", bytes.len())),
        }
        if bytes.len() <= COPIED {
            self.out.extend_from_slice(&bytes);
            self.end_piece();
        } else {
            self.piece = bytes;
        }
        Ok(())
    }

    /// Writes what stands behind a piece.
    fn end_piece(&mut self) {
        if matches!(self.framing, Framing::Chunks) {
            self.out.extend_from_slice(b"\r\n");
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.framing {
            Framing::Length(0) => {}
            Framing::Length(_) => return Err(broken("it is shorter than it says").into()),
            Framing::Chunks => self.out.extend_from_slice(b"0\r\n\r\n"),
        }
        self.body = None;
        Ok(())
    }

    /// Takes note of what was written.
    fn advance(&mut self, written: usize) {
        let of_out = written.min(self.out.len() - self.at);
        self.at += of_out;
        if self.at < self.out.len() {
            return;
        }
        self.out.clear();
        self.at = 0;
        if !self.piece.is_empty() {
            self.piece.advance(written - of_out);
            if self.piece.is_empty() {
                self.piece = Bytes::new();
                self.end_piece();
            }
        }
    }
}

fn broken(why: &str) -> ClientFault {
    ClientFault::Broken(why.to_owned())
}
