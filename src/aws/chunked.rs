//! Bodies in chunks (`aws-chunked`), as clients send them that know neither hash nor checksum before they begin.
//!
//! ```text
//! 10000;chunk-signature=…\r\n  bytes \r\n  …  0;chunk-signature=…\r\n  [x-amz-checksum-crc32:…\r\n  x-amz-trailer-signature:…\r\n]  \r\n
//! ```
//!
//! Bytes are passed on as they come, before the signature of their chunk is known to hold: whoever takes them keeps nothing of them
//! unless [`Chunked::finish`] says that all of it held.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac;
use bytes::{Buf, Bytes};

use super::credential::Framing;
use super::hex;
use super::verify::sha256;

/// Bytes of a line: a chunk's head, or a trailer.
const MAX_LINE: usize = 1024;

/// Trailers of a body.
const MAX_TRAILERS: usize = 8;

/// The trailer that signs the others.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// What is wrong with a body in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkFault {
    #[error("the body is not well-formed aws-chunked: {0}")]
    Malformed(&'static str),
    /// The bytes are more or fewer than was declared.
    #[error("the body has another length than x-amz-decoded-content-length says")]
    Length,
    #[error("the signature of a chunk, or of the trailers, does not match")]
    Signature,
}

/// Signatures one after the other: each is over the one before, so that no chunk can be left out, repeated or put elsewhere.
#[derive(Clone)]
pub struct Chain {
    key: hmac::Key,
    /// Date and scope, as they stand in what is signed.
    moment: String,
    previous: String,
}

impl Chain {
    pub(super) fn new(key: hmac::Key, date: &str, scope: &str, seed: String) -> Self {
        Self { key, moment: format!("{date}\n{scope}"), previous: seed }
    }

    /// Takes the next link of a chunk.
    fn chunk(&mut self, hash: &str, signature: &str) -> Result<(), ChunkFault> {
        let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{hash}", self.moment, self.previous, sha256(b""));
        self.link(&text, signature)
    }

    /// Takes the last link, of the trailers.
    fn trailers(&mut self, hash: &str, signature: &str) -> Result<(), ChunkFault> {
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{hash}", self.moment, self.previous);
        self.link(&text, signature)
    }

    fn link(&mut self, text: &str, signature: &str) -> Result<(), ChunkFault> {
        let bytes = hex::decode_32(signature).ok_or(ChunkFault::Signature)?;
        hmac::verify(&self.key, text.as_bytes(), &bytes).map_err(|_| ChunkFault::Signature)?;
        signature.clone_into(&mut self.previous);
        Ok(())
    }

    /// The signature of the next chunk, for who sends one.
    #[must_use]
    pub fn sign_chunk(&mut self, bytes: &[u8]) -> String {
        let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}", self.moment, self.previous, sha256(b""), sha256(bytes));
        self.previous = hex::encode(hmac::sign(&self.key, text.as_bytes()).as_ref());
        self.previous.clone()
    }

    /// The signature of the trailers, for who sends some: each as `name:value\n`.
    #[must_use]
    pub fn sign_trailers(&mut self, lines: &str) -> String {
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}", self.moment, self.previous, sha256(lines.as_bytes()));
        self.previous = hex::encode(hmac::sign(&self.key, text.as_bytes()).as_ref());
        self.previous.clone()
    }
}

enum State {
    Head,
    /// In a chunk that has so many bytes left.
    Data(u64),
    /// Behind a chunk's bytes.
    DataEnd,
    Trailers,
    Done,
}

/// Takes a body in chunks apart, however its bytes are cut.
pub struct Chunked {
    framing: Framing,
    chain: Option<Chain>,
    state: State,
    /// What of a line has come.
    line: Vec<u8>,
    /// Bytes that are still to come in all.
    left: u64,
    hash: digest::Context,
    /// The signature of the chunk that is read.
    signature: String,
    trailers: Vec<(String, String)>,
    /// Whether the trailers' signature held.
    is_proven: bool,
    /// Whether the last line ended without a carriage return: the empty rest of some clients' line ends may follow.
    was_bare: bool,
}

impl Chunked {
    /// A body of so many bytes, chunks' heads apart.
    #[must_use]
    pub fn new(framing: Framing, chain: Chain, length: u64) -> Self {
        let chain = (framing != Framing::UnsignedTrailer).then_some(chain);
        Self {
            framing,
            chain,
            state: State::Head,
            line: Vec::new(),
            left: length,
            hash: digest::Context::new(&SHA256),
            signature: String::new(),
            trailers: Vec::new(),
            is_proven: false,
            was_bare: false,
        }
    }

