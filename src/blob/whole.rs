//! Blobs as wholes: kept, had, copied, removed, listed.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;

use super::{Blobs, Entry, Error, key, unfinished};
use crate::types::Timestamp;

impl Blobs {
    /// Keeps bytes under a key, instead of any that were there. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::Full`] or [`Error::Store`] when the disk refuses.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        self.store.put(&key::parse(key)?, bytes.into()).await?;
        Ok(())
    }

    /// The bytes under a key.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        match self.store.get(&key::parse(key)?).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Puts the bytes of one key under another as well.
    ///
    /// # Errors
    /// [`Error::Missing`] when there are none; as [`Blobs::put`].
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), Error> {
        match self.store.copy(&key::parse(from)?, &key::parse(to)?).await {
            Err(object_store::Error::NotFound { .. }) => Err(Error::Missing(from.to_owned())),
            done => Ok(done?),
        }
    }

    /// Removes what is under a key; `false` when there was nothing. After a crash it may be there again.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        match self.store.delete(&key::parse(key)?).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(err) => Err(err.into()),
        }
    }

    /// Removes what crashes left of blobs that were being stored in a folder, and that nobody has written to for so long. A store
    /// elsewhere sees to that itself.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn remove_unfinished(&self, prefix: &str, untouched: Duration) -> Result<usize, Error> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let folder = folder.join(key::parse(prefix)?.as_ref());
        let removed = tokio::task::spawn_blocking(move || unfinished::remove(&folder, untouched)).await;
        removed.map_err(io::Error::other).flatten().or_else(|err| match err.kind() {
            ErrorKind::NotFound => Ok(0),
            _ => Err(Error::Store(err.to_string())),
        })
    }

    /// Every key in a folder and its sub-folders, in order; `""` is all of them.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut keys: Vec<String> = self.entries(prefix)?.map_ok(|entry| entry.key).try_collect().await?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Every blob in a folder and its sub-folders, in no order.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; each entry as [`Blobs::put`].
    pub fn entries(&self, prefix: &str) -> Result<BoxStream<'static, Result<Entry, Error>>, Error> {
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { None } else { Some(key::parse(prefix)?) };
        let found = self.store.list(prefix.as_ref()).map(|meta| {
            let meta = meta?;
            let modified = Timestamp::from_chrono(meta.last_modified);
            Ok(Entry { key: meta.location.to_string(), size: meta.size, modified })
        });
        Ok(found.boxed())
    }
}
