//! Reads answers out of bytes as they come.

use bytes::{Bytes, BytesMut};

use super::chunks::{Chunks, take};
use super::head::{self, Framing, Read};
use super::{Error, MAX_HEAD, MAX_ROOM, ROOM};
use crate::front::proxy::answer::Heard;

/// What of a body comes next.
#[derive(Debug)]
pub(in crate::front) enum Next {
    Piece(Bytes),
    /// Nothing before more was received.
    More,
    End,
}

/// Reads the answers of one connection.
#[derive(Debug)]
pub(in crate::front) struct Reader {
    /// What was received and is not read. Heads and pieces of bodies are split off, not copied; once those are dropped, their room is
    /// used again.
    buffer: BytesMut,
    /// How much room the next read has.
    room: usize,
    state: State,
    /// Whether another answer may follow this one.
    keeps: bool,
}

#[derive(Debug)]
enum State {
    Head(Unread),
    /// A body with a length, of which so much is to come.
    Length(u64),
    Chunks(Chunks),
    Close,
    Switched,
}

/// A head that has not come whole.
#[derive(Debug)]
struct Unread {
    /// Whether it answers HEAD.
    to_head: bool,
    /// Up to where line ends were looked for.
    looked: usize,
    /// Where the line begins that has not come whole.
    line: usize,
    /// Bytes of heads of 1xx before it.
    before: usize,
}

impl Reader {
    /// A reader between two answers.
    pub(in crate::front) fn new() -> Self {
        Self { buffer: BytesMut::new(), room: ROOM, state: State::Length(0), keeps: true }
    }

    /// Expects an answer, to HEAD or to something else.
    pub(in crate::front) fn begin(&mut self, to_head: bool) {
        self.state = State::Head(Unread { to_head, looked: 0, line: 0, before: 0 });
    }

    /// Where bytes that are received are put; there is room for some.
    pub(in crate::front) fn buffer(&mut self) -> &mut BytesMut {
        // Asking for what is there would leave the room of earlier answers unused.
        if self.buffer.capacity() - self.buffer.len() < self.room / 2 {
            self.buffer.reserve(self.room.saturating_sub(self.buffer.len()).max(self.room / 2));
        }
        &mut self.buffer
    }

    /// Makes more room for the next read when so many bytes are all that there was room for.
    pub(super) fn received(&mut self, count: usize) {
        if count >= self.room / 2 && self.buffer.capacity() == self.buffer.len() {
            self.room = (self.room * 2).min(MAX_ROOM);
        }
    }

    /// The head of the answer; `None` when it has not come whole. Heads of 1xx are passed over.
    pub(in crate::front) fn head(&mut self) -> Result<Option<Heard>, Error> {
        while let State::Head(unread) = &mut self.state {
            let Some(end) = unread.end(&self.buffer)? else { return Ok(None) };
            let head = self.buffer.split_to(end).freeze();
            match head::read(&head, unread.to_head)? {
                Read::Interim => {
                    let before = unread.before + end;
                    *unread = Unread { looked: 0, line: 0, before, ..*unread };
                }
                Read::Final { heard, framing, keeps } => {
                    self.keeps = keeps;
                    self.state = match framing {
                        Framing::Length(length) => State::Length(length),
                        Framing::Chunks => State::Chunks(Chunks::Size),
                        Framing::Close => State::Close,
                        Framing::Switched => State::Switched,
                    };
                    return Ok(Some(heard));
                }
            }
        }
        Ok(None)
    }

    /// What of the body comes next.
    pub(in crate::front) fn next(&mut self) -> Result<Next, Error> {
        let piece = match &mut self.state {
            State::Head(_) => None,
            State::Switched | State::Length(0) => return Ok(Next::End),
            State::Chunks(chunks) => return chunks.next(&mut self.buffer),
            State::Length(left) => take(&mut self.buffer, left),
            State::Close => take(&mut self.buffer, &mut { u64::MAX }),
        };
        Ok(piece.map_or(Next::More, Next::Piece))
    }

    /// All of the body, if all of it is there and its length was announced.
    pub(super) fn whole(&mut self) -> Option<Bytes> {
        let State::Length(left) = &mut self.state else { return None };
        let length = usize::try_from(*left).ok().filter(|length| *length <= self.buffer.len())?;
        *left = 0;
        Some(self.buffer.split_to(length).freeze())
    }

    /// How many bytes of a body with a length are to come.
    pub(super) const fn length(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            _ => None,
        }
    }

    /// Takes note that nothing more is received.
    pub(in crate::front) fn close(&mut self) -> Result<(), Error> {
        self.keeps = false;
        match self.state {
            State::Close | State::Length(0) | State::Chunks(Chunks::End) => {
                self.state = State::Length(0);
                Ok(())
            }
            _ => Err(Error::Closed),
        }
    }

    /// Whether the answer was read to its end, with nothing behind it, and another may follow.
    pub(in crate::front) fn is_idle(&self) -> bool {
        self.keeps && self.buffer.is_empty() && matches!(self.state, State::Length(0) | State::Chunks(Chunks::End))
    }

    /// Gives back what room a large answer had. Between two answers alone.
    pub(super) fn rest(&mut self) {
        if self.room > ROOM || self.buffer.capacity() > ROOM {
            self.room = ROOM;
            self.buffer = BytesMut::new();
        }
    }

    /// What was received and not read: the beginning of another protocol.
    pub(super) fn into_rest(self) -> Bytes {
        self.buffer.freeze()
    }
}

impl Unread {
    /// Where the head ends in these bytes, behind its empty line; `None` when it has not come whole. What is looked at is not looked at
    /// again, so a head that comes byte by byte costs no more.
    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        const BEGINNING: &[u8] = b"HTTP/1.";
        if !bytes.starts_with(&BEGINNING[..BEGINNING.len().min(bytes.len())]) {
            return Err(Error::Malformed("it is no HTTP/1.1"));
        }
        let limit = MAX_HEAD - self.before.min(MAX_HEAD);
        let shown = &bytes[..bytes.len().min(limit)];
        while let Some(at) = shown[self.looked..].iter().position(|byte| *byte == b'\n') {
            let end = self.looked + at;
            if end == 0 || shown[end - 1] != b'\r' {
                return Err(Error::Malformed("a line of its head does not end with CRLF"));
            }
            if end - 1 == self.line {
                return Ok(Some(end + 1));
            }
            (self.looked, self.line) = (end + 1, end + 1);
        }
        self.looked = shown.len();
        if shown.len() == limit { Err(Error::Malformed("its head is longer than 64 KiB")) } else { Ok(None) }
    }
}
