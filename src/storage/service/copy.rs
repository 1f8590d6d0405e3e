//! Copying objects.

use serde_json::Value as Json;
use uuid::Uuid;

use super::StorageService;
use super::commit::{Commit, Stored};
use super::upload::is_sure;
use crate::storage::Result;
use crate::storage::model::version::blob_of;
use crate::storage::model::{Caller, Declared, Mode, Object, ObjectPath, Piece, Uploading, Version};
use crate::storage::queries::uploads;

impl StorageService {
    /// Makes an object of another one's bytes, which the caller must see; `metadata` is the user's, the other's unless it is said.
    ///
    /// # Errors
    /// As [`StorageService::find`] and [`StorageService::begin_upload`].
    pub async fn copy(
        &self,
        caller: &Caller,
        (from, to): (&ObjectPath, &ObjectPath),
        mode: Mode,
        metadata: Option<Json>,
    ) -> Result<Stored> {
        let source = self.find(caller, from).await?;
        let declared = Declared { content_type: source.media_type().to_owned(), ..Declared::default() };
        let what = Uploading { path: to.clone(), mode, declared, length: Some(source.size()) };
        self.admit(caller, &what).await?;
        let (version, pieces) = self.copy_bytes(&source).await?;
        let commit = self.commit_of(caller, to, mode, version)?;
        let mut known = source.metadata.clone();
        known.insert("lastModified".to_owned(), commit.now.rfc3339().into());
        let blobs: Vec<String> = match version.pieces {
            0 => vec![version.blob()],
            _ => pieces.iter().map(|piece| piece.blob.clone()).collect(),
        };
        let user_metadata = metadata.or(source.user_metadata).filter(|metadata| !metadata.is_null());
        let done = self.commit(Commit { metadata: known, user_metadata, pieces, ..commit }).await;
        if done.as_ref().is_err_and(is_sure) {
            for blob in &blobs {
                self.discard(blob).await;
            }
        }
        done
    }

    /// Copies the bytes of an object; gives their new version, and its pieces.
    async fn copy_bytes(&self, source: &Object) -> Result<(Version, Vec<Piece>)> {
        let old = source.version().ok_or_else(|| crate::blob::Error::Missing(source.version.clone()))?;
        let new = Version { pieces: old.pieces, ..Version::random() };
        if old.pieces == 0 {
            self.0.blobs.copy(&old.blob(), &new.blob()).await?;
            return Ok((new, Vec::new()));
        }
        let mut pieces = uploads::pieces(&mut self.0.db.read().await?, old.id).await?;
        for piece in &mut pieces {
            let blob = blob_of(Uuid::new_v4());
            self.0.blobs.copy(&piece.blob, &blob).await?;
            piece.blob = blob;
        }
        Ok((new, pieces))
    }
}
