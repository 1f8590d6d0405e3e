//! Buckets.

use std::collections::HashMap;
use std::sync::Arc;

use super::{StorageService, meaning};
use crate::db;
use crate::storage::model::{Bucket, BucketChanges, BucketName, Caller, NewBucket, Quota};
use crate::storage::queries::{Own, Value, buckets, garbage, own, uploads};
use crate::storage::{Error, Result};

/// Media types that a bucket's list may have.
const MAX_TYPES: usize = 100;

impl StorageService {
    /// The buckets that a caller may see and whose names begin with a text.
    ///
    /// # Errors
    /// What a policy is refused for.
    pub async fn list_buckets(&self, caller: &Caller, search: &str, limit: u32, offset: u32) -> Result<Vec<Bucket>> {
        let values = vec![search.into(), Value::Int(Some(limit.into())), Value::Int(Some(offset.into()))];
        let mut conn = self.0.db.read().await?;
        let mut seen: Vec<Bucket> = own::rows(&mut conn, self.ask(caller)?.compiled(Own::ListBuckets, values)?).await?;
        let quotas: HashMap<String, Quota> = buckets::quotas(&mut conn).await?.into_iter().collect();
        for bucket in &mut seen {
            bucket.quota = quotas.get(&bucket.id).copied();
        }
        Ok(seen)
    }

