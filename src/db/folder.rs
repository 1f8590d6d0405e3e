//! The data folder: one server at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{Error, Result};

const LOCK: &str = "plinth.lock";

/// How long a server waits for a command such as `plinth keys` to let the folder go.
const PATIENCE: Duration = Duration::from_secs(2);

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A data folder that is held by an exclusive lock on a file in it. The kernel lets it go when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DataFolder {
    lock: File,
}

impl DataFolder {
    /// Takes the folder, and makes it first where it is not there.
    pub(super) async fn hold(data: &Path) -> Result<Self> {
        let patience = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(held) = Self::try_hold(data)? {
                return Ok(held);
            }
            if tokio::time::Instant::now() >= patience {
                return Err(Error::InUse(data.to_owned()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// As [`DataFolder::hold`], but `None` at once when another process holds the folder.
    pub(super) fn try_hold(data: &Path) -> Result<Option<Self>> {
        let cannot = |path: &Path, err: std::io::Error| Error::open(path.display().to_string(), &err);
        DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|err| cannot(data, err))?;
        let path: PathBuf = data.join(LOCK);
        let mut lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|err| cannot(&path, err))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(err)) => return Err(cannot(&path, err)),
        }
        // For whoever looks into the folder; nothing reads it.
        let told = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        told.map_err(|err| cannot(&path, err))?;
        Ok(Some(Self { lock }))
    }

    /// Lets the folder go.
    pub(super) fn release(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the data folder's lock could not be released");
        }
    }
}
