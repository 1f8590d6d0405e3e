//! Which revision a name, a version or an alias stands for now, and what a function URL calls, without asking the database on every
//! call.
//!
//! What is known is at most [`REMEMBERED`] old, so a node that did not hear of a deployment follows within that time. On the
//! node that deployed, the change counts at once: every change moves an epoch forward, and what was read before the change is
//! not remembered after it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use super::error::{Error, Result};
use super::model::{Alias, FunctionUrl, Policy, Revision};
use super::queries;
use crate::db::Db;
use crate::types::FunctionName;

/// How long a name's revision is taken as true on a node that did not hear of a change.
const REMEMBERED: Duration = Duration::from_secs(2);

/// Names remembered at the most.
const NAMES: u64 = 10_000;

/// A URL, and the policy of what it calls.
pub(super) type UrlAndPolicy = (Arc<FunctionUrl>, Option<Arc<Policy>>);

/// Finds revisions. Cheap to clone.
#[derive(Clone)]
pub(super) struct Registry {
    db: Db,
    live: Cache<FunctionName, Arc<Revision>>,
    versions: Cache<(FunctionName, i64), Arc<Revision>>,
    aliases: Cache<(FunctionName, String), Arc<Alias>>,
    urls: Cache<String, UrlAndPolicy>,
    /// Counts the changes made on this node.
    epoch: Arc<Mutex<u64>>,
}

/// A revision, and whether it was read anew.
pub(super) enum Found {
    Remembered(Arc<Revision>),
    Read(Arc<Revision>),
}

impl Registry {
    pub(super) fn new(db: Db) -> Self {
        Self { db, live: cache(), versions: cache(), aliases: cache(), urls: cache(), epoch: Arc::default() }
    }

    /// The live revision of a function.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database failed.
    pub(super) async fn live(&self, name: &FunctionName) -> Result<Found> {
        if let Some(revision) = self.live.get(name) {
            return Ok(Found::Remembered(revision));
        }
        let before = self.epoch();
        let found = {
            let mut conn = self.db.read().await?;
            queries::functions::find_live(&mut conn, name).await?
        };
        let revision = Arc::new(found.ok_or_else(|| Error::UnknownFunction(name.clone()))?);
        self.remember(before, || self.live.insert(name.clone(), Arc::clone(&revision)));
        Ok(Found::Read(revision))
    }

    /// A version of a function; `None` when there is none.
    ///
    /// # Errors
    /// When the database failed.
    pub(super) async fn version(&self, name: &FunctionName, version: i64) -> Result<Option<Found>> {
        let key = (name.clone(), version);
        if let Some(revision) = self.versions.get(&key) {
            return Ok(Some(Found::Remembered(revision)));
        }
        let before = self.epoch();
        let found = queries::versions::find(&mut self.db.read().await?, name, version).await?;
        let Some(revision) = found.map(Arc::new) else { return Ok(None) };
        self.remember(before, || self.versions.insert(key, Arc::clone(&revision)));
        Ok(Some(Found::Read(revision)))
    }

    /// An alias of a function; `None` when there is none.
    ///
    /// # Errors
    /// When the database failed.
    pub(super) async fn alias(&self, name: &FunctionName, alias: &str) -> Result<Option<Arc<Alias>>> {
        let key = (name.clone(), alias.to_owned());
        if let Some(alias) = self.aliases.get(&key) {
            return Ok(Some(alias));
        }
        let before = self.epoch();
        let found = queries::aliases::find(&mut self.db.read().await?, name, alias).await?;
        let Some(alias) = found.map(Arc::new) else { return Ok(None) };
        self.remember(before, || self.aliases.insert(key, Arc::clone(&alias)));
        Ok(Some(alias))
    }

    /// A URL by its id, where that is remembered.
    pub(super) fn url(&self, id: &str) -> Option<UrlAndPolicy> {
        self.urls.get(id)
    }

    /// Remembers a URL that was read in this epoch.
    pub(super) fn remember_url(&self, epoch: u64, id: &str, url: UrlAndPolicy) {
        self.remember(epoch, || self.urls.insert(id.to_owned(), url));
    }

    /// Remembers what was read, unless something was changed since.
    fn remember(&self, before: u64, insert: impl FnOnce()) {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if *epoch == before {
            insert();
        }
    }

    /// Forgets a name. To be called after a change is committed, and before it is answered.
    pub(super) fn forget(&self, name: &FunctionName) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.live.invalidate(name);
        self.urls.invalidate_all();
        for (key, _) in self.versions.iter().filter(|(key, _)| key.0 == *name) {
            self.versions.invalidate(&*key);
        }
        for (key, _) in self.aliases.iter().filter(|(key, _)| key.0 == *name) {
            self.aliases.invalidate(&*key);
        }
    }

    /// Counts the changes made on this node.
    pub(super) fn epoch(&self) -> u64 {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cache whose entries are good for a moment.
fn cache<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(NAMES).time_to_live(REMEMBERED).build()
}
