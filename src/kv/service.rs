//! The verbs of stores.

use std::time::Duration;

use uuid::Uuid;

use super::error::{Error, Result};
use super::model::{Change, Content, Entry, Key, MAX_LIFETIME, MAX_NUMBER, MAX_PAGE, Only, Page, StoreName, part_of_key};
use super::queries::{self, Written};
use crate::db::Db;
use crate::tasks::Tasks;
use crate::types::{Clock, Timestamp};

/// How often entries are removed whose time is over.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// How many of them in one transaction.
const FORGET: u32 = 1000;

/// Keys of a page unless it is asked for another number.
const PAGE: u32 = 100;

/// Reads and writes entries. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KvService {
    db: Db,
    clock: Clock,
}

impl KvService {
    /// Stores in the system database. Until the server stops, what is over is removed.
    #[must_use]
    pub fn open(db: Db, clock: Clock, tasks: &Tasks) -> Self {
        let kv = Self { db, clock };
        drop(tasks.spawn(kv.clone().keep_tidy(tasks.clone())));
        kv
    }

    /// An entry; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, store: &StoreName, key: &Key) -> Result<Option<Entry>> {
        Ok(queries::find(&mut self.db.read().await?, store, key, self.clock.now()).await?)
    }

    /// Writes an entry; its version, or `None` when what must be so is not.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a time that is too long, or the database fails: nothing is written.
    pub async fn set(&self, store: StoreName, key: Key, change: Change) -> Result<Option<Uuid>> {
        let Change { content, expires_in, only } = change;
        let (now, version) = (self.clock.now(), Uuid::new_v4());
        let written = Written { content, version, expires_at: end_of(expires_in, now)?, now };
        let done = self.db.write(move |tx| {
            let (store, key, written) = (store.clone(), key.clone(), written.clone());
            Box::pin(async move { Ok::<_, Error>(queries::write(tx, &store, &key, &written, only).await?) })
        });
        Ok(done.await?.then_some(version))
    }

    /// Deletes an entry; whether there was one for which what must be so was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, store: StoreName, key: Key, only: Only) -> Result<bool> {
        let now = self.clock.now();
        let deleted = self.db.write(move |tx| {
            let (store, key) = (store.clone(), key.clone());
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, &store, &key, only, now).await?) })
        });
        deleted.await
    }

    /// Adds to a number, which is 0 where there is none; the sum, and the entry's version. `expires_in` counts for an entry that
    /// this makes.
    ///
    /// # Errors
    /// [`Error::NoNumber`], [`Error::TooLarge`], [`Error::Invalid`], or the database fails: nothing is added.
    pub async fn increment(&self, store: StoreName, key: Key, by: i64, expires_in: Option<Duration>) -> Result<(i64, Uuid)> {
        if by.unsigned_abs() > MAX_NUMBER.unsigned_abs() {
            return Err(Error::TooLarge(key.as_str().to_owned()));
        }
        let (now, version) = (self.clock.now(), Uuid::new_v4());
        let expires_at = end_of(expires_in, now)?;
        let added = self.db.write(move |tx| {
            let (store, key) = (store.clone(), key.clone());
            Box::pin(async move {
                if let Some(sum) = queries::increment(tx, &store, &key, by, (version, expires_at, now)).await? {
                    return Ok(sum);
                }
                let found = queries::find(tx, &store, &key, now).await?;
                let name = key.as_str().to_owned();
                Err(match found.map(|entry| entry.content) {
                    Some(Content::Number(_)) => Error::TooLarge(name),
                    _ => Error::NoNumber(name),
                })
            })
        });
        Ok((added.await?, version))
    }

    /// The keys with a prefix behind one of them, in the order of their bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`], or the database fails.
    pub async fn list(&self, store: &StoreName, prefix: &str, after: Option<&str>, limit: Option<u32>) -> Result<Page> {
        let limit = limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Error::Invalid { field: "limit", message: format!("must be a whole number from 1 to {MAX_PAGE}") });
        }
        let prefix = part_of_key("prefix", prefix)?;
        let after = after.map(|after| part_of_key("cursor", after)).transpose()?;
        let mut conn = self.db.read().await?;
        let mut keys = queries::list(&mut conn, store, (&prefix, after.as_deref()), self.clock.now(), limit + 1).await?;
        let more = keys.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            keys.pop();
        }
        Ok(Page { keys, more })
    }

    async fn keep_tidy(self, tasks: Tasks) {
        while !tasks.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep(FORGET_EVERY) => {}
                () = tasks.soft_stopped() => return,
            }
            if let Err(err) = self.forget().await {
                tracing::warn!(error = %err, "entries of key-value stores whose time is over stay for now: {err}");
            }
        }
    }

    async fn forget(&self) -> Result<()> {
        loop {
            let now = self.clock.now();
            let forgotten =
                self.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(queries::forget(tx, now, FORGET).await?) })).await?;
            if forgotten < u64::from(FORGET) {
                return Ok(());
            }
        }
    }
}

/// When an entry of this moment is over.
fn end_of(expires_in: Option<Duration>, now: Timestamp) -> Result<Option<Timestamp>> {
    if expires_in.is_some_and(|time| time > MAX_LIFETIME) {
        let message = format!("must be {} seconds from now at the most", MAX_LIFETIME.as_secs());
        return Err(Error::Invalid { field: "expires", message });
    }
    Ok(expires_in.map(|time| now.plus(time)))
}
