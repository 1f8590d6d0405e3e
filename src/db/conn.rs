//! Connections, transactions and statements: the one place that looks which database it is.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::BoxFuture;
use super::codec;
use super::dialect::Dialect;
use super::error::{Detail, Error, Raised, Result, Trouble};
use super::names::{self, Text};
use super::postgres::{self, Session};
use super::row::{FromRow, Gathered, Row};
use super::sqlite::{Handle, Lease};
use super::value::Value;

/// A statement that takes longer is logged.
const SLOW: Duration = Duration::from_secs(1);

/// A connection. From [`super::Db::read`] it runs each statement by itself; as part of a [`Tx`], all of them together.
pub struct Conn {
    link: Link,
    /// Set by the first statement that fails inside a transaction; nothing runs there any more.
    trouble: Option<Trouble>,
    in_transaction: bool,
    /// When a statement that still runs is ended.
    deadline: Option<tokio::time::Instant>,
    /// The deadline that an operation begins with.
    held_to: Option<tokio::time::Instant>,
    /// Bytes of the rows that one statement may give.
    most_bytes: Option<usize>,
}

/// What a [`Conn`] holds.
pub(super) enum Link {
    SqliteWriter(Handle),
    SqliteReader(Lease),
    Postgres(Session),
    /// Outside every pool, for migrations.
    PostgresAlone(PgConnection),
}

