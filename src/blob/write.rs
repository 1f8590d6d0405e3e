//! Writing a blob as it comes.

use std::fmt::Write as _;
use std::mem;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use futures_util::future;
use md5::{Digest, Md5};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::{Blobs, Error, key};

/// Bytes gathered before they go to the disk, and to a store elsewhere (S3 takes no smaller parts than 5 MiB).
const DISK_PIECE: usize = 512 * 1024;
const STORE_PIECE: usize = 8 * 1024 * 1024;

/// Bytes that are hashed where they are; more of them are hashed on a blocking thread.
const HASHED_AT_ONCE: usize = 16 * 1024;

/// A blob on its way. One that is dropped before [`Writer::finish`] leaves nothing under its key.
pub struct Writer {
    blobs: Blobs,
    key: Path,
    piece: usize,
    gathered: BytesMut,
    size: u64,
    hashes: Option<Hashes>,
    upload: Option<Box<dyn MultipartUpload>>,
    /// The piece that is being stored, and its hashes.
    pending: Option<JoinHandle<Result<Hashes, Error>>>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub size: u64,
    /// In hexadecimal, as the hash below.
    pub md5: String,
    pub sha256: String,
}

struct Hashes {
    md5: Md5,
    sha256: digest::Context,
}

impl Blobs {
    /// Begins a blob under a key that nobody has used.
    ///
    /// # Errors
    /// [`Error::InvalidKey`].
    pub fn writer(&self, key: &str) -> Result<Writer, Error> {
        let piece = if self.folder.is_some() { DISK_PIECE } else { STORE_PIECE };
        Ok(Writer {
            blobs: self.clone(),
            key: key::parse(key)?,
            piece,
            gathered: BytesMut::new(),
            size: 0,
            hashes: Some(Hashes::new()),
            upload: None,
            pending: None,
        })
    }

    fn core(&self) -> tokio::runtime::Handle {
        self.core.clone().unwrap_or_else(tokio::runtime::Handle::current)
    }
}

impl Writer {
    /// Bytes so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes bytes. Waits when the store is slower than they come.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Store`]; then nothing is kept.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.piece - self.gathered.len()));
            self.gathered.extend_from_slice(now);
            rest = later;
            if self.gathered.len() == self.piece {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Keeps what was written. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Store`]; then nothing is kept.
    pub async fn finish(mut self) -> Result<Written, Error> {
        if self.upload.is_none() {
            let bytes = mem::take(&mut self.gathered).freeze();
            let hashes = self.hashes.take().unwrap_or_else(Hashes::new).after(bytes.clone()).await?;
            self.blobs.store.put(&self.key, bytes.into()).await?;
            return Ok(hashes.written(self.size));
        }
        if !self.gathered.is_empty() {
            self.send().await?;
        }
        let hashes = self.settle().await?;
        if let Some(mut upload) = self.upload.take() {
            let done = self.blobs.core().spawn(async move { upload.complete().await.map(drop) }).await;
            done.map_err(|err| Error::Store(err.to_string()))??;
        }
        Ok(hashes.written(self.size))
    }

    /// Sends what was gathered, once what went before has arrived.
    async fn send(&mut self) -> Result<(), Error> {
        let bytes = mem::take(&mut self.gathered).freeze();
        let hashes = self.settle().await?;
        if self.upload.is_none() {
            self.upload = Some(begin(self.blobs.clone(), self.key.clone()).await?);
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let part = upload.put_part(bytes.clone().into());
        self.pending = Some(self.blobs.core().spawn(async move {
            let (stored, hashes) = future::join(part, hashes.after(bytes)).await;
            stored?;
            hashes
        }));
        Ok(())
    }

    /// The hashes so far, once what was sent has arrived.
    async fn settle(&mut self) -> Result<Hashes, Error> {
        match self.pending.take() {
            Some(pending) => pending.await.map_err(|err| Error::Store(err.to_string()))?,
            None => Ok(self.hashes.take().unwrap_or_else(Hashes::new)),
        }
    }
}

/// Begins a blob in parts; on the disk that makes a file, so it is done on a blocking thread.
async fn begin(blobs: Blobs, key: Path) -> Result<Box<dyn MultipartUpload>, Error> {
    let (store, core) = (blobs.store.clone(), blobs.core());
    if blobs.folder.is_none() {
        return Ok(store.put_multipart(&key).await?);
    }
    let begun = tokio::task::spawn_blocking(move || core.block_on(store.put_multipart(&key))).await;
    Ok(begun.map_err(|err| Error::Store(err.to_string()))??)
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let pending = self.pending.take();
        drop(self.blobs.core().spawn(async move {
            if let Some(pending) = pending {
                drop(pending.await);
            }
            if let Err(err) = upload.abort().await {
                tracing::debug!(error = %err, "an unfinished blob could not be taken back");
            }
        }));
    }
}

impl Hashes {
    fn new() -> Self {
        Self { md5: Md5::new(), sha256: digest::Context::new(&digest::SHA256) }
    }

    async fn after(mut self, bytes: Bytes) -> Result<Self, Error> {
        if bytes.len() <= HASHED_AT_ONCE {
            self.update(&bytes);
            return Ok(self);
        }
        let update = move || {
            self.update(&bytes);
            self
        };
        tokio::task::spawn_blocking(update).await.map_err(|err| Error::Store(err.to_string()))
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }

    fn written(self, size: u64) -> Written {
        Written { size, md5: hex(&self.md5.finalize()), sha256: hex(self.sha256.finish().as_ref()) }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
