//! One connection to a SQLite file, which can be told to give up the statement it is running.
//!
//! Statements run in the thread that asks. The writer's, which is there for nothing else, waits for each. A web worker must not wait:
//! what a reader does not do quickly is broken off, runs in the connection's own thread, and goes there at once for a while.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqlStr, SqliteConnection};

use super::functions;
use crate::db::codec::{self, RawRow};
use crate::db::dialect::Dialect;
use crate::db::error::Raised;
use crate::db::names::{self, Text};
use crate::db::row::Gathered;
use crate::sys::sqlite_functions::Output as Held;
use crate::sys::sqlite_here::{Bounds, Found, Here, Unfound};

/// How much a statement may do in a thread that must not wait: about a millisecond's worth of steps…
const QUICK: u32 = 32;
/// …and how long it may take there, which is longer, since others may have the core.
const LATE: Duration = Duration::from_millis(25);
/// SQLite's code for a lock that another connection holds.
const BUSY: i32 = 5;

/// Statements of the connection's own that wait for the next statement, so that who runs none costs none.
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
    conn: Here,
    /// How long it waits for a lock, in the connection's thread.
    patience: Duration,
    /// Whether the thread that asks may wait.
    may_wait: bool,
    /// When the operation that runs is to end, whatever it does.
    limit: Option<Instant>,
    /// Waits for the next statement.
    prelude: Option<Prelude>,
    /// Whether a statement was started and its end was not seen: its future was dropped.
    running: bool,
    /// Whether the connection's thread has ended.
    broken: bool,
    /// Whether a transaction that only reads was begun and not ended.
    reading: bool,
}

impl Handle {
    /// Prepares at most `capacity` statements; waits `patience` for locks. `may_wait`: whether the threads that ask are there for that.
    pub(super) async fn open(
        options: &SqliteConnectOptions,
        capacity: usize,
        patience: Duration,
        may_wait: bool,
    ) -> Result<Self, sqlx::Error> {
        let mut conn = options.connect().await?;
        let mut locked = conn.lock_handle().await?;
        functions::register(&mut locked)?;
        drop(locked);
        let mut conn = Here::new(conn, capacity).await?;
        if !may_wait {
            conn.wait_for_locks(Duration::ZERO);
        }
        Ok(Self { conn, patience, may_wait, limit: None, prelude: None, running: false, broken: false, reading: false })
    }

    /// Sets how long a value may become here; it stays so.
    pub(in crate::db) fn set_longest_value(&mut self, bytes: usize) {
        self.conn.set_longest_value(bytes);
    }

    /// Runs a statement to its end and gathers what it gives.
    ///
    /// Where the thread that asks may wait, it ends the statement at the deadline; elsewhere who awaits this does, and calls
    /// [`Handle::settle`].
    pub(in crate::db) async fn run(
        &mut self,
        sql: Text,
        values: Vec<Held>,
        deadline: Option<Instant>,
        gathered: &mut Gathered,
    ) -> Result<(), Raised> {
        if self.running {
            return self.run_there(sql, values, gathered).await;
        }
        self.conn.set_most_bytes(gathered.most_bytes());
        if self.may_wait {
            let end = self.limit.into_iter().chain(deadline).min();
            return self
                .run_here(sql.as_str(), &values, Bounds { end, steps: None })
                .map(|found| gather(found, gathered))
                .map_err(|unfound| match unfound {
                    Unfound::Failed { code, message } => Raised::Sqlite { code, message },
                    Unfound::Slow if end == deadline => Raised::Deadline,
                    Unfound::Slow => Raised::Limit,
                });
        }
        match self.run_here(sql.as_str(), &values, Bounds { end: Some(Instant::now() + LATE), steps: Some(QUICK) }) {
            Err(Unfound::Slow) => {}
            Err(Unfound::Failed { code, .. }) if code & 0xff == BUSY => {}
            Err(Unfound::Failed { code, message }) => return Err(Raised::Sqlite { code, message }),
            Ok(found) => {
                gather(found, gathered);
                return Ok(());
            }
        }
        self.conn.wait_for_locks(self.patience);
        let done = self.run_there(sql, values, gathered).await;
        self.conn.wait_for_locks(Duration::ZERO);
        done
    }

