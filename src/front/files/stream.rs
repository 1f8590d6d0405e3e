//! A large file as a body, a piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::web;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, Stream};

/// Bytes read at once. A reader that is slow holds one such piece in memory, and the next.
const PIECE: u64 = 256 * 1024;

/// A large file on its way out.
struct Reading {
    file: Arc<File>,
    offset: u64,
    left: u64,
    /// The next piece, being read while the one before it is sent.
    ahead: Option<Pending>,
}

type Pending = LocalBoxFuture<'static, io::Result<Bytes>>;

/// `len` bytes of a file from `first` on. Reads go by position on the blocking pool, so one open file serves many requests.
/// A file that got shorter ends the connection rather than the answer, since its length was promised.
pub(super) fn body(file: Arc<File>, first: u64, len: u64) -> SizedStream<impl Stream<Item = io::Result<Bytes>>> {
    let reading = Reading { file, offset: first, left: len, ahead: None };
    let pieces = futures_util::stream::try_unfold(reading, |mut reading| async move {
        let Some(piece) = reading.ahead.take().or_else(|| reading.next()) else { return Ok(None) };
        let piece = piece.await?;
        reading.ahead = reading.next();
        Ok(Some((piece, reading)))
    });
    SizedStream::new(len, pieces)
}

impl Reading {
    /// Begins to read the next piece; `None` at the end.
    fn next(&mut self) -> Option<Pending> {
        let count = self.left.min(PIECE);
        if count == 0 {
            return None;
        }
        let (file, offset) = (Arc::clone(&self.file), self.offset);
        (self.offset, self.left) = (offset + count, self.left - count);
        let reading = web::block(move || read(&file, offset, count));
        Some(async move { reading.await.map_err(io::Error::other)? }.boxed_local())
    }
}

/// Reads `len` bytes at `offset`, all of them or an error.
pub(super) fn read(file: &File, offset: u64, len: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}
