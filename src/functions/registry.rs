//! Which revision a name stands for now, without asking the database on every call.
//!
//! What is known is at most [`REMEMBERED`] old, so a node that did not hear of a deployment follows within that time. On the
//! node that deployed, the change counts at once: every change moves an epoch forward, and what was read before the change is
//! not remembered after it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use super::error::{Error, Result};
use super::model::Revision;
use super::queries;
use crate::db::Db;
use crate::types::FunctionName;

/// How long a name's revision is taken as true on a node that did not hear of a change.
const REMEMBERED: Duration = Duration::from_secs(2);

/// Names remembered at the most.
const NAMES: u64 = 10_000;

/// Finds live revisions. Cheap to clone.
#[derive(Clone)]
pub(super) struct Registry {
    db: Db,
    live: Cache<FunctionName, Arc<Revision>>,
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
        let live = Cache::builder().max_capacity(NAMES).time_to_live(REMEMBERED).build();
        Self { db, live, epoch: Arc::default() }
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
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if *epoch == before {
            self.live.insert(name.clone(), Arc::clone(&revision));
        }
        drop(epoch);
        Ok(Found::Read(revision))
    }

    /// Forgets a name. To be called after a change is committed, and before it is answered.
    pub(super) fn forget(&self, name: &FunctionName) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.live.invalidate(name);
    }

    fn epoch(&self) -> u64 {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
