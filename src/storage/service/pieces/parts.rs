//! Pieces by number, in any order, until who sends them says that they are all there: S3's uploads in parts.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::blob::Writer;
use crate::storage::model::version::blob_of;
use crate::storage::model::{BucketName, Caller, Declared, Mode, ObjectName, ObjectPath, Piece, Terms, Uploading, Version};
use crate::storage::queries::{buckets, garbage, uploads};
use crate::storage::service::commit::{Commit, Known, Stored, metadata};
use crate::storage::service::{StorageService, beyond, meaning};
use crate::storage::{Error, Result};
use crate::types::Timestamp;

/// Pieces of one upload.
pub(in crate::storage::service) const MAX_PIECES: u32 = 10_000;

/// An upload in pieces that was let in.
#[derive(Clone, Debug)]
pub struct Pieced {
    pub id: Uuid,
    pub path: ObjectPath,
    pub mode: Mode,
    pub declared: Declared,
    /// What more is known, under the server's own names.
    pub known: Map<String, Json>,
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
    #[serde(default)]
    known: Map<String, Json>,
    limit: u64,
    owner: Option<Uuid>,
    /// The role of who began it.
    #[serde(default)]
    role: Option<String>,
    /// What was said of it, in the words of its surface.
    #[serde(default)]
    said: String,
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
        self.let_in(caller, (kind, ""), what, (lifetime, Map::new())).await
    }

    /// The same, with what more is known of the object.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`].
    pub async fn begin_pieces_knowing(
        &self,
        caller: &Caller,
        kind: &str,
        what: Uploading,
        (lifetime, known): (Duration, Map<String, Json>),
    ) -> Result<Pieced> {
        self.let_in(caller, (kind, ""), what, (lifetime, known)).await
    }

    /// The same, with what was said of the upload in the words of its surface.
    pub(super) async fn let_in(
        &self,
        caller: &Caller,
        (kind, said): (&str, &str),
        what: Uploading,
        (lifetime, known): (Duration, Map<String, Json>),
    ) -> Result<Pieced> {
        let limit = self.admit(caller, &what).await?;
        let Uploading { path, mode, declared, length } = what;
        let (id, now) = (Uuid::new_v4(), self.now());
        let pieced = Pieced {
            id,
            path,
            mode,
            declared,
            known,
            length,
            limit,
            owner: caller.owner,
            created_at: now,
            expires_at: now.plus(lifetime),
        };
        let options = Options {
            mode,
            declared: pieced.declared.clone(),
            known: pieced.known.clone(),
            limit,
            owner: caller.owner,
            role: Some(caller.role.as_str().to_owned()),
            said: said.to_owned(),
        };
        let stored = Arc::new(uploads::Stored {
            id,
            kind: kind.to_owned(),
            bucket: pieced.path.bucket.to_string(),
            name: pieced.path.name.to_string(),
            length: length.and_then(|length| i64::try_from(length).ok()),
            options: serde_json::to_value(options).unwrap_or(Json::Null),
            created_at: now,
            expires_at: pieced.expires_at,
            received: 0,
            is_finished: false,
        });
        let done = self.0.db.write(move |tx| {
            let stored = Arc::clone(&stored);
            Box::pin(async move { Ok::<_, Error>(uploads::insert(tx, &stored).await?) })
        });
        done.await.map_err(meaning)?;
        Ok(pieced)
    }

    /// An upload in pieces that a caller may go on with: who began it, or the server's owner.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`], also when it is another's.
    pub async fn pieced(&self, caller: &Caller, kind: &str, id: Uuid) -> Result<Pieced> {
        let found = uploads::find(&mut self.0.db.read().await?, id, self.now()).await?;
        let found = found.filter(|found| found.kind == kind).ok_or(Error::NoSuchUpload)?;
        if !is_of(&found, caller) {
            return Err(Error::NoSuchUpload);
        }
        pieced_of(found).ok_or(Error::NoSuchUpload)
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
        Ok(found.into_iter().filter(|found| is_of(found, caller)).filter_map(pieced_of).collect())
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
        self.complete_pieces_under(caller, upload, (parts, etag), Terms::default()).await
    }

    /// The same under terms.
    ///
    /// # Errors
    /// As [`StorageService::complete_pieces`]; [`Error::Changed`].
    pub async fn complete_pieces_under(
        &self,
        caller: &Caller,
        upload: &Pieced,
        (parts, etag): (&[u32], &str),
        terms: Terms,
    ) -> Result<Stored> {
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
        let mut metadata = metadata(&upload.declared, &Known { size, etag, sha256: None }, commit.now);
        metadata.extend(upload.known.clone());
        metadata.extend(terms.known);
        let user_metadata = upload.declared.user_metadata.clone().map(Into::into);
        self.commit(Commit { metadata, user_metadata, replaces: terms.replaces, ends: Some(upload.id), ..commit }).await
    }

    /// Ends an upload in pieces without an object; its bytes are let go.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`] when it was over.
    pub async fn abandon(&self, upload: Uuid) -> Result<()> {
        let due = self.due();
        let done = self.0.db.write(move |tx| {
            Box::pin(async move {
                let Some(is_finished) = uploads::end(tx, upload).await? else { return Err(Error::NoSuchUpload) };
                // The pieces of one that is finished are the object's.
                if !is_finished {
                    garbage::add_pieces(tx, upload, due).await?;
                }
                Ok(())
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
        self.finish_with(None).await
    }

    /// The same, with the checksum that its sender gave of it: `CRC32:AAAAAA==`.
    ///
    /// # Errors
    /// As [`PieceWriter::finish`].
    pub async fn finish_with(self, checksum: Option<String>) -> Result<Piece> {
        let Self { service, upload, part, blob, writer, .. } = self;
        let written = writer.finish().await?;
        let (now, due) = (service.now(), service.due());
        let (size, md5, sha256) = (written.size, written.md5, written.sha256);
        let piece = Arc::new(Piece { part, blob, size, md5, sha256, checksum, created_at: now });
        let put = Arc::clone(&piece);
        let done = service.0.db.write(move |tx| {
            let piece = Arc::clone(&put);
            Box::pin(async move {
                uploads::find(tx, upload, now).await?.ok_or(Error::NoSuchUpload)?;
                let there = uploads::pieces(tx, upload).await?;
                for old in there.iter().filter(|old| old.part == piece.part) {
                    garbage::add(tx, &old.blob, due).await?;
                }
                Ok::<_, Error>(uploads::put_piece(tx, upload, &piece).await?)
            })
        });
        done.await?;
        Ok(Arc::unwrap_or_clone(piece))
    }
}

/// Whether a caller began an upload, or is the server's owner.
pub(super) fn is_of(upload: &uploads::Stored, caller: &Caller) -> bool {
    let began = |by: Options| by.owner == caller.owner && by.role.is_none_or(|role| role == caller.role.as_str());
    caller.is_service() || serde_json::from_value(upload.options.clone()).is_ok_and(began)
}

/// What was said of an upload when it began.
pub(super) fn said_of(upload: &uploads::Stored) -> String {
    upload.options.get("said").and_then(Json::as_str).unwrap_or_default().to_owned()
}

pub(super) fn pieced_of(stored: uploads::Stored) -> Option<Pieced> {
    let Options { mode, declared, known, limit, owner, .. } = serde_json::from_value(stored.options).ok()?;
    Some(Pieced {
        id: stored.id,
        path: ObjectPath { bucket: BucketName::parse(&stored.bucket).ok()?, name: ObjectName::parse(&stored.name).ok()? },
        mode,
        declared,
        known,
        length: stored.length.and_then(|length| u64::try_from(length).ok()),
        limit,
        owner,
        created_at: stored.created_at,
        expires_at: stored.expires_at,
    })
}
