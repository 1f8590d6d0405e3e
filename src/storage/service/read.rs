//! Reading objects.

use std::ops::Range;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::StorageService;
use crate::blob::{self, Blobs, Bytestream};
use crate::storage::model::{Caller, Object, ObjectPath, Opened, Version};
use crate::storage::queries::{Own, buckets, own, uploads};
use crate::storage::{Error, Result};

impl StorageService {
    /// An object that a caller may see. Those of a public bucket are everybody's.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; [`Error::NoSuchKey`] when it is not there, or not for the caller.
    pub async fn find(&self, caller: &Caller, path: &ObjectPath) -> Result<Object> {
        let mut conn = self.0.db.read().await?;
        let bucket = buckets::find(&mut conn, path.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let ask = if bucket.public { self.ask(&Caller::server(None))? } else { self.ask(caller)? };
        let values = vec![path.bucket.as_str().into(), path.name.as_str().into()];
        own::rows(&mut conn, ask.compiled(Own::Find, values)?).await?.pop().ok_or(Error::NoSuchKey)
    }

    /// An object of a public bucket.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], also when the bucket is not public; [`Error::NoSuchKey`].
    pub async fn find_public(&self, path: &ObjectPath) -> Result<Object> {
        let mut conn = self.0.db.read().await?;
        let bucket = buckets::find(&mut conn, path.bucket.as_str()).await?;
        bucket.filter(|bucket| bucket.public).ok_or(Error::NoSuchBucket)?;
        let ask = self.ask(&Caller::server(None))?;
        let values = vec![path.bucket.as_str().into(), path.name.as_str().into()];
        own::rows(&mut conn, ask.compiled(Own::Find, values)?).await?.pop().ok_or(Error::NoSuchKey)
    }

    /// The bytes of an object that was found, or a part of them that lies inside.
    ///
    /// # Errors
    /// [`Error::Blob`] when the bytes cannot be had.
    pub async fn open(&self, object: Object, range: Option<Range<u64>>) -> Result<Opened> {
        let range = range.unwrap_or(0..object.size());
        let missing = || blob::Error::Missing(object.version.clone());
        let version = object.version().ok_or_else(missing)?;
        let bytes = match version {
            Version { id, pieces: 1.. } => {
                let mut conn = self.0.db.read().await?;
                let pieces = uploads::pieces(&mut conn, id).await?;
                of_pieces(self.0.blobs.clone(), pieces.into_iter().map(|piece| (piece.blob, piece.size)), &range)
            }
            version => self.0.blobs.read(&version.blob(), range.clone()).await?,
        };
        Ok(Opened { object, range, bytes })
    }
}

/// The bytes of a range over pieces that stand one after the other; each is opened when its turn comes.
fn of_pieces(blobs: Blobs, pieces: impl Iterator<Item = (String, u64)>, range: &Range<u64>) -> Bytestream {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (blob, size) in pieces {
        let (from, to) = (range.start.max(begin), range.end.min(begin + size));
        if from < to {
            parts.push((blob, from - begin..to - begin));
        }
        begin += size;
    }
    let opened = stream::iter(parts).then(move |(blob, range)| {
        let blobs = blobs.clone();
        async move { blobs.read(&blob, range).await }
    });
    opened.try_flatten().boxed()
}
