//! The client's side of HTTP/1.1, as the proxy needs it: one exchange after the other over a connection, nothing copied that can be lent.
//!
//! ```text
//! Connection::send -> writer (the head and the body of the request) -> reader -> head (the answer's head) -> chunks (its body)
//! ```
//!
//! # Invariants
//!
//! - Where an answer ends is known before anything of it is passed on; what says it in two ways, or not as RFC 9112 has it, is refused.
//! - The reader knows nothing of sockets: the same bytes give the same answer, however they are cut.
//! - A connection is used again only when all of the request was sent, all of the answer was read, both sides want it, and no byte
//!   is left over.
//! - Names, values and lengths are written from what was checked, so no request holds a second one.

mod chunks;
mod connection;
mod error;
mod head;
mod reader;
mod writer;

pub(super) use connection::Http1;
pub(super) use error::Error;
pub(in crate::front) use reader::{Next, Reader};

/// The longest head of an answer, in bytes, with the heads of 1xx before it; nginx takes 4 KiB or 8 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// The most headers of an answer.
const MAX_HEADERS: usize = 100;

/// The longest line that says how long a chunk is, and the longest of a trailer, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// Bytes of a read or a write that are made room for at first; an idle connection keeps no more.
const ROOM: usize = 8 * 1024;

/// Bytes that are read at once where an answer is large.
const MAX_ROOM: usize = 64 * 1024;
