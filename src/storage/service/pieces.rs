//! Uploads that come in several pieces: resumable ones, and S3's in parts.
//!
//! Each piece is a blob of its own. What they become is an object whose version names them all, so that nothing is copied when it is
//! whole.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::commit::{Commit, Known, Stored, metadata};
use super::{StorageService, beyond};
use crate::blob::Writer;
use crate::storage::model::version::blob_of;
use crate::storage::model::{BucketName, Caller, Declared, Mode, ObjectName, ObjectPath, Piece, Uploading, Version};
use crate::storage::queries::{buckets, garbage, uploads};
use crate::storage::{Error, Result};
use crate::types::Timestamp;

/// Pieces of one upload.
pub(super) const MAX_PIECES: u32 = 10_000;

/// An upload in pieces that was let in.
#[derive(Clone, Debug)]
pub struct Pieced {
    pub id: Uuid,
    pub path: ObjectPath,
    pub mode: Mode,
    pub declared: Declared,
    /// The length of the whole, where it is known before.
    pub length: Option<u64>,
    /// Bytes at the most.
    pub limit: u64,
    /// Who began it.
    pub owner: Option<Uuid>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What is kept of one, beside its columns.
#[derive(Serialize, Deserialize)]
struct Options {
    mode: Mode,
    declared: Declared,
    limit: u64,
    owner: Option<Uuid>,
}

/// A piece on its way. One that is dropped leaves nothing.
pub struct PieceWriter {
    service: StorageService,
    upload: Uuid,
    part: u32,
    blob: String,
    writer: Writer,
    /// Bytes at the most.
    limit: u64,
}

impl StorageService {
    /// Begins an upload in pieces, under the same rules as [`StorageService::begin_upload`]. `kind` keeps surfaces apart.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`].
    pub async fn begin_pieces(&self, caller: &Caller, kind: &str, what: Uploading, lifetime: Duration) -> Result<Pieced> {
        let limit = self.admit(caller, &what).await?;
        let Uploading { path, mode, declared, length } = what;
        let (id, now) = (Uuid::new_v4(), self.now());
        let pieced = Pieced {
            id,
            path,
            mode,
            declared,
            length,
            limit,
            owner: caller.owner,
            created_at: now,
            expires_at: now.plus(lifetime),
        };
        let options = Options { mode, declared: pieced.declared.clone(), limit, owner: caller.owner };
        let stored = Arc::new(uploads::Stored {
            id,
            kind: kind.to_owned(),
            bucket: pieced.path.bucket.to_string(),
            name: pieced.path.name.to_string(),
            length: length.and_then(|length| i64::try_from(length).ok()),
            options: serde_json::to_value(options).unwrap_or(Json::Null),
            created_at: now,
            expires_at: pieced.expires_at,
        });
        let done = self.0.db.write(move |tx| {
            let stored = Arc::clone(&stored);
            Box::pin(async move { Ok::<_, Error>(uploads::insert(tx, &stored).await?) })
        });
        done.await.map_err(super::meaning)?;
        Ok(pieced)
    }

    /// An upload in pieces that a caller may go on with: who began it, or the server's owner.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`], also when it is another's.
    pub async fn pieced(&self, caller: &Caller, kind: &str, id: Uuid) -> Result<Pieced> {
        let found = uploads::find(&mut self.0.db.read().await?, id, self.now()).await?;
        let found = found.filter(|found| found.kind == kind).and_then(pieced_of).ok_or(Error::NoSuchUpload)?;
        if caller.is_service() || found.owner == caller.owner { Ok(found) } else { Err(Error::NoSuchUpload) }
    }

    /// The uploads in pieces of a bucket whose names begin with a prefix, by name. For the server's owner, or those of the caller.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`].
    pub async fn list_pieced(
        &self,
        caller: &Caller,
        kind: &str,
        (bucket, prefix): (&BucketName, &str),
        limit: u32,
    ) -> Result<Vec<Pieced>> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let found = uploads::list(&mut conn, (bucket.as_str(), kind), (prefix, &beyond(prefix)), limit.into()).await?;
        let own = |pieced: &Pieced| caller.is_service() || pieced.owner == caller.owner;
        Ok(found.into_iter().filter_map(pieced_of).filter(own).collect())
    }

