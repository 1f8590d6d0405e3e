//! SQLite: one writer that commits for many at once, and a pool of readers.
//!
//! ```text
//! Db::write -> Job -> Writer (queue) -> begin, savepoint per job, commit -> answers
//! Db::read  -> Readers -> Lease
//! ```
//!
//! # Invariants
//!
//! - One connection writes. Nothing is answered before its COMMIT returned, and COMMIT returns after the fsync (`synchronous=FULL`).
//! - Every statement is stepped to its end: an `insert … returning` that is reset earlier keeps SQLite from its automatic checkpoint,
//!   and the WAL grows without bound.
//! - No memory map: a disk error under a map is a SIGBUS, which would end the server.

mod batch;
mod handle;
mod job;
mod readers;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

pub(super) use handle::Handle;
pub(super) use readers::Lease;
pub(super) use writer::Exclusive;

use self::job::Op;
use self::readers::Readers;
use self::writer::Writer;
use super::BoxFuture;
use super::conn::{Conn, Link, Tx};
use super::error::{Error, Result};
use crate::tasks::Tasks;

/// Statements each connection keeps prepared.
const PREPARED: usize = 512;

/// One database file.
pub(super) struct Sqlite {
    readers: Arc<Readers>,
    /// `None` beside a running server.
    writer: Option<Arc<Writer>>,
}

/// How a database file is opened.
#[derive(Clone)]
pub(super) struct Settings {
    /// What it is called in metrics: `app` or `system`.
    pub name: &'static str,
    pub path: PathBuf,
    pub readers: u32,
    /// How long to wait for a lock or a place in the queue, and how long one operation may run.
    pub timeout: Duration,
}

impl Settings {
    fn options(&self, read_only: bool) -> SqliteConnectOptions {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(true)
            .busy_timeout(self.timeout)
            .statement_cache_capacity(PREPARED)
            .pragma("temp_store", "memory")
            .pragma("mmap_size", "0")
            .pragma("trusted_schema", "off")
            .disable_statement_logging();
        if read_only {
            return options.read_only(true).pragma("cache_size", "-2048");
        }
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-8192")
            .pragma("journal_size_limit", wal::TRUNCATE_ABOVE.to_string())
    }

    async fn connect(&self, read_only: bool) -> Result<Handle> {
        Handle::open(&self.options(read_only)).await.map_err(|err| match Error::from(err) {
            busy @ Error::Busy(_) => busy,
            err => Error::open(self.path.display().to_string(), &err),
        })
    }
}

impl Sqlite {
    /// Opens the file for reading and writing, and makes it when it is not there.
    pub(super) async fn open(settings: Settings, tasks: &Tasks) -> Result<Self> {
        let first = settings.connect(false).await?;
        let writer = Writer::start(settings.clone(), first, tasks);
        Ok(Self { readers: Readers::new(settings), writer: Some(writer) })
    }

    /// Opens the file for reading, beside the server that writes it.
    pub(super) fn open_beside(settings: Settings) -> Self {
        Self { readers: Readers::new(settings), writer: None }
    }

    pub(super) async fn read(&self) -> Result<Conn> {
        self.readers.lease().await.map(|lease| Conn::new(Link::SqliteReader(lease)))
    }

    pub(super) async fn write<T, E, F>(&self, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let Some(writer) = &self.writer else { return Err(Error::ReadOnly.into()) };
        let (op, answer) = Op::new(op, writer.timeout());
        writer.submit(Box::new(op)).await?;
        // The sender is dropped without an answer when the operation waited too long, or the server stops hard.
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("it is stopping".to_owned()).into()))
    }

    /// The writer's connection without anything else between, for migrations; `None` beside a running server.
    pub(super) async fn exclusive(&self) -> Result<Option<Exclusive<'_>>> {
        match &self.writer {
            Some(writer) => writer.exclusive().await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

/// The write-ahead log beside a database file.
fn wal_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}
