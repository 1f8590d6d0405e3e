//! Uploads that go on where they broke off.
//!
//! An upload stands at an offset: so many bytes of it are kept, in pieces one after the other. A piece is put behind the others in the
//! transaction that moves the offset on from where the piece begins, so that of two that begin at the same offset one is kept, whichever
//! node they came to. The last piece makes the object in its own transaction: an upload is never whole without one.

use std::sync::Arc;

use md5::{Digest, Md5};
use serde_json::Map;
use uuid::Uuid;

use super::Pieced;
use super::parts::{MAX_PIECES, is_of, pieced_of, said_of};
use crate::blob::Writer;
use crate::storage::model::version::blob_of;
use crate::storage::model::{Caller, Piece, Uploading, Version};
use crate::storage::queries::{buckets, uploads};
use crate::storage::service::StorageService;
use crate::storage::service::commit::{Commit, Known, Stored, metadata};
use crate::storage::service::upload::is_sure;
use crate::storage::{Error, Result};

/// What keeps these uploads apart from others, and those that a signed URL lets in from those of callers.
const KIND: &str = "resumable";
const SIGNED: &str = "resumable-signed";

/// Bytes after which a piece is kept and another one begun: what a crash may cost.
const PIECE: u64 = 64 * 1024 * 1024;

/// A resumable upload, as it stands.
#[derive(Clone, Debug)]
pub struct Resumable {
    pub upload: Pieced,
    /// Bytes that are kept.
    pub offset: u64,
    /// Bytes of the whole.
    pub length: u64,
    /// Whether it became an object.
    pub is_finished: bool,
    /// What was said of it when it began, in the words of its surface.
    pub said: String,
}

/// Bytes on their way to the end of a resumable upload. What was not kept when it is dropped is lost.
pub struct Append {
    service: StorageService,
    caller: Caller,
    to: Resumable,
    piece: Option<(String, Writer)>,
}

/// How far a resumable upload came.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Bytes that are kept.
    pub offset: u64,
    /// The object, when these were the last bytes.
    pub stored: Option<Stored>,
}

impl StorageService {
    /// Begins a resumable upload, under the same rules as [`StorageService::begin_upload`]; its length is known.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`].
    pub async fn begin_resumable(&self, caller: &Caller, what: Uploading, said: &str) -> Result<Resumable> {
        self.begin_as(caller, (KIND, said), what).await
    }

    /// The same, as a signed URL's token lets through; gives whose rights it has too.
    ///
    /// # Errors
    /// [`Error::InvalidToken`]; as [`StorageService::begin_upload`].
    pub async fn begin_signed_resumable(&self, token: &str, what: Uploading, said: &str) -> Result<(Caller, Resumable)> {
        let (caller, mode) = self.signed_upload(&what.path, token)?;
        let begun = self.begin_as(&caller, (SIGNED, said), Uploading { mode, ..what }).await?;
        Ok((caller, begun))
    }

    async fn begin_as(&self, caller: &Caller, (kind, said): (&str, &str), what: Uploading) -> Result<Resumable> {
        let length = what.length.unwrap_or(0);
        let upload = self.let_in(caller, (kind, said), what, (self.0.config.upload_lifetime, Map::new())).await?;
        Ok(Resumable { upload, offset: 0, length, is_finished: false, said: said.to_owned() })
    }

    /// A resumable upload that a caller may go on with: who began it, or the server's owner.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`], also when it is another's.
    pub async fn resumable(&self, caller: &Caller, id: Uuid) -> Result<Resumable> {
        let found = self.stored(KIND, id).await?;
        if is_of(&found, caller) { standing(found) } else { Err(Error::NoSuchUpload) }
    }

    /// A resumable upload that a signed URL's token let in; gives whose rights it has too.
    ///
    /// # Errors
    /// [`Error::NoSuchUpload`]; [`Error::InvalidToken`] when the token is for another object, or of another signer.
    pub async fn signed_resumable(&self, token: &str, id: Uuid) -> Result<(Caller, Resumable)> {
        let found = standing(self.stored(SIGNED, id).await?)?;
        let (caller, mode) = self.signed_upload(&found.upload.path, token)?;
        if found.upload.owner != caller.owner || found.upload.mode != mode {
            return Err(Error::InvalidToken("the token was signed for something else"));
        }
        Ok((caller, found))
    }

