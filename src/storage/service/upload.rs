//! Uploads that come in one go.

use super::commit::{Commit, Known, Stored, metadata};
use super::{StorageService, meaning};
use crate::blob::Writer;
use crate::storage::model::{Bucket, Caller, MediaType, Mode, Terms, Uploading, Version};
use crate::storage::queries::{buckets, objects, own};
use crate::storage::{Error, Result};

/// An upload that was let in, on its way. One that is dropped leaves nothing.
pub struct Upload {
    service: StorageService,
    caller: Caller,
    what: Uploading,
    version: Version,
    writer: Writer,
    /// Bytes at the most.
    limit: u64,
}

impl StorageService {
    /// Begins an upload, if its caller may make the object, the bucket takes its media type, and its length is not over the limit.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::Refused`], [`Error::Duplicate`], [`Error::NoSuchKey`], [`Error::MimeNotAllowed`],
    /// [`Error::TooLarge`], [`Error::OverQuota`].
    pub async fn begin_upload(&self, caller: &Caller, what: Uploading) -> Result<Upload> {
        let limit = self.admit(caller, &what).await?;
        let version = Version::random();
        let writer = self.0.blobs.writer(&version.blob())?;
        Ok(Upload { service: self.clone(), caller: caller.clone(), what, version, writer, limit })
    }

    /// Whether an upload may be, before a byte of it is taken; gives how many bytes it may have.
    pub(super) async fn admit(&self, caller: &Caller, what: &Uploading) -> Result<u64> {
        let path = &what.path;
        let mut conn = self.0.db.read().await?;
        let bucket = buckets::find(&mut conn, path.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let old = objects::version(&mut conn, path.bucket.as_str(), path.name.as_str()).await?;
        let commit = self.rehearsal(caller, what)?;
        if what.mode != Mode::Replace && !caller.is_service() {
            own::done(&mut conn, commit.ask.insertable(commit.row())?).await?;
        }
        drop(conn);
        let limit = self.fits(&bucket, &what.declared.content_type, what.length)?;
        // Only what is sure: another may make room until the object is made, or fill it.
        if let (Some(quota), Some(length), None) = (bucket.quota, what.length, &old)
            && quota.bytes.saturating_add(length) > quota.quota
        {
            return Err(Error::OverQuota { quota: quota.quota });
        }
        match (what.mode, old) {
            (Mode::Create, Some(_)) => return Err(Error::Duplicate),
            (Mode::Replace, None) => return Err(Error::NoSuchKey),
            (Mode::Upsert | Mode::Replace, Some(_)) if !caller.is_service() => self.rehearse(commit).await.map_err(meaning)?,
            _ => {}
        }
        Ok(limit)
    }

    /// Whether a bucket takes such an object; gives how many bytes it may have.
    pub(super) fn fits(&self, bucket: &Bucket, content_type: &str, length: Option<u64>) -> Result<u64> {
        let own = bucket.file_size_limit.and_then(|limit| u64::try_from(limit).ok());
        let limit = own.map_or(self.0.config.max_object_size, |own| own.min(self.0.config.max_object_size));
        if let Some(allowed) = bucket.allowed_mime_types.as_ref().filter(|allowed| !allowed.is_empty()) {
            let fits = MediaType::parse(content_type).is_some_and(|media| media.is_among(allowed));
            if !fits {
                return Err(Error::MimeNotAllowed(content_type.to_owned()));
            }
        }
        if length.is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { limit });
        }
        Ok(limit)
    }

    fn rehearsal(&self, caller: &Caller, what: &Uploading) -> Result<Commit> {
        let commit = self.commit_of(caller, &what.path, what.mode, Version::random())?;
        let known = Known { size: what.length.unwrap_or(0), etag: "\"\"", sha256: None };
        let metadata = metadata(&what.declared, &known, commit.now);
        Ok(Commit { metadata, user_metadata: what.declared.user_metadata.clone().map(Into::into), ..commit })
    }
}

impl Upload {
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

    /// Makes the object of what was written. Durable when it returns; before, nobody sees any of it.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`], since rights are looked at once more; [`Error::Blob`].
    pub async fn finish(self) -> Result<Stored> {
        self.finish_under(Terms::default()).await
    }

    /// The same under terms.
    ///
    /// # Errors
    /// As [`Upload::finish`]; [`Error::Changed`].
    pub async fn finish_under(self, terms: Terms) -> Result<Stored> {
        let Self { service, caller, what, version, writer, .. } = self;
        let written = writer.finish().await?;
        let commit = service.commit_of(&caller, &what.path, what.mode, version)?;
        let etag = format!("\"{}\"", written.md5);
        let known = Known { size: written.size, etag: &etag, sha256: Some(&written.sha256) };
        let mut metadata = metadata(&what.declared, &known, commit.now);
        metadata.extend(terms.known);
        let user_metadata = what.declared.user_metadata.map(Into::into);
        let done = service.commit(Commit { metadata, user_metadata, replaces: terms.replaces, ..commit }).await;
        if let Err(err) = &done
            && is_sure(err)
        {
            service.discard(&version.blob()).await;
        }
        done
    }
}

impl StorageService {
    /// Removes bytes that no row names. What cannot be removed now is the collector's.
    pub(super) async fn discard(&self, blob: &str) {
        if let Err(err) = self.0.blobs.delete(blob).await {
            tracing::debug!(error = %err, "bytes that were refused are left to the collector");
        }
    }
}

/// Whether nothing was kept for sure: of an error of the database the outcome may be unknown.
pub(super) const fn is_sure(err: &Error) -> bool {
    !matches!(err, Error::Db(_) | Error::Sql(_))
}
