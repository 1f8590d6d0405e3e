//! Reading a part of a blob, a piece at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore};

use super::{Blobs, Error, key};

/// Bytes read at once from a file. A reader that is slow holds one such piece in memory.
const PIECE: u64 = 256 * 1024;

/// How often an answer that breaks off is asked for again while no byte comes.
const RESUMES: u32 = 3;

/// Bytes as they come. A blob that is shorter than it was ends in an error.
pub type Bytestream = BoxStream<'static, Result<Bytes, Error>>;

impl Blobs {
    /// The bytes of a blob in a range that lies inside it.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such blob; [`Error::InvalidKey`]; [`Error::Store`].
    pub async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytestream, Error> {
        let path = key::parse(key)?;
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        match get(&*self.store, &path, &range).await? {
            GetResultPayload::File(file, _) => Ok(pieces(Arc::new(file), range)),
            GetResultPayload::Stream(stream) => {
                Ok(Elsewhere { store: Arc::clone(&self.store), path, left: range, stream, failures: 0 }.bytes())
            }
        }
    }
}

async fn get(store: &dyn ObjectStore, path: &Path, range: &Range<u64>) -> Result<GetResultPayload, Error> {
    let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
    let found = store.get_opts(path, options).await.map_err(|err| match err {
        object_store::Error::NotFound { .. } => Error::Missing(path.to_string()),
        err => err.into(),
    })?;
    if found.range == *range { Ok(found.payload) } else { Err(Error::Store(format!("the blob {path} is shorter than it was"))) }
}

/// A blob in a store elsewhere, on its way.
struct Elsewhere {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// What did not come yet.
    left: Range<u64>,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    /// How often it broke off since a byte came.
    failures: u32,
}

impl Elsewhere {
    /// The bytes. An answer that breaks off is asked for again from there: a reader may take longer than a line holds.
    fn bytes(self) -> Bytestream {
        stream::try_unfold(self, |mut from| async move {
            while !from.left.is_empty() {
                let broken = match from.stream.next().await {
                    Some(Ok(bytes)) => {
                        from.left.start += bytes.len() as u64;
                        from.failures = 0;
                        return Ok(Some((bytes, from)));
                    }
                    Some(Err(err)) => err.into(),
                    None => Error::Unavailable("an answer ended early".to_owned()),
                };
                from.failures += 1;
                if from.failures > RESUMES {
                    return Err(broken);
                }
                match get(&*from.store, &from.path, &from.left).await? {
                    GetResultPayload::Stream(stream) => from.stream = stream,
                    GetResultPayload::File(..) => return Err(broken),
                }
            }
            Ok(None)
        })
        .boxed()
    }
}

/// Reads go by position on blocking threads.
fn pieces(file: Arc<File>, range: Range<u64>) -> Bytestream {
    let pieces = stream::try_unfold((file, range), |(file, left)| async move {
        if left.is_empty() {
            return Ok(None);
        }
        let (reader, from) = (Arc::clone(&file), left.start);
        let to = left.end.min(from + PIECE);
        let piece = tokio::task::spawn_blocking(move || read(&reader, from, to - from)).await;
        let piece = piece.map_err(io::Error::other).flatten().map_err(|err| Error::Store(err.to_string()))?;
        Ok(Some((piece, (file, to..left.end))))
    });
    pieces.boxed()
}

fn read(file: &File, offset: u64, len: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}
