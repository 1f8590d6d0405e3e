//! [`Db`]: what every feature holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::BoxFuture;
use super::conn::{Conn, Tx};
use super::error::{Error, Result};
use super::postgres::{Listener, Pools};
use super::sqlite::Sqlite;

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Engine>);

pub(super) enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Pools>),
}

impl Db {
    pub(super) fn new(engine: Engine) -> Self {
        Self(Arc::new(engine))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0
    }

    /// A connection for reads. Each statement sees the newest state; it goes back to its pool when it is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] when none becomes free in time; [`Error::Unavailable`] when the database cannot be reached.
    pub async fn read(&self) -> Result<Conn> {
        match self.engine() {
            Engine::Sqlite(sqlite) => sqlite.read().await,
            Engine::Postgres(pools) => pools.read().await,
        }
    }

    /// Runs several reads that see one state of the database, whatever is written meanwhile.
    ///
    /// Nothing is written in it. `op` awaits nothing but its connection: while it runs, no old row can be forgotten.
    ///
    /// # Errors
    /// The operation's own; otherwise as [`Db::read`].
    pub async fn read_snapshot<T, E, F>(&self, op: F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'a> FnOnce(&'a mut Conn) -> BoxFuture<'a, Result<T, E>> + Send,
    {
        let mut conn = self.read().await?;
        conn.begin_read().await?;
        let result = op(&mut conn).await;
        // A connection that does not get out of its transaction is closed instead of being used again.
        if let Err(error) = conn.end_read().await {
            tracing::debug!(%error, "a reading transaction did not end cleanly");
        }
        result
    }

    /// Runs an operation in a transaction; what it wrote is durable when this returns `Ok`, and undone when it returns `Err`.
    ///
    /// `op` may be run several times, so it begins from the same values each time, and it awaits nothing but its transaction: on
    /// SQLite all writers wait for it. It runs in the thread of the writer (SQLite) or on this one (PostgreSQL). When the caller goes away,
    /// an operation that has begun is finished or rolled back whole.
    ///
    /// ```ignore
    /// db.write(move |tx| {
    ///     let name = name.clone();
    ///     Box::pin(async move { queries::insert(tx, &name).await })
    /// })
    /// .await?;
    /// ```
    ///
    /// # Errors
    /// The operation's own; [`Error::Busy`] when its turn or its end does not come in time; what COMMIT says (a deferred constraint);
    /// [`Error::Panicked`]; [`Error::Unavailable`].
    pub async fn write<T, E, F>(&self, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        match self.engine() {
            Engine::Sqlite(sqlite) => sqlite.write(None, op).await,
            Engine::Postgres(pools) => pools.write(None, op).await,
        }
    }

    /// As [`Db::write`], for an operation that may take longer than requests do, or must end sooner: it has a transaction of its own,
    /// and a statement that still runs when `limit` is over is ended with [`Error::Deadline`].
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_within<T, E, F>(&self, limit: Duration, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        match self.engine() {
            Engine::Sqlite(sqlite) => sqlite.write(Some(limit), op).await,
            Engine::Postgres(pools) => pools.write(Some(limit), op).await,
        }
    }

    /// Listens to what other nodes announce on a channel; `None` on SQLite, where there are no others.
    ///
    /// # Errors
    /// [`Error::Open`] when PostgreSQL cannot be reached.
    pub async fn listen(&self, channel: &'static str) -> Result<Option<Listener>> {
        match self.engine() {
            Engine::Sqlite(_) => Ok(None),
            Engine::Postgres(pools) => pools.listen(channel).await.map(Some),
        }
    }

    /// Whether this is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.engine(), Engine::Postgres(_))
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn ping(&self) -> Result<()> {
        let (_one,): (i64,) = self.read().await?.query("select cast(1 as bigint)").fetch_one().await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        match self.engine() {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(pools) => pools.close().await,
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_postgres() { "Db(PostgreSQL)" } else { "Db(SQLite)" })
    }
}