    async fn stored(&self, kind: &str, id: Uuid) -> Result<uploads::Stored> {
        let found = uploads::find(&mut self.0.db.read().await?, id, self.now()).await?;
        found.filter(|found| found.kind == kind).ok_or(Error::NoSuchUpload)
    }

    /// Goes on with an upload from where it stands.
    #[must_use]
    pub fn append(&self, caller: &Caller, to: Resumable) -> Append {
        let caller = Caller { owner: to.upload.owner, ..caller.clone() };
        Append { service: self.clone(), caller, to, piece: None }
    }
}

impl Append {
    /// Bytes that are still to come.
    fn left(&self) -> u64 {
        let written = self.piece.as_ref().map_or(0, |(_, writer)| writer.size());
        self.to.length.saturating_sub(self.to.offset + written)
    }

    /// Takes bytes. Waits when the store is slower than they come.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than the upload's length; as [`Append::finish`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.left() {
            return Err(Error::TooLarge { limit: self.to.length });
        }
        let most = PIECE.max(self.to.length / u64::from(MAX_PIECES / 2));
        let mut rest = bytes;
        while !rest.is_empty() {
            let (_, writer) = match &mut self.piece {
                Some(piece) => piece,
                none => none.insert(self.service.new_piece()?),
            };
            let room = usize::try_from(most - writer.size()).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(rest.len().min(room));
            writer.write(now).await?;
            rest = later;
            if writer.size() == most && self.left() > 0 {
                self.keep().await?;
            }
        }
        Ok(())
    }

    /// Keeps what was written, and makes the object when it is whole. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another went on with the upload meanwhile; [`Error::NoSuchUpload`] when it is over; [`Error::Blob`]. For
    /// the object as [`StorageService::begin_upload`], since rights and limits are looked at once more; then the upload is over.
    pub async fn finish(mut self) -> Result<Progress> {
        let stored = match self.left() {
            0 if !self.to.is_finished => Some(self.complete().await?),
            _ => {
                self.keep().await?;
                None
            }
        };
        Ok(Progress { offset: self.to.offset, stored })
    }

    /// Puts the piece behind the others.
    async fn keep(&mut self) -> Result<()> {
        let Some((blob, writer)) = self.piece.take() else { return Ok(()) };
        let written = writer.finish().await?;
        let (id, offset, size) = (self.to.upload.id, self.to.offset, written.size);
        let now = self.service.now();
        let kept =
            Arc::new(Piece { part: 0, blob, size, md5: written.md5, sha256: written.sha256, checksum: None, created_at: now });
        let put = Arc::clone(&kept);
        let done = self.service.0.db.write(move |tx| {
            let piece = Arc::clone(&put);
            Box::pin(async move {
                uploads::find(tx, id, now).await?.ok_or(Error::NoSuchUpload)?;
                if !uploads::advance(tx, id, offset, size).await? {
                    return Err(Error::elsewhere());
                }
                let part = next_part(uploads::count(tx, id).await?)?;
                Ok::<_, Error>(uploads::put_piece(tx, id, &Piece { part, ..piece.as_ref().clone() }).await?)
            })
        });
        if let Err(err) = done.await {
            self.service.let_drop(&err, &kept.blob).await;
            return Err(err);
        }
        self.to.offset += size;
        Ok(())
    }

    /// Makes the object of the pieces and of what was written last.
    async fn complete(&mut self) -> Result<Stored> {
        let (blob, writer) = match self.piece.take() {
            Some(piece) => piece,
            None => self.service.new_piece()?,
        };
        let written = writer.finish().await?;
        let piece = Piece {
            part: 0,
            blob: blob.clone(),
            size: written.size,
            md5: written.md5,
            sha256: written.sha256,
            checksum: None,
            created_at: self.service.now(),
        };
        match self.make(piece).await {
            Ok(stored) => {
                (self.to.offset, self.to.is_finished) = (self.to.length, true);
                Ok(stored)
            }
            Err(err) => {
                self.service.let_drop(&err, &blob).await;
                if is_final(&err) {
                    // Otherwise a client that asks how far it came would take it for done.
                    match self.service.abandon(self.to.upload.id).await {
                        Ok(()) | Err(Error::NoSuchUpload) => {}
                        Err(other) => tracing::warn!(error = %other, "a refused upload is left until it expires"),
                    }
                }
                Err(err)
            }
        }
    }

    async fn make(&self, last: Piece) -> Result<Stored> {
        let Resumable { upload, offset, length, .. } = &self.to;
        let mut conn = self.service.0.db.read().await?;
        uploads::find(&mut conn, upload.id, self.service.now()).await?.ok_or(Error::NoSuchUpload)?;
        let bucket = buckets::find(&mut conn, upload.path.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let mut pieces = uploads::pieces(&mut conn, upload.id).await?;
        drop(conn);
        self.service.fits(&bucket, &upload.declared.content_type, Some(*length))?;
        let part = next_part(i64::try_from(pieces.len()).unwrap_or(i64::MAX))?;
        let last = Piece { part, ..last };
        pieces.push(last.clone());
        let (etag, sha256) = match pieces.as_slice() {
            [only] => (format!("\"{}\"", only.md5), Some(only.sha256.as_str())),
            several => (etag(several), None),
        };
        let commit = self.service.commit_of(&self.caller, &upload.path, upload.mode, Version { id: upload.id, pieces: part })?;
        let metadata = metadata(&upload.declared, &Known { size: *length, etag: &etag, sha256 }, commit.now);
        let user_metadata = upload.declared.user_metadata.clone().map(Into::into);
        let finishes = Some((upload.id, *offset, *length));
        self.service.commit(Commit { metadata, user_metadata, pieces: vec![last], finishes, ..commit }).await
    }
}

