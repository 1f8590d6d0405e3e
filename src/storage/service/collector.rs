//! Removes bytes that no object has.
//!
//! What was replaced or deleted stands in `storage.garbage` and goes when it is due. What an upload left that ended between its bytes and
//! its row stands nowhere: once a day everything in the store is compared with the rows, and what is old and unknown is removed. Several
//! nodes may do so at once: a key is never used again, and removing one twice does nothing.

use std::time::Duration;

use futures_util::StreamExt;

use super::StorageService;
use crate::storage::Result;
use crate::storage::model::Version;
use crate::storage::model::version::FOLDER;
use crate::storage::queries::{garbage, objects, uploads};
use crate::tasks::Tasks;

/// How often everything in the store is compared with the rows.
const SURVEY_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How old bytes must be that no row names; an upload takes less than that from its last byte to its row.
const ORPHAN_AGE: Duration = Duration::from_secs(24 * 3600);

/// Blobs that are looked at in one go.
const BATCH: i64 = 500;

impl StorageService {
    /// Collects until the server stops.
    pub fn keep_tidy(&self, tasks: &Tasks) {
        let (service, stop) = (self.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            tokio::select! {
                () = service.tidy() => {}
                () = stop.soft_stopped() => {}
            }
        }));
    }

    async fn tidy(&self) {
        let mut surveyed = self.now();
        loop {
            tokio::time::sleep(self.0.config.collect_every).await;
            if let Err(err) = self.collect().await {
                tracing::warn!(error = %err, "bytes that no object has could not be removed; tried again soon");
            }
            if self.now().since(surveyed) >= SURVEY_EVERY {
                surveyed = self.now();
                self.survey().await;
            }
        }
    }

    async fn survey(&self) {
        match self.remove_orphans(ORPHAN_AGE).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "removed bytes of uploads that ended before their objects were made"),
            Err(err) => tracing::warn!(error = %err, "the blob store could not be compared with the objects"),
        }
    }

    /// Removes what is due, and ends uploads whose time is over; gives how many blobs were removed.
    ///
    /// # Errors
    /// When the database or the store fails; some may have been removed.
    pub async fn collect(&self) -> Result<u64> {
        for upload in uploads::expired(&mut self.0.db.read().await?, self.now(), BATCH).await? {
            match self.abandon(upload).await {
                Ok(()) | Err(crate::storage::Error::NoSuchUpload) => {}
                Err(err) => return Err(err),
            }
        }
        let mut removed = 0;
        loop {
            let due = garbage::due(&mut self.0.db.read().await?, self.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(removed);
            }
            for blob in due {
                removed += u64::from(self.0.blobs.delete(&blob).await?);
                self.forget(blob).await?;
            }
        }
    }

    async fn forget(&self, blob: String) -> Result<()> {
        let forgotten = self.0.db.write(move |tx| {
            let blob = blob.clone();
            Box::pin(async move { garbage::forget(tx, &blob).await })
        });
        Ok(forgotten.await?)
    }

    /// Removes blobs that no row names and that are so old, and what crashes left of others; gives how many.
    ///
    /// # Errors
    /// As [`StorageService::collect`].
    pub async fn remove_orphans(&self, age: Duration) -> Result<u64> {
        let mut removed = self.0.blobs.remove_unfinished(FOLDER, age).await? as u64;
        let mut entries = self.0.blobs.entries(FOLDER)?;
        while let Some(entry) = entries.next().await {
            let entry = entry?;
            if self.now().since(entry.modified) >= age && self.is_orphan(&entry.key).await? {
                removed += u64::from(self.0.blobs.delete(&entry.key).await?);
            }
        }
        Ok(removed)
    }

    /// Whether no row names a blob.
    pub(super) async fn is_orphan(&self, key: &str) -> Result<bool> {
        let id = key.rsplit('/').next().and_then(|id| id.parse::<Version>().ok());
        let Some(Version { id, .. }) = id else { return Ok(true) };
        Ok(!objects::knows_blob(&mut self.0.db.read().await?, key, id).await?)
    }
}
