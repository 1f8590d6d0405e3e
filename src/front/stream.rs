//! A large file as a body, a piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::web;
use bytes::Bytes;
use futures_util::Stream;

/// Bytes read at once. A reader that is slow holds one such piece in memory.
const PIECE: u64 = 256 * 1024;

/// `len` bytes of a file from `first` on. Reads go by position on the blocking pool, so one open file serves many requests.
/// A file that got shorter ends the connection rather than the answer, since its length was promised.
pub(super) fn body(file: Arc<File>, first: u64, len: u64) -> SizedStream<impl Stream<Item = io::Result<Bytes>>> {
    let pieces = futures_util::stream::try_unfold((file, first, len), |(file, offset, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let reader = Arc::clone(&file);
        let piece = web::block(move || read(&reader, offset, left.min(PIECE))).await.map_err(io::Error::other)??;
        let read = piece.len() as u64;
        Ok(Some((piece, (file, offset + read, left - read))))
    });
    SizedStream::new(len, pieces)
}

/// Reads `len` bytes at `offset`, all of them or an error.
pub(super) fn read(file: &File, offset: u64, len: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}
