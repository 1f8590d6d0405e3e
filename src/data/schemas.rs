//! The schema of the moment, on this node.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics::{counter, describe_counter};

use super::migrate::{self, Applied};
use super::queries::catalog;
use super::service::Current;
use crate::config;
use crate::db::{self, Db, Listener};
use crate::sql::{Fault, Schema};
use crate::tasks::Tasks;
use crate::types::Clock;

/// How often a node looks whether another has changed the schema, while it does not hear of it.
const LOOK: Duration = Duration::from_millis(500);

/// The same while it does: a connection that is cut somewhere on the way is silent.
const LOOK_WHILE_LISTENING: Duration = Duration::from_secs(5);

/// Holds the schema, changes it, and follows what other nodes change. Cheap to clone.
#[derive(Clone)]
pub struct Schemas {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) settings: Arc<config::Data>,
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
    pub async fn open(db: Db, clock: Clock, tasks: &Tasks, settings: config::Data) -> Result<Self, LoadError> {
        let schemas = Self { db, clock, tasks: tasks.clone(), settings: Arc::new(settings), current: Arc::default() };
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
    pub async fn apply(&self, sql: String) -> Result<Applied, migrate::Error> {
        let schemas = self.clone();
        let run = async move { migrate::apply(&schemas.db, &schemas.clock, sql, schemas.settings.sql_timeout).await };
        let applied = self.on_the_core(run).await??;
        applied.warn();
        if let Some(schema) = &applied.schema {
            self.replace(Arc::clone(schema));
        }
        Ok(applied)
    }

    /// Runs what works out schemas between its statements where no web worker waits for it.
    pub(super) async fn on_the_core<F>(&self, run: F) -> db::Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.tasks.spawn(run).await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(db::Error::Unavailable("the server is stopping".to_owned())),
            Err(_) => Err(db::Error::Panicked),
        }
    }

    /// Looks whether the schema was changed elsewhere, and loads it if so. Whether it was.
    ///
    /// # Errors
    ///
    /// [`LoadError`].
    pub async fn refresh(&self) -> Result<bool, LoadError> {
        let version = catalog::version(&mut self.db.read().await?).await?;
        if version == self.current().catalog().version {
            return Ok(false);
        }
        self.reload().await?;
        Ok(true)
    }

    /// Follows changes of other nodes until the server stops. On SQLite there are none.
    pub fn follow(&self, tasks: &Tasks) {
        if !self.db.is_postgres() {
            return;
        }
        describe_counter!(
            "plinth_schema_changes_total",
            "Changes of the schema by other nodes, and whether they were heard of or seen"
        );
        let (schemas, stop) = (self.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            tokio::select! {
                () = schemas.listen() => {}
                () = stop.soft_stopped() => {}
            }
        }));
    }

    /// Listens to what is announced, and looks now and then besides.
    async fn listen(&self) {
        let mut listener: Option<Listener> = None;
        loop {
            if listener.is_none() {
                listener = self.db.listen(catalog::CHANNEL).await.unwrap_or_else(|err| {
                    tracing::warn!(error = %err, "changes of the schema are looked for, since they cannot be listened to: {err}");
                    None
                });
                // What was announced before is not heard any more.
                self.look("seen").await;
            }
            let Some(listening) = &mut listener else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            match tokio::time::timeout(LOOK_WHILE_LISTENING, listening.heard()).await {
                Ok(Ok(())) => self.look("heard").await,
                Ok(Err(err)) => {
                    tracing::debug!(error = %err, "the connection that listens was lost");
                    listener = None;
                    tokio::time::sleep(LOOK).await;
                }
                Err(_) => self.look("seen").await,
            }
        }
    }

    async fn look(&self, how: &'static str) {
        match self.refresh().await {
            Ok(true) => counter!("plinth_schema_changes_total", "how" => how).increment(1),
            Ok(false) => {}
            Err(err) => tracing::warn!(error = %err, "the schema could not be looked at: {err}"),
        }
    }

    async fn reload(&self) -> Result<(), LoadError> {
        let catalog = self.db.read_snapshot::<_, db::Error, _>(|conn| Box::pin(catalog::load(conn))).await?;
        self.replace(Arc::new(Schema::build(catalog).map_err(LoadError::Schema)?));
        Ok(())
    }

    /// Puts a schema in the place of an older one.
    pub(super) fn replace(&self, schema: Arc<Schema>) {
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
