//! The schema of the moment, on this node.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::migrate::{self, Applied, Notice};
use super::queries::catalog;
use super::service::Current;
use crate::db;
use crate::db::Db;
use crate::sql::{Fault, Schema};
use crate::tasks::Tasks;
use crate::types::Clock;

/// How often a node looks whether another has changed the schema.
const LOOK: Duration = Duration::from_millis(500);

/// Holds the schema, changes it, and follows what other nodes change. Cheap to clone.
#[derive(Clone)]
pub struct Schemas {
    db: Db,
    clock: Clock,
    current: Arc<ArcSwap<Schema>>,
}

/// Why the schema cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The catalogue holds something that this program does not understand.
    #[error("the schema in the database cannot be read: {0}")]
    Schema(Fault),
}

impl Schemas {
    /// Loads the schema.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub async fn open(db: Db, clock: Clock) -> Result<Self, LoadError> {
        let schemas = Self { db, clock, current: Arc::default() };
        schemas.reload().await?;
        Ok(schemas)
    }

    /// The schema as this node knows it.
    #[must_use]
    pub fn current(&self) -> Arc<Schema> {
        self.current.load_full()
    }

    /// Applies statements in one transaction; the next request on this node sees what they made.
    ///
    /// # Errors
    ///
    /// As [`migrate::apply`].
    pub async fn apply(&self, sql: &str) -> Result<Applied, migrate::Error> {
        let applied = migrate::apply(&self.db, &self.clock, sql).await?;
        for notice in &applied.notices {
            let Notice { statement, reason, .. } = notice;
            tracing::warn!(
                statement,
                reason,
                "PostgreSQL did not take `{statement}` natively, and requests do without: {reason}"
            );
        }
        if let Some(schema) = &applied.schema {
            self.replace(Arc::clone(schema));
        }
        Ok(applied)
    }

    /// Looks whether the schema was changed elsewhere, and loads it if so. For when a name is not known.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub async fn refresh(&self) -> Result<(), LoadError> {
        let version = catalog::version(&mut self.db.read().await?).await?;
        if version == self.current().catalog().version { Ok(()) } else { self.reload().await }
    }

    /// Follows changes of other nodes until the server stops. On SQLite there are none.
    pub fn follow(&self, tasks: &Tasks) {
        if !self.db.is_postgres() {
            return;
        }
        let (schemas, stop) = (self.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.soft_stopped() => return,
                }
                if let Err(err) = schemas.refresh().await {
                    tracing::warn!(error = %err, "the schema could not be looked at: {err}");
                }
            }
        }));
    }

    async fn reload(&self) -> Result<(), LoadError> {
        let catalog = self.db.read_snapshot::<_, db::Error, _>(|conn| Box::pin(catalog::load(conn))).await?;
        self.replace(Arc::new(Schema::build(catalog).map_err(LoadError::Schema)?));
        Ok(())
    }

    /// Puts a schema in the place of an older one.
    fn replace(&self, schema: Arc<Schema>) {
        self.current.rcu(|current| {
            let newer = schema.catalog().version >= current.catalog().version;
            if newer { Arc::clone(&schema) } else { Arc::clone(current) }
        });
    }
}

impl Current for Schemas {
    fn schema(&self) -> Arc<Schema> {
        self.current()
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemas").field("version", &self.current().catalog().version).finish_non_exhaustive()
    }
}
