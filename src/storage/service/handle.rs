//! [`StorageService`]: what the surfaces hold, and what its verbs have in common.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::auth;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config;
use crate::db::{self, Conn, Db, Dialect};
use crate::policy;
use crate::sql::Schema;
use crate::storage::model::{Caller, Version};
use crate::storage::queries::{Ask, Statements, buckets, garbage};
use crate::storage::signed_url::Signer;
use crate::storage::{Error, Result};
use crate::types::{Clock, Timestamp};

/// Where the schema of the moment comes from, with the app's policies.
pub trait CurrentSchema: Send + Sync {
    /// The schema as this node knows it.
    fn schema(&self) -> Arc<Schema>;
}

/// What storage stands on.
pub struct Parts<'v> {
    pub config: config::Storage,
    pub db: Db,
    pub blobs: Blobs,
    pub schemas: Arc<dyn CurrentSchema>,
    pub vault: &'v Vault,
    pub clock: Clock,
}

/// Keeps files and gives them back. Cheap to clone.
#[derive(Clone)]
pub struct StorageService(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: config::Storage,
    pub(super) db: Db,
    pub(super) blobs: Blobs,
    pub(super) schemas: Arc<dyn CurrentSchema>,
    pub(super) clock: Clock,
    pub(super) signer: Signer,
    /// The statements over the last schema that was asked for.
    pub(super) statements: ArcSwapOption<Statements>,
}

impl StorageService {
    /// Puts the parts together. Nothing is read or written.
    ///
    /// # Errors
    /// The key of signed URLs cannot be derived.
    pub fn new(parts: Parts<'_>) -> auth::Result<Self> {
        let Parts { config, db, blobs, schemas, vault, clock } = parts;
        let signer = Signer::new(vault)?;
        Ok(Self(Arc::new(Inner { config, db, blobs, schemas, clock, signer, statements: ArcSwapOption::empty() })))
    }

    /// The settings that surfaces go by.
    #[must_use]
    pub fn config(&self) -> &config::Storage {
        &self.0.config
    }

    pub(in crate::storage) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// When bytes that are let go now may be removed.
    pub(super) fn due(&self) -> Timestamp {
        self.now().plus(self.0.config.grace)
    }

    /// The statements for a caller over the schema of the moment.
    pub(super) fn ask(&self, caller: &Caller) -> Result<Ask> {
        Ok(Ask {
            statements: self.statements()?,
            bindings: Arc::new(policy::bindings(caller.role.as_str(), caller.uid, &caller.claims, self.now())),
            rights: policy::rights(caller.grantee()),
            dialect: if self.0.db.is_postgres() { Dialect::Postgres } else { Dialect::Sqlite },
        })
    }

    fn statements(&self) -> Result<Arc<Statements>> {
        let schema = self.0.schemas.schema();
        let known = self.0.statements.load_full().filter(|known| Arc::ptr_eq(&known.schema, &schema));
        if let Some(known) = known {
            return Ok(known);
        }
        let lowered = Arc::new(Statements::over(schema)?);
        self.0.statements.store(Some(Arc::clone(&lowered)));
        Ok(lowered)
    }
}

/// Lets go of a version's bytes: they are removed once they are due.
pub(super) async fn let_go(conn: &mut Conn, version: &str, due: Timestamp) -> db::Result<()> {
    match version.parse::<Version>() {
        Ok(Version { id, pieces: 1.. }) => garbage::add_pieces(conn, id, due).await,
        Ok(version) => garbage::add(conn, &version.blob(), due).await,
        // Not one of ours: there is nothing to remove.
        Err(_) => Ok(()),
    }
}

/// Whether a bucket holds no more than its quota, as the transaction left it.
pub(super) async fn within_quota(conn: &mut Conn, bucket: &str) -> Result<()> {
    match buckets::quota_passed(conn, bucket).await? {
        Some(quota) => Err(Error::OverQuota { quota }),
        None => Ok(()),
    }
}

/// What the database's constraints mean of a row that is made or changed.
pub(super) fn meaning(error: Error) -> Error {
    match error {
        Error::Db(db::Error::Unique { .. }) => Error::Duplicate,
        Error::Db(db::Error::ForeignKey { .. }) => Error::NoSuchBucket,
        other => other,
    }
}

/// A bound that is greater than every name that begins with a prefix, and less than all others that sort after it: no name has this
/// code point.
pub(super) fn beyond(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}")
}

impl fmt::Debug for StorageService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageService").field("blobs", &self.0.blobs).finish_non_exhaustive()
    }
}
