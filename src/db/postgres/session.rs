//! One connection out of a pool, which is thrown away when it is left in the middle of something.

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, Either, Executor, PgConnection, Postgres, SqlStr};

use crate::db::codec::RawRow;
use crate::db::row::Gathered;

/// A connection until it goes back to its pool.
///
/// One whose statement or transaction was not seen to end is closed instead: PostgreSQL then rolls back, and gives up a statement that
/// still runs. (sqlx would keep it, and have the next one wait for that statement.)
pub(in crate::db) struct Session {
    conn: PoolConnection<Postgres>,
    /// Whether a statement was started and its end was not seen.
    running: bool,
    /// Whether a transaction was begun and its end was not seen.
    open: bool,
}

impl Session {
    pub(super) const fn new(conn: PoolConnection<Postgres>) -> Self {
        Self { conn, running: false, open: false }
    }

    /// Runs a statement to its end and gathers what it gives.
    pub(in crate::db) async fn run(
        &mut self,
        sql: SqlStr,
        arguments: PgArguments,
        gathered: &mut Gathered,
    ) -> Result<(), sqlx::Error> {
        self.step(async |conn| collect(conn, sql, arguments, gathered).await).await
    }

    /// Runs statements without values.
    pub(in crate::db) async fn script(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        self.step(async |conn| conn.execute(AssertSqlSafe(sql)).await.map(drop)).await
    }

    pub(in crate::db) async fn begin(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.open = true;
        self.script(sql).await
    }

    /// Ends the transaction by `commit` or `rollback`.
    pub(in crate::db) async fn end(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let done = self.script(sql).await;
        // A COMMIT that the database refuses has rolled back.
        self.open = matches!(&done, Err(err) if err.as_database_error().is_none());
        done
    }

    /// Whether a statement was left in the middle: nothing more can be said to the database here.
    pub(in crate::db) const fn is_running(&self) -> bool {
        self.running
    }

    /// Takes a step that is left in the middle unless its end is seen: what the database answers is one, anything else leaves the
    /// connection in doubt.
    async fn step<T>(
        &mut self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        self.running = true;
        let done = statement(&mut self.conn).await;
        self.running = matches!(&done, Err(err) if err.as_database_error().is_none());
        done
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.running || self.open {
            self.conn.close_on_drop();
        }
    }
}

/// Runs a statement to its end: one that is left before that may not have done all its work.
pub(in crate::db) async fn collect(
    conn: &mut PgConnection,
    sql: SqlStr,
    arguments: PgArguments,
    gathered: &mut Gathered,
) -> Result<(), sqlx::Error> {
    let mut stream = conn.fetch_many(sqlx::query_with(sql, arguments));
    while let Some(step) = stream.try_next().await? {
        match step {
            Either::Left(done) => gathered.affected(done.rows_affected()),
            Either::Right(row) => gathered.take(RawRow::Postgres(row)),
        }
    }
    Ok(())
}