    fn run_here(&mut self, sql: &str, values: &[Held], bounds: Bounds) -> Result<Found, Unfound> {
        let rewrite = |sql: &str| names::rewrite(sql).into_owned();
        if let Some(prelude) = self.prelude {
            self.conn.run(prelude.sql, &[], bounds, rewrite)?;
            self.prelude = None;
        }
        self.conn.run(sql, values, bounds, rewrite)
    }

    /// Ends every statement that still runs then.
    pub(super) const fn limit(&mut self, at: Option<Instant>) {
        self.limit = at;
    }

    async fn run_there(&mut self, sql: Text, values: Vec<Held>, gathered: &mut Gathered) -> Result<(), Raised> {
        self.running = true;
        let prelude = self.prelude.take();
        let sql = sql.rewritten(prelude.map_or("", |prelude| prelude.sql));
        let skip = prelude.map_or(0, |prelude| prelude.statements);
        let done = collect(self.conn.conn(), (sql, codec::sqlite_arguments(values)?), skip, gathered).await;
        self.ended(&done);
        Ok(done?)
    }

    /// Runs statements without values, such as a migration's.
    pub(in crate::db) async fn script(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        self.running = true;
        let done = self.conn.conn().execute(AssertSqlSafe(sql)).await.map(drop);
        self.ended(&done);
        done
    }

    /// Runs one of the writer's own statements, which stay prepared. Drops what waits for a next one.
    pub(super) async fn control(&mut self, sql: &'static str) -> Result<(), Raised> {
        self.prelude = None;
        self.limit = None;
        self.run(Text::Static(sql), Vec::new(), None, &mut Gathered::of_at_most(None)).await
    }

    /// Has the next statement begin a transaction that only reads.
    pub(in crate::db) const fn begin_read(&mut self) {
        self.reading = true;
        self.prelude = Some(Prelude::READ);
    }

    /// Ends what [`Handle::begin_read`] began.
    pub(in crate::db) async fn end_read(&mut self) -> Result<(), Raised> {
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
            self.conn.give_up(true);
            let answered = self.conn.conn().ping().await;
            self.conn.give_up(false);
            self.ended(&answered);
            if !self.may_wait {
                self.conn.wait_for_locks(Duration::ZERO);
            }
            answered?;
        }
        Ok(())
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.conn.into_conn().close().await {
            tracing::warn!(%error, "a database file did not close cleanly");
        }
    }

    fn ended<T>(&mut self, done: &Result<T, sqlx::Error>) {
        self.running = false;
        self.broken |= matches!(done, Err(sqlx::Error::WorkerCrashed));
    }
}

fn gather(found: Found, gathered: &mut Gathered) {
    let Found { names, rows, changed, is_too_large, .. } = found;
    gathered.affected(changed);
    if is_too_large {
        gathered.drop_all();
    }
    for values in rows {
        gathered.take(RawRow::Here { names: names.clone(), values });
    }
}

/// `skip`: so many statements come before the one that was asked for.
async fn collect(
    conn: &mut SqliteConnection,
    (sql, arguments): (SqlStr, SqliteArguments),
    mut skip: usize,
    gathered: &mut Gathered,
) -> Result<(), sqlx::Error> {
    let mut stream = conn.fetch_many(sqlx::query_with(sql, arguments));
    while let Some(step) = stream.try_next().await? {
        match step {
            // What it says of a savepoint is the number of the statement before.
            Either::Left(_) if skip > 0 => skip -= 1,
            Either::Left(done) => gathered.affected(done.rows_affected()),
            Either::Right(row) => gathered.take(RawRow::Sqlite(row)),
        }
    }
    Ok(())
}
