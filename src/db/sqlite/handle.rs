//! One connection to a SQLite file, which can be told to give up the statement it is running.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqlStr, SqliteConnection};

use super::functions;
use crate::db::codec::RawRow;
use crate::db::dialect::Dialect;
use crate::db::names::Text;
use crate::db::row::Row;

/// How many steps SQLite's machine makes between two looks at the flag.
const STEPS: i32 = 1000;

/// Statements of the writer's own that travel with the next statement: each way to the connection's thread and back costs more than
/// most statements do.
#[derive(Clone, Copy)]
pub(super) struct Prelude {
    sql: &'static str,
    statements: usize,
}

impl Prelude {
    pub(super) const BEGIN: Self = Self { sql: "begin immediate", statements: 1 };
    pub(super) const SAVEPOINT: Self = Self { sql: "savepoint op", statements: 1 };
    const READ: Self = Self { sql: Dialect::Sqlite.begin_read(), statements: 1 };
    pub(super) const NEXT_SAVEPOINT: Self = Self { sql: "release op; savepoint op", statements: 2 };
}

pub(in crate::db) struct Handle {
    conn: SqliteConnection,
    /// Waits for the next statement.
    prelude: Option<Prelude>,
    /// Set to end the statement that runs.
    give_up: Arc<AtomicBool>,
    /// Whether a statement was started and its end was not seen: its future was dropped.
    running: bool,
    /// Whether the connection's thread has ended.
    broken: bool,
    /// Whether a transaction that only reads was begun and not ended.
    reading: bool,
}

impl Handle {
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let mut conn = options.connect().await?;
        let give_up = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&give_up);
        let mut locked = conn.lock_handle().await?;
        locked.set_progress_handler(STEPS, move || !flag.load(Ordering::Relaxed));
        functions::register(&mut locked)?;
        drop(locked);
        Ok(Self { conn, prelude: None, give_up, running: false, broken: false, reading: false })
    }

    /// Runs a statement to its end and collects its rows.
    pub(in crate::db) async fn run(&mut self, sql: Text, arguments: SqliteArguments) -> Result<(Vec<Row>, u64), sqlx::Error> {
        self.running = true;
        let prelude = self.prelude.take();
        let sql = sql.rewritten(prelude.map_or("", |prelude| prelude.sql));
        let done = collect(&mut self.conn, sql, arguments, prelude.map_or(0, |prelude| prelude.statements)).await;
        self.ended(&done);
        done
    }

    /// Runs statements without values, such as a migration's.
    pub(in crate::db) async fn script(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        self.running = true;
        let done = self.conn.execute(AssertSqlSafe(sql)).await.map(drop);
        self.ended(&done);
        done
    }

    /// Runs one of the writer's own statements, which stay prepared. Drops what waits for a next one.
    pub(super) async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.prelude = None;
        self.run(Text::Static(sql), SqliteArguments::default()).await.map(drop)
    }

    /// Has the next statement begin a transaction that only reads.
    pub(in crate::db) const fn begin_read(&mut self) {
        self.reading = true;
        self.prelude = Some(Prelude::READ);
    }

    /// Ends what [`Handle::begin_read`] began.
    pub(in crate::db) async fn end_read(&mut self) -> Result<(), sqlx::Error> {
        self.settle().await?;
        if !self.is_waiting() {
            self.control("rollback").await?;
        }
        self.prelude = None;
        self.reading = false;
        Ok(())
    }

    /// Whether it was left in a transaction, which keeps old rows from being forgotten.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading
    }

    /// Puts statements before the next one, instead of any that wait.
    pub(super) const fn before_next(&mut self, prelude: Option<Prelude>) {
        self.prelude = prelude;
    }

    /// Whether statements still wait: nothing has run since.
    pub(super) const fn is_waiting(&self) -> bool {
        self.prelude.is_some()
    }

    /// Ends a statement that was left in the middle, so that the connection is free again.
    pub(in crate::db) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        if self.running {
            self.give_up.store(true, Ordering::Relaxed);
            let answered = self.conn.ping().await;
            self.give_up.store(false, Ordering::Relaxed);
            self.ended(&answered);
            answered?;
        }
        Ok(())
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.conn.close().await {
            tracing::warn!(%error, "a database file did not close cleanly");
        }
    }

    fn ended<T>(&mut self, done: &Result<T, sqlx::Error>) {
        self.running = false;
        self.broken |= matches!(done, Err(sqlx::Error::WorkerCrashed));
    }
}

/// `skip`: so many statements come before the one that was asked for.
async fn collect(
    conn: &mut SqliteConnection,
    sql: SqlStr,
    arguments: SqliteArguments,
    mut skip: usize,
) -> Result<(Vec<Row>, u64), sqlx::Error> {
    let mut rows = Vec::new();
    let mut affected = 0;
    let mut stream = conn.fetch_many(sqlx::query_with(sql, arguments));
    while let Some(step) = stream.try_next().await? {
        match step {
            // What it says of a savepoint is the number of the statement before.
            Either::Left(_) if skip > 0 => skip -= 1,
            Either::Left(done) => affected += done.rows_affected(),
            Either::Right(row) => rows.push(Row::new(RawRow::Sqlite(row))),
        }
    }
    Ok((rows, affected))
}
