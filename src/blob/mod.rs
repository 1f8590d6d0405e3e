//! Bytes by key: function packages, later files too. The data folder's `blobs/` holds them.
//!
//! # Invariants
//!
//! - What [`Blobs::put`] answered for is on the disk, file and folders; a reader sees the whole of it or nothing.
//! - A key cannot leave the folder.

mod error;
mod key;
mod unfinished;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};

pub use error::Error;
pub use key::{InvalidKey, MAX_KEY};

/// Where blobs are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    folder: Arc<Path>,
}

impl Blobs {
    /// Opens the folder `blobs` of the data folder, and makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(data: &Path) -> Result<Self, Error> {
        let folder = data.join("blobs");
        let cannot = |reason: String| Error::Open { folder: folder.display().to_string(), reason };
        std::fs::create_dir_all(&folder).map_err(|err| cannot(err.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(&folder).map_err(|err| cannot(err.to_string()))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder: folder.into() })
    }

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

    /// Removes what crashes left of blobs that were being stored in a folder, and that nobody has written to for so long.
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn remove_unfinished(&self, prefix: &str, untouched: Duration) -> Result<usize, Error> {
        let folder = self.folder.join(key::parse(prefix)?.as_ref());
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
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { None } else { Some(key::parse(prefix)?) };
        let found: Vec<_> = self.store.list(prefix.as_ref()).try_collect().await?;
        let mut keys: Vec<String> = found.into_iter().map(|meta| meta.location.to_string()).collect();
        keys.sort_unstable();
        Ok(keys)
    }
}
