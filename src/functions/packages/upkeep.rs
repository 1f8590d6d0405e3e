//! Removing blobs that nobody needs any more: sources of revisions that are gone, bundles of those and of other builds of the server.
//!
//! Several nodes may do this at once, while others deploy:
//!
//! - A source's key is announced in the database before the source is stored, and the revision that refers to it is made in the
//!   transaction that takes the announcement back. What is in the store and neither announced nor referred to *afterwards* will
//!   never be needed again, since no key is used twice. So the store is listed first, and then the database is read.
//! - A revision that is copied from the live one is made in a transaction that has the function's row, as every change has that
//!   could remove the live one.
//! - A bundle can be made again, so one that is removed under somebody's hands costs a compilation.
//!
//! What is not needed stays for a while: calls under way may start environments of a revision that is gone. How long is measured by
//! this process, from when it noticed, so no two clocks are compared; a restart begins anew.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::Packages;
use super::built::MadeOf;
use crate::functions::error::{Error, Result};
use crate::functions::model::SourceKind;
use crate::functions::queries::sources::{self, Needed};

/// Where sources and bundles are kept.
const FOLDER: &str = "functions";

/// What was not needed when it was last looked at, and since when.
#[derive(Debug, Default)]
pub(in crate::functions) struct Unneeded {
    blobs: HashMap<String, Instant>,
    announcements: HashMap<String, Instant>,
}

impl Packages {
    /// Removes the blobs that nobody has needed for `grace`, and takes back announcements that are older; gives how many blobs were
    /// removed. `unneeded` is what was found the last time.
    ///
    /// # Errors
    /// When the blob store or the database fails; some may have been removed.
    pub(in crate::functions) async fn remove_unneeded(&self, unneeded: &mut Unneeded, grace: Duration) -> Result<usize> {
        let stored = self.blobs.list(FOLDER).await?;
        let build = self.build().await?;
        let needed = sources::needed(&mut self.db.read().await?).await?;
        let keep = keys_of(&needed, &build);
        let candidates = stored.into_iter().filter(|key| !keep.contains(key));
        let mut removed = self.blobs.remove_unfinished(FOLDER, grace).await?;
        for key in overdue(&mut unneeded.blobs, candidates, grace) {
            removed += usize::from(self.blobs.delete(&key).await?);
        }
        for key in overdue(&mut unneeded.announcements, needed.announced.into_iter(), grace) {
            self.take_back(key).await?;
        }
        Ok(removed)
    }

    /// Says that a source is about to be stored under a key that was never used before.
    pub(super) async fn announce(&self, key: String) -> Result<()> {
        self.db
            .write(move |tx| {
                let key = key.clone();
                Box::pin(async move { Ok::<_, Error>(sources::announce(tx, &key).await?) })
            })
            .await
    }

    /// Gives up a source whose revision was not made: should that still be tried, it fails.
    async fn take_back(&self, key: String) -> Result<()> {
        self.db
            .write(move |tx| {
                let key = key.clone();
                Box::pin(async move { Ok::<_, Error>(sources::redeem(tx, &key).await?) })
            })
            .await?;
        Ok(())
    }
}

/// What is needed: the sources of all revisions, those still to come, and what this build makes of the former.
fn keys_of(needed: &Needed, build: &str) -> HashSet<String> {
    let mut keys: HashSet<String> = needed.announced.iter().cloned().collect();
    for (key, source_sha256, language, handler) in &needed.revisions {
        keys.insert(key.clone());
        if let Some(kind) = SourceKind::named(language) {
            keys.insert(MadeOf { source_sha256, kind, handler: handler.as_deref() }.key(build));
        }
    }
    keys
}

/// Remembers the keys there are now, and forgets others; gives those that have been there for at least `grace`.
fn overdue(since: &mut HashMap<String, Instant>, keys: impl Iterator<Item = String>, grace: Duration) -> Vec<String> {
    let now = Instant::now();
    let before = std::mem::take(since);
    since.extend(keys.map(|key| (before.get(&key).copied().unwrap_or(now), key)).map(|(at, key)| (key, at)));
    since.iter().filter(|(_, at)| now.duration_since(**at) >= grace).map(|(key, _)| key.clone()).collect()
}
