//! Copying objects.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::StorageService;
use super::commit::{Commit, Known, Stored, metadata};
use super::upload::is_sure;
use crate::storage::Result;
use crate::storage::model::version::blob_of;
use crate::storage::model::{Caller, Copying, Declared, Mode, Object, ObjectPath, Piece, Uploading, Version};
use crate::storage::queries::uploads;
use crate::types::Timestamp;

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
        self.copy_found(caller, source, to, Copying { mode, user_metadata: metadata, declared: None, replaces: None }).await
    }

    /// The same of an object that was found for the caller.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`]; [`crate::storage::Error::Changed`].
    pub async fn copy_found(&self, caller: &Caller, source: Object, to: &ObjectPath, copying: Copying) -> Result<Stored> {
        let Copying { mode, user_metadata, declared, replaces } = copying;
        let content_type = declared.as_ref().map_or(source.media_type(), |(declared, _)| &declared.content_type).to_owned();
        let what = Declared { content_type, ..Declared::default() };
        let what = Uploading { path: to.clone(), mode, declared: what, length: Some(source.size()) };
        self.admit(caller, &what).await?;
        let (version, pieces) = self.copy_bytes(&source).await?;
        let commit = self.commit_of(caller, to, mode, version)?;
        let known = known_of_copy(&source, declared, commit.now);
        let blobs: Vec<String> = match version.pieces {
            0 => vec![version.blob()],
            _ => pieces.iter().map(|piece| piece.blob.clone()).collect(),
        };
        let user_metadata = user_metadata.or(source.user_metadata).filter(|metadata| !metadata.is_null());
        let done = self.commit(Commit { metadata: known, user_metadata, pieces, replaces, ..commit }).await;
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

/// What is known of a copy: what was known of the other, or, where it is declared anew, what does not come from its bytes is that.
fn known_of_copy(source: &Object, declared: Option<(Declared, Map<String, Json>)>, now: Timestamp) -> Map<String, Json> {
    let Some((declared, further)) = declared else {
        let mut known = source.metadata.clone();
        known.insert("lastModified".to_owned(), now.rfc3339().into());
        return known;
    };
    let bytes = Known { size: source.size(), etag: source.etag(), sha256: source.known("sha256") };
    let mut known = metadata(&declared, &bytes, now);
    known.extend(source.metadata.get("checksum").map(|checksum| ("checksum".to_owned(), checksum.clone())));
    known.extend(further);
    known
}