    /// The pieces that are kept, in order.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn pieces(&self, upload: Uuid) -> Result<Vec<Piece>> {
        Ok(uploads::pieces(&mut self.0.db.read().await?, upload).await?)
    }

    /// Begins a piece, from 1; one that is there in its place is replaced when it is whole. `limit` is what it may have at the most.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a number that is none of a piece.
    pub fn begin_piece(&self, upload: &Pieced, part: u32, limit: u64) -> Result<PieceWriter> {
        if part == 0 || part > MAX_PIECES {
            return Err(Error::InvalidInput(format!("a piece has a number from 1 to {MAX_PIECES}")));
        }
        let blob = blob_of(Uuid::new_v4());
        let writer = self.0.blobs.writer(&blob)?;
        Ok(PieceWriter { service: self.clone(), upload: upload.id, part, blob, writer, limit: limit.min(upload.limit) })
    }

    /// Makes the object of pieces, in the order of their numbers; those that are not named are let go. `etag` is with its quotes.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when a piece is not there or none is named; [`Error::TooLarge`]; as
    /// [`StorageService::begin_upload`], since rights are looked at once more.
    pub async fn complete_pieces(&self, caller: &Caller, upload: &Pieced, parts: &[u32], etag: &str) -> Result<Stored> {
        let pieces = self.pieces(upload.id).await?;
        let (kept, others): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(|piece| parts.contains(&piece.part));
        if kept.is_empty() || kept.len() != parts.len() {
            return Err(Error::InvalidInput("a piece that is named is not there".to_owned()));
        }
        let size = kept.iter().map(|piece| piece.size).sum();
        if size > upload.limit {
            return Err(Error::TooLarge { limit: upload.limit });
        }
        self.let_pieces_go(upload.id, others).await?;
        let count = u32::try_from(kept.len()).unwrap_or(MAX_PIECES);
        let caller = Caller { owner: upload.owner, ..caller.clone() };
        let commit = self.commit_of(&caller, &upload.path, upload.mode, Version { id: upload.id, pieces: count })?;
        let metadata = metadata(&upload.declared, &Known { size, etag, sha256: None }, commit.now);
        let user_metadata = upload.declared.user_metadata.clone().map(Into::into);
        self.commit(Commit { metadata, user_metadata, ends: Some(upload.id), ..commit }).await
    }

    /// Ends an upload in pieces without an object; its bytes are let go.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`] when it was over.
    pub async fn abandon(&self, upload: Uuid) -> Result<()> {
        let due = self.due();
        let done = self.0.db.write(move |tx| {
            Box::pin(async move {
                if !uploads::delete(tx, upload).await? {
                    return Err(Error::NoSuchUpload);
                }
                Ok(garbage::add_pieces(tx, upload, due).await?)
            })
        });
        done.await
    }

    async fn let_pieces_go(&self, upload: Uuid, pieces: Vec<Piece>) -> Result<()> {
        if pieces.is_empty() {
            return Ok(());
        }
        let (pieces, due) = (Arc::new(pieces), self.due());
        let done = self.0.db.write(move |tx| {
            let pieces = Arc::clone(&pieces);
            Box::pin(async move {
                for piece in pieces.iter() {
                    uploads::delete_piece(tx, upload, piece.part).await?;
                    garbage::add(tx, &piece.blob, due).await?;
                }
                Ok::<_, Error>(())
            })
        });
        done.await
    }
}

impl PieceWriter {
    /// Bytes so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.writer.size()
    }

    /// Takes bytes. Waits when the store is slower than they come.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Blob`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.writer.size() + bytes.len() as u64 > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        Ok(self.writer.write(bytes).await?)
    }

    /// Keeps the piece, in the place of one that was there. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`] when the upload is over; [`Error::Blob`].
    pub async fn finish(self) -> Result<Piece> {
        let Self { service, upload, part, blob, writer, .. } = self;
        let written = writer.finish().await?;
        let piece = Arc::new(Piece { part, blob, size: written.size, md5: written.md5, sha256: written.sha256 });
        let (put, now, due) = (Arc::clone(&piece), service.now(), service.due());
        let done = service.0.db.write(move |tx| {
            let piece = Arc::clone(&put);
            Box::pin(async move {
                uploads::find(tx, upload, now).await?.ok_or(Error::NoSuchUpload)?;
                let there = uploads::pieces(tx, upload).await?;
                for old in there.iter().filter(|old| old.part == piece.part) {
                    garbage::add(tx, &old.blob, due).await?;
                }
                Ok::<_, Error>(uploads::put_piece(tx, upload, &piece, now).await?)
            })
        });
        done.await?;
        Ok(Arc::unwrap_or_clone(piece))
    }
}

fn pieced_of(stored: uploads::Stored) -> Option<Pieced> {
    let Options { mode, declared, limit, owner } = serde_json::from_value(stored.options).ok()?;
    Some(Pieced {
        id: stored.id,
        path: ObjectPath { bucket: BucketName::parse(&stored.bucket).ok()?, name: ObjectName::parse(&stored.name).ok()? },
        mode,
        declared,
        length: stored.length.and_then(|length| u64::try_from(length).ok()),
        limit,
        owner,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
    })
}
