//! Bodies in chunks (RFC 9112, 7.1). Extensions and trailers are passed over.

use bytes::{Buf as _, Bytes, BytesMut};

use super::reader::Next;
use super::{Error, MAX_HEAD, MAX_LINE};

/// How far a body was read.
#[derive(Debug)]
pub(super) enum Chunks {
    /// The line that says how long the next chunk is comes next.
    Size,
    /// So many bytes of a chunk are to come.
    Data(u64),
    /// The end of a chunk's line comes next.
    DataEnd,
    /// Trailers come next; there were so many bytes of them.
    Trailers(usize),
    End,
}

impl Chunks {
    /// Takes what is there of the body out of the buffer.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Next, Error> {
        loop {
            match self {
                Self::Size => {
                    let Some(line) = line(buffer)? else { return Ok(Next::More) };
                    *self = match size(&line)? {
                        0 => Self::Trailers(0),
                        size => Self::Data(size),
                    };
                }
                Self::Data(left) => {
                    let Some(piece) = take(buffer, left) else { return Ok(Next::More) };
                    if *left == 0 {
                        *self = Self::DataEnd;
                    }
                    return Ok(Next::Piece(piece));
                }
                Self::DataEnd => {
                    match **buffer {
                        [b'\r', b'\n', ..] => buffer.advance(2),
                        [] | [b'\r'] => return Ok(Next::More),
                        _ => return Err(Error::Malformed("a chunk is longer than it says")),
                    }
                    *self = Self::Size;
                }
                Self::Trailers(read) => {
                    let Some(line) = line(buffer)? else { return Ok(Next::More) };
                    *read += line.len();
                    if line.is_empty() {
                        *self = Self::End;
                    } else if *read > MAX_HEAD {
                        return Err(Error::Malformed("its trailers are longer than 64 KiB"));
                    }
                }
                Self::End => return Ok(Next::End),
            }
        }
    }
}

/// At most `left` bytes of what is there, which are then less; `None` when nothing is.
pub(super) fn take(buffer: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    let count = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
    if count == 0 {
        return None;
    }
    *left -= count as u64;
    Some(buffer.split_to(count).freeze())
}

/// The next line, without its end; `None` when it has not come whole.
fn line(buffer: &mut BytesMut) -> Result<Option<BytesMut>, Error> {
    let Some(end) = buffer.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        let is_too_long = buffer.len() >= MAX_LINE;
        return if is_too_long { Err(Error::Malformed("a line between its chunks is longer than 8 KiB")) } else { Ok(None) };
    };
    let mut line = buffer.split_to(end + 1);
    line.truncate(end);
    // What others take for the end of a line, a bare LF or CR, is none here and nowhere.
    match line.split_last() {
        Some((b'\r', text)) if !text.contains(&b'\r') => {}
        _ => return Err(Error::Malformed("a line between its chunks does not end with CRLF")),
    }
    line.truncate(end - 1);
    Ok(Some(line))
}

/// The size that a chunk's line says. Blanks may stand behind it, and extensions behind a semicolon.
fn size(line: &[u8]) -> Result<u64, Error> {
    let malformed = Error::Malformed("a chunk's size is none");
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    // 16 digits are all that 64 bits hold.
    let (1..=16, Some((digits, rest))) = (digits, line.split_at_checked(digits)) else { return Err(malformed) };
    if !matches!(rest.iter().find(|byte| !matches!(byte, b' ' | b'\t')), None | Some(b';')) {
        return Err(malformed);
    }
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(digits, 16).map_err(|_| malformed)
}
