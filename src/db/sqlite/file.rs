//! One database file: how it is opened, read and written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::handle::Handle;
use super::job::Op;
use super::readers::Readers;
use super::wal;
use super::writer::{Exclusive, Writer};
use crate::db::BoxFuture;
use crate::db::conn::{Conn, Link, Tx};
use crate::db::error::{Error, Result};
use crate::tasks::Tasks;

/// Statements each connection keeps prepared.
const PREPARED: usize = 512;

/// One database file.
pub(in crate::db) struct Sqlite {
    readers: Arc<Readers>,
    /// `None` beside a running server.
    writer: Option<Arc<Writer>>,
}

/// How a database file is opened.
#[derive(Clone)]
pub(in crate::db) struct Settings {
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
            .serialized(true)
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

    /// The write-ahead log beside the file.
    pub(super) fn wal(&self) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push("-wal");
        path.into()
    }

    pub(super) async fn connect(&self, read_only: bool) -> Result<Handle> {
        Handle::open(&self.options(read_only), PREPARED, self.timeout, !read_only).await.map_err(|err| match Error::from(err) {
            busy @ Error::Busy(_) => busy,
            err => Error::open(self.path.display().to_string(), &err),
        })
    }
}

impl Sqlite {
    /// Opens the file for reading and writing, and makes it when it is not there.
    pub(in crate::db) async fn open(settings: Settings, tasks: &Tasks) -> Result<Self> {
        let first = settings.connect(false).await?;
        let writer = Writer::start(settings.clone(), first, tasks);
        Ok(Self { readers: Readers::new(settings), writer: Some(writer) })
    }

    /// Opens the file for reading, beside the server that writes it.
    pub(in crate::db) fn open_beside(settings: Settings) -> Self {
        Self { readers: Readers::new(settings), writer: None }
    }

    pub(in crate::db) async fn read(&self) -> Result<Conn> {
        self.readers.lease().await.map(|lease| Conn::new(Link::SqliteReader(lease)))
    }

    /// `limit`: how long the operation may run, alone in its transaction; as any other unless said.
    pub(in crate::db) async fn write<T, E, F>(&self, limit: Option<Duration>, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnMut(&'a mut Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let Some(writer) = &self.writer else { return Err(Error::ReadOnly.into()) };
        let (op, answer) = Op::new(op, writer.timeout(), limit);
        writer.submit(Box::new(op)).await?;
        // The sender is dropped without an answer when the operation waited too long, or the server stops hard.
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("it is stopping".to_owned()).into()))
    }

    /// The writer's connection without anything else between, for migrations; `None` beside a running server.
    pub(in crate::db) async fn exclusive(&self) -> Result<Option<Exclusive<'_>>> {
        match &self.writer {
            Some(writer) => writer.exclusive().await.map(Some),
            None => Ok(None),
        }
    }

    pub(in crate::db) async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}