impl StorageService {
    fn new_piece(&self) -> Result<(String, Writer)> {
        let blob = blob_of(Uuid::new_v4());
        let writer = self.0.blobs.writer(&blob)?;
        Ok((blob, writer))
    }

    /// Removes a piece that was refused, unless the database may have it.
    async fn let_drop(&self, err: &Error, blob: &str) {
        if is_sure(err) {
            self.discard(blob).await;
        }
    }
}

/// An upload as it stands.
fn standing(found: uploads::Stored) -> Result<Resumable> {
    let (offset, is_finished, said) = (u64::try_from(found.received).unwrap_or(0), found.is_finished, said_of(&found));
    let upload = pieced_of(found).ok_or(Error::NoSuchUpload)?;
    let length = upload.length.ok_or(Error::NoSuchUpload)?;
    Ok(Resumable { upload, offset, length, is_finished, said })
}

fn next_part(there: i64) -> Result<u32> {
    let part = u32::try_from(there + 1).ok().filter(|part| *part <= MAX_PIECES);
    part.ok_or_else(|| Error::InvalidInput(format!("an upload came in {MAX_PIECES} pieces, which is the most; send larger ones")))
}

/// The entity tag of pieces, as S3 makes it: the hash of their hashes, and how many they are.
fn etag(pieces: &[Piece]) -> String {
    let mut all = Md5::new();
    for piece in pieces {
        let half = |at: usize| piece.md5.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or(0);
        let bytes: Vec<u8> = (0..piece.md5.len()).step_by(2).map(half).collect();
        all.update(&bytes);
    }
    let hash: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}-{}\"", pieces.len())
}

/// Whether an upload will not become an object however often its end is tried.
const fn is_final(err: &Error) -> bool {
    matches!(
        err,
        Error::Refused(_)
            | Error::Duplicate
            | Error::NoSuchBucket
            | Error::NoSuchKey
            | Error::TooLarge { .. }
            | Error::MimeNotAllowed(_)
            | Error::OverQuota { .. }
    )
}