    /// Takes from what came; gives the next bytes of the body, or `None` when all that came is used up.
    ///
    /// # Errors
    /// What is wrong with the body. Nothing may be asked for after it.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkFault> {
        while !input.is_empty() {
            match self.state {
                State::Data(left) => return Ok(Some(self.data(left, input))),
                State::Done => return Err(ChunkFault::Malformed("something follows its end")),
                State::Head | State::DataEnd | State::Trailers => {}
            }
            if let Some(line) = self.line(input)? {
                self.take(&line)?;
            }
        }
        Ok(None)
    }

    /// The trailers, names in lower case, when the body was whole and everything in it held.
    ///
    /// # Errors
    /// What was missing.
    pub fn finish(self) -> Result<Vec<(String, String)>, ChunkFault> {
        // Some clients leave the last line end out.
        let has_ended = matches!(self.state, State::Done) || (matches!(self.state, State::Trailers) && self.line.is_empty());
        if !has_ended {
            return Err(ChunkFault::Malformed("it broke off"));
        }
        if self.framing == Framing::SignedTrailer && !self.is_proven {
            return Err(ChunkFault::Signature);
        }
        Ok(self.trailers)
    }

    /// Takes a line, wherever one stands.
    fn take(&mut self, line: &str) -> Result<(), ChunkFault> {
        match self.state {
            State::Head => self.head(line),
            State::DataEnd if line.is_empty() => {
                self.end_of_chunk()?;
                self.state = State::Head;
                Ok(())
            }
            State::DataEnd => Err(ChunkFault::Malformed("a chunk is longer than its head says")),
            State::Trailers => self.trailer(line),
            State::Data(_) | State::Done => Ok(()),
        }
    }

    /// A line without its end, once it is whole.
    fn line(&mut self, input: &mut Bytes) -> Result<Option<String>, ChunkFault> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let taken = input.split_to(end.map_or(input.len(), |end| end + 1));
        if self.line.len() + taken.len() > MAX_LINE {
            return Err(ChunkFault::Malformed("a line has more than 1024 bytes"));
        }
        self.line.extend_from_slice(&taken);
        if end.is_none() {
            return Ok(None);
        }
        self.line.pop();
        let was_bare = self.was_bare;
        self.was_bare = self.line.last() != Some(&b'\r');
        if !self.was_bare {
            self.line.pop();
        }
        let line = String::from_utf8(std::mem::take(&mut self.line));
        let line = line.map_err(|_| ChunkFault::Malformed("a line is not text"))?;
        // `\n\r\n`, as AWS's own description ends a trailer.
        if was_bare && !self.was_bare && line.is_empty() && matches!(self.state, State::Trailers) {
            return Ok(None);
        }
        Ok(Some(line))
    }

    /// `size` or `size;chunk-signature=…`.
    fn head(&mut self, line: &str) -> Result<(), ChunkFault> {
        let (size, extension) = line.split_once(';').map_or((line, None), |(size, rest)| (size, Some(rest)));
        let is_number = !size.is_empty() && size.len() <= 16 && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_number {
            return Err(ChunkFault::Malformed("a chunk's head must begin with its size in hexadecimal"));
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| ChunkFault::Malformed("a chunk's size is no number"))?;
        if self.chain.is_some() {
            let signature = extension.and_then(|rest| rest.strip_prefix("chunk-signature=")).ok_or(ChunkFault::Signature)?;
            signature.clone_into(&mut self.signature);
        }
        if size > self.left {
            return Err(ChunkFault::Length);
        }
        self.left -= size;
        self.hash = digest::Context::new(&SHA256);
        if size > 0 {
            self.state = State::Data(size);
            return Ok(());
        }
        if self.left > 0 {
            return Err(ChunkFault::Length);
        }
        self.end_of_chunk()?;
        self.state = State::Trailers;
        Ok(())
    }

    fn data(&mut self, left: u64, input: &mut Bytes) -> Bytes {
        let size = usize::try_from(left).map_or(input.len(), |left| left.min(input.remaining()));
        let bytes = input.split_to(size);
        if self.chain.is_some() {
            self.hash.update(&bytes);
        }
        let left = left - bytes.len() as u64;
        self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
        bytes
    }

    fn end_of_chunk(&mut self) -> Result<(), ChunkFault> {
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let hash = std::mem::replace(&mut self.hash, digest::Context::new(&SHA256)).finish();
        chain.chunk(&hex::encode(hash.as_ref()), &self.signature)
    }

    fn trailer(&mut self, line: &str) -> Result<(), ChunkFault> {
        if line.is_empty() {
            self.state = State::Done;
            return Ok(());
        }
        if self.framing == Framing::Signed {
            return Err(ChunkFault::Malformed("trailers follow that were not announced"));
        }
        let (name, value) = line.split_once(':').ok_or(ChunkFault::Malformed("a trailer must be name:value"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if self.is_proven || self.trailers.len() == MAX_TRAILERS {
            return Err(ChunkFault::Malformed("there are too many trailers"));
        }
        if name != TRAILER_SIGNATURE {
            self.trailers.push((name, value.to_owned()));
            return Ok(());
        }
        let Some(chain) = &mut self.chain else {
            return Err(ChunkFault::Malformed("the trailers of an unsigned body have a signature"));
        };
        let lines: String = self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        chain.trailers(&sha256(lines.as_bytes()), value)?;
        self.is_proven = true;
        Ok(())
    }
}