enum Backend<'c> {
    Sqlite(&'c mut Handle),
    Session(&'c mut Session),
    Alone(&'c mut PgConnection),
}

/// A transaction: what [`super::Db::write`] gives its closure. It is committed when the closure returns `Ok`.
///
/// The first statement that fails ends it: what follows is refused, and an `Ok` from the closure becomes an error. PostgreSQL works
/// like that, and SQLite is held to the same. A violation that is expected is avoided by `on conflict do nothing … returning`.
pub struct Tx(Conn);

/// A statement with its values. The text says `$1`, `$2`… on both databases.
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query<'c> {
    conn: &'c mut Conn,
    sql: Text,
    values: Vec<Value>,
    deadline: Option<tokio::time::Instant>,
}

impl Conn {
    pub(super) const fn new(link: Link) -> Self {
        Self { link, trouble: None, in_transaction: false, deadline: None, held_to: None, most_bytes: None }
    }

    /// A statement whose text is in the program.
    pub const fn query<'c>(&'c mut self, sql: &'static str) -> Query<'c> {
        Query { deadline: self.deadline, conn: self, sql: Text::Static(sql), values: Vec::new() }
    }

    /// A statement whose text was put together. Never put a value or an unchecked name into it.
    pub const fn query_owned(&mut self, sql: String) -> Query<'_> {
        Query { deadline: self.deadline, conn: self, sql: Text::Owned(sql), values: Vec::new() }
    }

    /// Which database this is, for the differences in [`Dialect`].
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self.link {
            Link::SqliteWriter(_) | Link::SqliteReader(_) => Dialect::Sqlite,
            Link::Postgres(_) | Link::PostgresAlone(_) => Dialect::Postgres,
        }
    }

    /// Whether this is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    /// Ends every statement that still runs at this moment, with [`Error::Deadline`].
    ///
    /// In a [`Tx`] it costs the transaction, and holds for this one run of the operation; on PostgreSQL it costs the connection, so
    /// that nothing more runs on this one.
    pub const fn set_deadline(&mut self, at: tokio::time::Instant) {
        self.deadline = Some(at);
    }

    /// Refuses the rows of every statement that gives more than so many bytes, with 54000. They are counted as they come, so that no
    /// more than this is held. In a [`Tx`] it holds for this one run of the operation.
    pub const fn set_most_bytes(&mut self, bytes: usize) {
        self.most_bytes = Some(bytes);
    }

    /// Has SQLite end, with 54000, any statement that would make a value of more than so many bytes, before it is made. It stays so on
    /// this connection, also for who has it next: set it to no less than the server itself needs. On PostgreSQL it does nothing.
    pub fn set_longest_value(&mut self, bytes: usize) {
        if let Backend::Sqlite(handle) = self.backend() {
            handle.set_longest_value(bytes);
        }
    }

    /// Ends every statement that still runs at this moment, in this operation and the next ones until `None` lifts it.
    pub(super) const fn hold_to(&mut self, deadline: Option<tokio::time::Instant>) {
        self.held_to = deadline;
    }

    /// As [`Conn::set_deadline`], in one go.
    #[must_use]
    pub const fn with_deadline(mut self, at: tokio::time::Instant) -> Self {
        self.set_deadline(at);
        self
    }

    /// Begins a transaction that only reads: all its statements see one state of the database.
    pub(super) async fn begin_read(&mut self) -> Result<()> {
        self.in_transaction = true;
        match &mut self.link {
            Link::SqliteReader(lease) => lease.handle().begin_read(),
            Link::Postgres(session) => session.begin(Dialect::Postgres.begin_read()).await?,
            Link::SqliteWriter(_) | Link::PostgresAlone(_) => {}
        }
        Ok(())
    }

    /// Ends what [`Conn::begin_read`] began.
    pub(super) async fn end_read(&mut self) -> Result<()> {
        match &mut self.link {
            Link::SqliteReader(lease) => lease.handle().end_read().await?,
            Link::Postgres(session) if !session.is_running() => session.end("rollback").await?,
            _ => {}
        }
        Ok(())
    }

    /// Runs several statements without values.
    pub(super) async fn script(&mut self, sql: &str) -> Result<()> {
        match self.backend() {
            Backend::Sqlite(handle) => handle.script(&names::rewrite(sql)).await,
            Backend::Session(session) => session.script(sql).await,
            Backend::Alone(conn) => conn.execute(AssertSqlSafe(sql)).await.map(drop),
        }
        .map_err(Error::from)
    }

    pub(super) fn into_link(self) -> Link {
        self.link
    }

    fn backend(&mut self) -> Backend<'_> {
        match &mut self.link {
            Link::SqliteWriter(handle) => Backend::Sqlite(handle),
            Link::SqliteReader(lease) => Backend::Sqlite(lease.handle()),
            Link::Postgres(session) => Backend::Session(session),
            Link::PostgresAlone(conn) => Backend::Alone(conn),
        }
    }

    async fn run(&mut self, sql: Text, values: Vec<Value>, deadline: Option<tokio::time::Instant>) -> Result<(Vec<Row>, u64)> {
        if self.trouble.is_some() {
            return Err(transaction_failed());
        }
        let Some(deadline) = deadline else { return self.step(sql, values, None).await };
        if let Ok(done) = tokio::time::timeout_at(deadline, self.step(sql, values, Some(deadline.into_std()))).await {
            return done;
        }
        match self.backend() {
            // The connection is free again once SQLite has seen the flag.
            Backend::Sqlite(handle) => handle.settle().await?,
            // Closed when it is dropped, which PostgreSQL notices.
            Backend::Session(_) | Backend::Alone(_) => self.trouble = Some(Trouble::Lost),
        }
        if self.in_transaction {
            self.trouble = Some(Trouble::Ended);
        }
        Err(Error::Deadline)
    }

    async fn step(&mut self, sql: Text, values: Vec<Value>, deadline: Option<Instant>) -> Result<(Vec<Row>, u64)> {
        let mut gathered = Gathered::of_at_most(self.most_bytes);
        let done = match self.backend() {
            Backend::Sqlite(handle) => handle.run(sql, codec::held(values), deadline, &mut gathered).await,
            Backend::Session(session) => {
                let arguments = codec::postgres_arguments(values)?;
                session.run(sql.verbatim(), arguments, &mut gathered).await.map_err(Raised::from)
            }
            Backend::Alone(conn) => {
                let arguments = codec::postgres_arguments(values)?;
                postgres::collect(conn, sql.verbatim(), arguments, &mut gathered).await.map_err(Raised::from)
            }
        };
        if let Err(err) = done {
            if self.in_transaction {
                self.trouble = Some(Trouble::of(&err));
            }
            return Err(err.into());
        }
        gathered.finish().inspect_err(|_| {
            if self.in_transaction {
                self.trouble = Some(Trouble::Failed);
            }
        })
    }
}

