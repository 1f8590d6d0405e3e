//! Bytes by key: function packages, later files too. The data folder's `blobs/` holds them.
//!
//! # Invariants
//!
//! - What [`Blobs::put`] answered for is on the disk, file and folders; a reader sees the whole of it or nothing.
//! - A key cannot leave the folder.

mod key;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};

pub use key::{InvalidKey, MAX_KEY};

/// Why a blob could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    InvalidKey(#[from] InvalidKey),
    /// The folder could not be made.
    #[error("cannot open the blob folder {folder}: {reason}")]
    Open { folder: String, reason: String },
    /// There is no space left, or the file would be larger than this process may write.
    #[error("the blob store is full: {0}")]
    Full(String),
    /// The disk refused.
    #[error("the blob store: {0}")]
    Store(String),
}

/// Where blobs are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
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
        Ok(Self { store: Arc::new(store.with_fsync(true)) })
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

impl From<object_store::Error> for Error {
    fn from(err: object_store::Error) -> Self {
        if is_full(&err) { Self::Full(err.to_string()) } else { Self::Store(err.to_string()) }
    }
}

/// Whether what is behind an error is a lack of space.
fn is_full(err: &(dyn std::error::Error + 'static)) -> bool {
    let kind = err.downcast_ref::<io::Error>().map(io::Error::kind);
    let here = matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge));
    here || err.source().is_some_and(is_full)
}
