//! Signed URLs.

use std::time::Duration;

use super::{StorageService, Upload};
use crate::storage::model::{BucketName, Caller, Declared, Mode, Object, ObjectName, ObjectPath, Uploading};
use crate::storage::queries::{Own, Value, buckets, own};
use crate::storage::signed_url::Action;
use crate::storage::{Error, Result};

/// How long a URL for an upload is good for.
const UPLOAD_LIFETIME: Duration = Duration::from_secs(2 * 3600);

impl StorageService {
    /// A token that lets whoever has it download an object that the caller may see.
    ///
    /// # Errors
    /// As [`StorageService::find`]; [`Error::InvalidInput`] for a time that is too long.
    pub async fn sign_download(&self, caller: &Caller, path: &ObjectPath, lifetime: Duration) -> Result<String> {
        self.find(caller, path).await?;
        self.0.signer.sign(path, (Action::Download, false), None, (self.now(), lifetime))
    }

    /// The same for many names of a bucket; `None` for those that the caller does not see.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; [`Error::InvalidInput`] for a time that is too long.
    pub async fn sign_downloads(
        &self,
        caller: &Caller,
        bucket: &BucketName,
        names: &[ObjectName],
        lifetime: Duration,
    ) -> Result<Vec<Option<String>>> {
        let mut conn = self.0.db.read().await?;
        let found = buckets::find(&mut conn, bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let ask = if found.public { self.ask(&Caller::server(None))? } else { self.ask(caller)? };
        let texts = names.iter().map(|name| name.as_str().to_owned()).collect();
        let compiled = ask.compiled(Own::FindMany, vec![bucket.as_str().into(), Value::Texts(Some(texts))])?;
        let seen: Vec<Object> = own::rows(&mut conn, compiled).await?;
        let now = self.now();
        let sign = |name: &ObjectName| {
            if !seen.iter().any(|object| object.name == name.as_str()) {
                return Ok(None);
            }
            let path = ObjectPath { bucket: bucket.clone(), name: name.clone() };
            self.0.signer.sign(&path, (Action::Download, false), None, (now, lifetime)).map(Some)
        };
        names.iter().map(sign).collect()
    }

    /// The object that a download's token is for.
    ///
    /// # Errors
    /// [`Error::InvalidToken`]; [`Error::NoSuchKey`].
    pub async fn find_signed(&self, path: &ObjectPath, token: &str) -> Result<Object> {
        self.0.signer.verify(token, path, Action::Download, self.now())?;
        self.find(&Caller::server(None), path).await
    }

    /// A token that lets whoever has it upload an object that the caller may make.
    ///
    /// # Errors
    /// As [`StorageService::begin_upload`].
    pub async fn sign_upload(&self, caller: &Caller, path: &ObjectPath, upsert: bool) -> Result<String> {
        let mode = if upsert { Mode::Upsert } else { Mode::Create };
        let what = Uploading { path: path.clone(), mode, declared: Declared::default(), length: None };
        match self.admit(caller, &what).await {
            // What is uploaded will say its own media type.
            Ok(_) | Err(Error::MimeNotAllowed(_)) => {}
            Err(err) => return Err(err),
        }
        self.0.signer.sign(path, (Action::Upload, upsert), caller.owner, (self.now(), UPLOAD_LIFETIME))
    }

    /// Whose upload a token lets through, and how: it says whether an object is replaced, whatever the request does.
    ///
    /// # Errors
    /// [`Error::InvalidToken`].
    pub fn signed_upload(&self, path: &ObjectPath, token: &str) -> Result<(Caller, Mode)> {
        let claims = self.0.signer.verify(token, path, Action::Upload, self.now())?;
        Ok((Caller::server(claims.owner), if claims.upsert { Mode::Upsert } else { Mode::Create }))
    }

    /// Begins an upload that a token lets through.
    ///
    /// # Errors
    /// [`Error::InvalidToken`]; as [`StorageService::begin_upload`].
    pub async fn begin_signed_upload(&self, token: &str, what: Uploading) -> Result<Upload> {
        let (caller, mode) = self.signed_upload(&what.path, token)?;
        self.begin_upload(&caller, Uploading { mode, ..what }).await
    }
}