fn transaction_failed() -> Error {
    Error::Other(Detail::plain("25P02", "a statement of this transaction failed before; nothing more is done in it"))
}

impl Query<'_> {
    /// Binds the next parameter: the first call binds `$1`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Ends the statement when it takes longer, with [`Error::Deadline`]; see [`Conn::set_deadline`].
    pub fn within(mut self, limit: Duration) -> Self {
        let at = tokio::time::Instant::now() + limit;
        self.deadline = Some(self.deadline.map_or(at, |before| before.min(at)));
        self
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// What the database says, or what [`FromRow`] finds wrong with the row.
    pub async fn fetch_optional<T: FromRow>(self) -> Result<Option<T>> {
        let (rows, _) = self.run().await?;
        rows.first().map(T::from_row).transpose()
    }

    /// The first row.
    ///
    /// # Errors
    /// [`Error::NoRow`] when there is none; otherwise as [`Query::fetch_optional`].
    pub async fn fetch_one<T: FromRow>(self) -> Result<T> {
        self.fetch_optional().await?.ok_or(Error::NoRow)
    }

    /// Every row. The statement limits how many there can be.
    ///
    /// # Errors
    /// As [`Query::fetch_optional`].
    pub async fn fetch_all<T: FromRow>(self) -> Result<Vec<T>> {
        let (rows, _) = self.run().await?;
        rows.iter().map(T::from_row).collect()
    }

    /// Every row as it is, with its columns' names; for statements whose columns are not known before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_rows(self) -> Result<Vec<Row>> {
        self.run().await.map(|(rows, _)| rows)
    }

    /// Runs an `insert`, `update` or `delete` and returns how many rows it changed.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(self) -> Result<u64> {
        self.run().await.map(|(_, affected)| affected)
    }

    async fn run(self) -> Result<(Vec<Row>, u64)> {
        let Self { conn, sql, values, deadline } = self;
        let started = Instant::now();
        let shown = match &sql {
            Text::Static(text) => text,
            Text::Owned(_) => "(composed)",
        };
        let done = conn.run(sql, values, deadline).await;
        let took = started.elapsed();
        if took >= SLOW {
            tracing::warn!(sql = shown, duration_ms = took.as_millis(), "a database statement was slow");
        }
        done
    }
}

impl Tx {
    pub(super) const fn new(link: Link) -> Self {
        Self(Conn { link, trouble: None, in_transaction: true, deadline: None, held_to: None, most_bytes: None })
    }

    /// Runs an operation once. A panic becomes [`Error::Panicked`], and so does not end whoever runs it; an `Ok` after a statement
    /// that failed becomes an error.
    pub(super) async fn run_caught<T, E, F>(&mut self, op: &mut F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'a> FnMut(&'a mut Self) -> BoxFuture<'a, Result<T, E>> + Send,
    {
        // What an operation before this one asked for is not for this one.
        (self.0.trouble, self.0.deadline, self.0.most_bytes) = (None, self.0.held_to, None);
        let outcome = AssertUnwindSafe(async { op(&mut *self).await }).catch_unwind().await;
        match outcome {
            Err(_) => Err(Error::Panicked.into()),
            Ok(Ok(_)) if self.0.trouble.is_some() => Err(transaction_failed().into()),
            Ok(result) => result,
        }
    }

    /// What went wrong in the last [`Tx::run_caught`].
    pub(super) const fn trouble(&self) -> Option<Trouble> {
        self.0.trouble
    }

    pub(super) fn into_link(self) -> Link {
        self.0.into_link()
    }

    /// The session with PostgreSQL this transaction is in.
    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        match &mut self.0.link {
            Link::Postgres(session) => Some(session),
            _ => None,
        }
    }

    /// The writer's own connection to SQLite.
    pub(super) const fn sqlite(&mut self) -> Option<&mut Handle> {
        match &mut self.0.link {
            Link::SqliteWriter(handle) => Some(handle),
            _ => None,
        }
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tx").field(&self.0).finish()
    }
}
