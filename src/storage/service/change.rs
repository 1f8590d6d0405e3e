//! Moving and deleting objects.

use std::sync::Arc;

use super::{StorageService, beyond, let_go, meaning, within_quota};
use crate::db;
use crate::storage::model::{BucketName, Caller, Object, ObjectName, ObjectPath};
use crate::storage::queries::{Ask, Own, Value, buckets, own};
use crate::storage::{Error, Result};

/// Objects that one transaction deletes.
const BATCH: usize = 500;

/// Objects that one call deletes by prefixes.
const MOST: usize = 10_000;

impl StorageService {
    /// Deletes the objects of these names that the caller may see and delete; gives them. Of the others nothing is said.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`]; [`Error::Conflict`] when a row of the app refers to one.
    pub async fn delete(&self, caller: &Caller, bucket: &BucketName, names: &[ObjectName]) -> Result<Vec<Object>> {
        self.exists(bucket).await?;
        let ask = self.ask(caller)?;
        let mut deleted = Vec::new();
        for names in names.chunks(BATCH) {
            let names = names.iter().map(|name| name.as_str().to_owned()).collect();
            deleted.extend(self.delete_names(&ask, bucket, names).await?);
        }
        Ok(deleted)
    }

    /// Deletes everything whose name begins with a prefix and that the caller may see and delete, 10,000 objects at the most; gives
    /// them.
    ///
    /// # Errors
    /// As [`StorageService::delete`].
    pub async fn delete_below(&self, caller: &Caller, bucket: &BucketName, prefix: &str) -> Result<Vec<Object>> {
        self.exists(bucket).await?;
        let ask = self.ask(caller)?;
        let (below, mut after) = (beyond(prefix), prefix.to_owned());
        let mut deleted = Vec::new();
        while deleted.len() < MOST {
            let values = vec![
                bucket.as_str().into(),
                Value::Text(after.clone()),
                Value::Text(below.clone()),
                Value::Int(i64::try_from(BATCH).ok()),
            ];
            let seen: Vec<Object> = own::rows(&mut self.0.db.read().await?, ask.compiled(Own::Names, values)?).await?;
            let Some(last) = seen.last() else { break };
            last.name.clone_into(&mut after);
            let names = seen.into_iter().map(|object| object.name).collect();
            deleted.extend(self.delete_names(&ask, bucket, names).await?);
        }
        Ok(deleted)
    }

    /// Deletes one object.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`] when the caller does not see it, [`Error::Refused`] when it may not be deleted; as
    /// [`StorageService::delete`].
    pub async fn delete_one(&self, caller: &Caller, path: &ObjectPath) -> Result<Object> {
        let deleted = self.delete(caller, &path.bucket, std::slice::from_ref(&path.name)).await?.pop();
        match deleted {
            Some(object) => Ok(object),
            None => Err(self.why_untouched(&self.ask(caller)?, path).await?),
        }
    }

    async fn delete_names(&self, ask: &Ask, bucket: &BucketName, names: Vec<String>) -> Result<Vec<Object>> {
        let compiled = ask.compiled(Own::Delete, vec![bucket.as_str().into(), Value::Texts(Some(names))])?;
        let (compiled, due) = (Arc::new(compiled), self.due());
        let done = self.0.db.write(move |tx| {
            let compiled = Arc::clone(&compiled);
            Box::pin(async move {
                let deleted: Vec<Object> = own::rows(tx, compiled.as_ref().clone()).await?;
                for object in &deleted {
                    let_go(tx, &object.version, due).await?;
                }
                Ok::<_, Error>(deleted)
            })
        });
        done.await.map_err(|err| match err {
            Error::Db(db::Error::ForeignKey { .. }) => {
                Error::Conflict("a row of the app refers to the object; delete that row first".to_owned())
            }
            other => other,
        })
    }

    /// Gives an object another name, or another bucket. Its bytes stay where they are.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::NoSuchKey`], [`Error::Refused`], [`Error::Duplicate`], [`Error::MimeNotAllowed`],
    /// [`Error::TooLarge`], [`Error::OverQuota`].
    pub async fn rename(&self, caller: &Caller, from: &ObjectPath, to: &ObjectPath) -> Result<Object> {
        let mut conn = self.0.db.read().await?;
        buckets::find(&mut conn, from.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        let target = buckets::find(&mut conn, to.bucket.as_str()).await?.ok_or(Error::NoSuchBucket)?;
        drop(conn);
        let ask = self.ask(caller)?;
        let values = vec![
            from.bucket.as_str().into(),
            from.name.as_str().into(),
            to.bucket.as_str().into(),
            to.name.as_str().into(),
            Value::At(self.now()),
        ];
        let compiled = Arc::new(ask.compiled(Own::Move, values)?);
        let (service, is_elsewhere) = (self.clone(), from.bucket != to.bucket);
        let done = self.0.db.write(move |tx| {
            let (compiled, target, service) = (Arc::clone(&compiled), target.clone(), service.clone());
            Box::pin(async move {
                let mut moved: Vec<Object> = own::rows(tx, compiled.as_ref().clone()).await?;
                let object = moved.pop();
                if let Some(object) = object.as_ref().filter(|_| is_elsewhere) {
                    service.fits(&target, object.media_type(), Some(object.size()))?;
                    within_quota(tx, &target.id).await?;
                }
                Ok::<_, Error>(object)
            })
        });
        match done.await.map_err(meaning)? {
            Some(object) => Ok(object),
            None => Err(self.why_untouched(&ask, from).await?),
        }
    }

    /// Why a statement did nothing to an object: it is not there for the caller, or may not be changed.
    async fn why_untouched(&self, ask: &Ask, path: &ObjectPath) -> Result<Error> {
        let values = vec![path.bucket.as_str().into(), path.name.as_str().into()];
        let seen: Vec<Object> = own::rows(&mut self.0.db.read().await?, ask.compiled(Own::Find, values)?).await?;
        Ok(if seen.is_empty() { Error::NoSuchKey } else { Error::row_refused("objects") })
    }

    /// Whether a bucket is there.
    async fn exists(&self, bucket: &BucketName) -> Result<()> {
        let found = buckets::find(&mut self.0.db.read().await?, bucket.as_str()).await?;
        found.map(drop).ok_or(Error::NoSuchBucket)
    }
}