    /// A bucket that a caller may see.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`].
    pub async fn find_bucket(&self, caller: &Caller, id: &BucketName) -> Result<Bucket> {
        let compiled = self.ask(caller)?.compiled(Own::FindBucket, vec![id.as_str().into()])?;
        let mut conn = self.0.db.read().await?;
        let mut seen: Bucket = own::rows(&mut conn, compiled).await?.pop().ok_or(Error::NoSuchBucket)?;
        seen.quota = buckets::find(&mut conn, id.as_str()).await?.and_then(|bucket| bucket.quota);
        Ok(seen)
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::Refused`], [`Error::InvalidInput`].
    pub async fn create_bucket(&self, caller: &Caller, new: &NewBucket) -> Result<()> {
        check_types(new.allowed_mime_types.as_deref())?;
        let values = vec![
            new.name.as_str().into(),
            Value::Id(caller.owner),
            Value::Said(caller.owner.map(|owner| owner.to_string())),
            Value::At(self.now()),
            Value::Flag(new.public),
            Value::Int(new.file_size_limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX))),
            Value::Texts(new.allowed_mime_types.clone()),
        ];
        let quota = quota_for(caller, new.quota)?.unwrap_or(self.0.config.bucket_quota);
        let compiled = Arc::new(self.ask(caller)?.compiled(Own::InsertBucket, values)?);
        let id = new.name.clone();
        let done = self.0.db.write(move |tx| {
            let (compiled, id) = (Arc::clone(&compiled), id.clone());
            Box::pin(async move {
                own::done(tx, compiled.as_ref().clone()).await?;
                if quota.is_some() {
                    buckets::set_quota(tx, id.as_str(), quota).await?;
                }
                Ok::<_, Error>(())
            })
        });
        done.await.map_err(of_bucket)
    }

    /// Changes a bucket. Objects that are there stay, whatever the new limits are.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::Refused`], [`Error::InvalidInput`].
    pub async fn update_bucket(&self, caller: &Caller, id: &BucketName, changes: &BucketChanges) -> Result<()> {
        check_types(changes.allowed_mime_types.as_ref().and_then(|types| types.as_deref()))?;
        let quota = quota_for(caller, changes.quota)?;
        let ask = self.ask(caller)?;
        let (id, changes, now) = (id.clone(), changes.clone(), self.now());
        let done = self.0.db.write(move |tx| {
            let (ask, id, changes) = (ask.clone(), id.clone(), changes.clone());
            Box::pin(async move {
                if quota.is_some() {
                    buckets::hold_usage(tx).await?;
                }
                let seen: Vec<Bucket> = own::rows(tx, ask.compiled(Own::FindBucket, vec![id.as_str().into()])?).await?;
                let there = seen.into_iter().next().ok_or(Error::NoSuchBucket)?;
                let limit = match changes.file_size_limit {
                    Some(limit) => limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)),
                    None => there.file_size_limit,
                };
                let values = vec![
                    id.as_str().into(),
                    Value::Flag(changes.public.unwrap_or(there.public)),
                    Value::Int(limit),
                    Value::Texts(changes.allowed_mime_types.unwrap_or(there.allowed_mime_types)),
                    Value::At(now),
                ];
                let changed: Vec<Bucket> = own::rows(tx, ask.compiled(Own::UpdateBucket, values)?).await?;
                if changed.is_empty() {
                    return Err(Error::row_refused("buckets"));
                }
                if let Some(quota) = quota {
                    buckets::set_quota(tx, id.as_str(), quota).await?;
                }
                Ok(())
            })
        });
        done.await.map_err(of_bucket)
    }

    /// Deletes a bucket that has no objects.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], [`Error::BucketNotEmpty`], [`Error::Refused`].
    pub async fn delete_bucket(&self, caller: &Caller, id: &BucketName) -> Result<()> {
        let (ask, due) = (self.ask(caller)?, self.due());
        let id = id.clone();
        let done = self.0.db.write(move |tx| {
            let (ask, id) = (ask.clone(), id.clone());
            Box::pin(async move {
                let find = ask.compiled(Own::FindBucket, vec![id.as_str().into()])?;
                let seen: Vec<Bucket> = own::rows(tx, find).await?;
                if seen.is_empty() {
                    return Err(Error::NoSuchBucket);
                }
                if buckets::has_objects(tx, id.as_str()).await? {
                    return Err(Error::BucketNotEmpty);
                }
                // They go with the bucket.
                for upload in uploads::of_bucket(tx, id.as_str()).await? {
                    garbage::add_pieces(tx, upload, due).await?;
                }
                let deleted: Vec<Bucket> = own::rows(tx, ask.compiled(Own::DeleteBucket, vec![id.as_str().into()])?).await?;
                if deleted.is_empty() { Err(Error::row_refused("buckets")) } else { Ok(()) }
            })
        });
        done.await.map_err(of_bucket)
    }

    /// Deletes every object of a bucket. For the server's owner alone.
    ///
    /// # Errors
    /// [`Error::Refused`] for others; [`Error::NoSuchBucket`].
    pub async fn empty_bucket(&self, caller: &Caller, id: &BucketName) -> Result<u64> {
        if !caller.is_service() {
            return Err(Error::Refused("emptying a bucket needs the service key".to_owned()));
        }
        let mut count = 0;
        loop {
            let deleted = self.delete_below(caller, id, "").await?.len();
            if deleted == 0 {
                return Ok(count);
            }
            count += deleted as u64;
        }
    }
}

/// The quota that a caller sets, if any: only the server's owner may.
fn quota_for(caller: &Caller, said: Option<Option<u64>>) -> Result<Option<Option<u64>>> {
    if said.is_some() && !caller.is_service() {
        return Err(Error::Refused("a bucket's quota is set with the service key".to_owned()));
    }
    Ok(said)
}

fn check_types(types: Option<&[String]>) -> Result<()> {
    let types = types.unwrap_or_default();
    if types.len() > MAX_TYPES {
        return Err(Error::InvalidInput(format!("allowed_mime_types has at most {MAX_TYPES} entries")));
    }
    let good = |text: &String| {
        let token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        text.len() <= 255 && text.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub))
    };
    match types.iter().find(|text| !good(text)) {
        Some(text) => Err(Error::InvalidInput(format!("{text:?} is no media type: write image/png, image/* or */*"))),
        None => Ok(()),
    }
}

/// An error of a statement about buckets.
fn of_bucket(error: Error) -> Error {
    match error {
        // Another put an object into it in this moment.
        Error::Db(db::Error::ForeignKey { .. }) => Error::BucketNotEmpty,
        error => match meaning(error) {
            Error::Refused(message) => Error::Refused(message.replace("\"objects\"", "\"buckets\"")),
            other => other,
        },
    }
}
