//! Whether rows and bytes agree.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt;

use super::StorageService;
use crate::storage::Result;
use crate::storage::model::Version;
use crate::storage::model::version::FOLDER;
use crate::storage::queries::{objects, uploads};

/// Objects that are looked at in one go.
const BATCH: i64 = 1000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Objects that were looked at, and their bytes.
    pub objects: u64,
    pub bytes: u64,
    /// Objects whose bytes are lost, or not as many as they were: bucket and name, and the version.
    pub damaged: Vec<(String, String)>,
    /// Blobs that no row names.
    pub orphans: Vec<String>,
}

impl StorageService {
    /// Compares every object with its bytes, by their number, and every blob that is older than `age` with the rows.
    ///
    /// # Errors
    /// When the database or the store fails.
    pub async fn check(&self, age: Duration) -> Result<Findings> {
        let entries: Vec<_> = self.0.blobs.entries(FOLDER)?.try_collect().await?;
        let sizes: HashMap<&str, u64> = entries.iter().map(|entry| (entry.key.as_str(), entry.size)).collect();
        let mut findings = Findings::default();
        let (mut bucket, mut name) = (String::new(), String::new());
        loop {
            let rows = objects::after(&mut self.0.db.read().await?, &bucket, &name, BATCH).await?;
            for (in_bucket, called, version, metadata) in &rows {
                let size = metadata.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0);
                findings.objects += 1;
                findings.bytes += size;
                if self.kept(version, &sizes).await? != Some(size) {
                    findings.damaged.push((format!("{in_bucket}/{called}"), version.clone()));
                }
            }
            let Some((last_bucket, last_name, ..)) = rows.into_iter().next_back() else { break };
            (bucket, name) = (last_bucket, last_name);
        }
        for entry in &entries {
            if self.now().since(entry.modified) >= age && self.is_orphan(&entry.key).await? {
                findings.orphans.push(entry.key.clone());
            }
        }
        Ok(findings)
    }

    /// Removes the orphans that a check found, and the rows of objects whose bytes are lost.
    ///
    /// # Errors
    /// As [`StorageService::check`].
    pub async fn repair(&self, findings: &Findings) -> Result<()> {
        for key in &findings.orphans {
            self.0.blobs.delete(key).await?;
        }
        for (_, version) in &findings.damaged {
            let (version, due) = (version.clone(), self.due());
            let done = self.0.db.write(move |tx| {
                let version = version.clone();
                Box::pin(async move {
                    objects::forget(tx, &version).await?;
                    super::let_go(tx, &version, due).await
                })
            });
            done.await?;
        }
        Ok(())
    }

    /// How many bytes of a version are kept; `None` when some of its blobs are not there.
    async fn kept(&self, version: &str, sizes: &HashMap<&str, u64>) -> Result<Option<u64>> {
        Ok(match version.parse::<Version>() {
            Ok(Version { id, pieces: 1.. }) => {
                let pieces = uploads::pieces(&mut self.0.db.read().await?, id).await?;
                pieces.iter().map(|piece| sizes.get(piece.blob.as_str()).copied()).sum()
            }
            Ok(version) => sizes.get(version.blob().as_str()).copied(),
            Err(_) => None,
        })
    }
}
