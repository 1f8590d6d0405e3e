//! Opening, migrating and closing the server's databases.

use std::path::Path;
use std::sync::Arc;

use super::error::Result;
use super::folder::DataFolder;
use super::handle::{Db, Engine};
use super::migrate::{self, Migration};
use super::postgres::Pools;
use super::sqlite::{Settings, Sqlite};
use crate::config;
use crate::tasks::Tasks;
use crate::types::Clock;

/// The server's databases. On SQLite two files, so that the queue and the logs do not wait for the app's writes; on PostgreSQL the
/// same database twice.
#[derive(Clone, Debug)]
pub struct Databases {
    /// What must be one transaction with the app's rows.
    pub app: Db,
    /// The queue, logs and usage.
    pub system: Db,
    /// `None` on PostgreSQL, and beside a running server.
    folder: Option<Arc<DataFolder>>,
}

impl Databases {
    /// Opens the databases for a server. On SQLite the data folder is made when it is not there, and is held until [`Self::close`].
    ///
    /// # Errors
    /// [`Error::InUse`](crate::db::Error::InUse) when another server holds the folder; [`Error::Open`](crate::db::Error::Open) when a file or the server cannot be reached.
    pub async fn open(config: &config::Database, data: &Path, tasks: &Tasks) -> Result<Self> {
        super::describe_metrics();
        if let Some(url) = &config.url {
            return Self::open_postgres(config, url.expose()).await;
        }
        let folder = DataFolder::hold(data).await?;
        Self::open_files(config, data, tasks, folder).await
    }

    /// Opens the databases for a command that may run beside the server, such as `plinth keys`.
    ///
    /// While a server holds the folder, its files are opened for reading only, and [`Db::write`] answers [`Error::ReadOnly`](crate::db::Error::ReadOnly). Without
    /// a server this is the same as [`Self::open`].
    ///
    /// # Errors
    /// As [`Self::open`], but never [`Error::InUse`](crate::db::Error::InUse).
    pub async fn open_beside(config: &config::Database, data: &Path, tasks: &Tasks) -> Result<Self> {
        if let Some(url) = &config.url {
            return Self::open_postgres(config, url.expose()).await;
        }
        if let Some(folder) = DataFolder::try_hold(data)? {
            return Self::open_files(config, data, tasks, folder).await;
        }
        let file = |name| Db::new(Engine::Sqlite(Sqlite::open_beside(settings(config, data, name))));
        Ok(Self { app: file("app"), system: file("system"), folder: None })
    }

    async fn open_postgres(config: &config::Database, url: &str) -> Result<Self> {
        let app = Db::new(Engine::Postgres(Box::new(Pools::open(url, config.connections, config.timeout).await?)));
        Ok(Self { system: app.clone(), app, folder: None })
    }

    async fn open_files(config: &config::Database, data: &Path, tasks: &Tasks, folder: DataFolder) -> Result<Self> {
        let app = Sqlite::open(settings(config, data, "app"), tasks).await?;
        let system = Sqlite::open(settings(config, data, "system"), tasks).await?;
        let [app, system] = [app, system].map(|file| Db::new(Engine::Sqlite(file)));
        Ok(Self { app, system, folder: Some(Arc::new(folder)) })
    }

    /// Whether these can be written: `false` beside a running server.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.folder.is_some() || self.app.is_postgres()
    }

    /// Brings the server's own schema up to what this program knows. Beside a running server it waits until that one has done it.
    ///
    /// # Errors
    /// [`Error::NewerSchema`](crate::db::Error::NewerSchema) when a newer program was here; [`Error::Migration`](crate::db::Error::Migration) when one fails or was changed after it had been
    /// applied. Each migration is applied whole or not at all.
    pub async fn migrate(&self, clock: &Clock) -> Result<()> {
        self.apply(migrate::MIGRATIONS, clock).await
    }

    /// As [`Self::migrate`], with these migrations for all there are.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn apply(&self, migrations: &[Migration], clock: &Clock) -> Result<()> {
        migrate::run(self, migrations, clock).await
    }

    /// Finishes the writes that wait, closes every connection and lets the data folder go.
    pub async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
        if let Some(folder) = &self.folder {
            folder.release();
        }
    }
}

fn settings(config: &config::Database, data: &Path, name: &'static str) -> Settings {
    Settings { name, path: data.join(format!("{name}.db")), readers: config.connections, timeout: config.timeout }
}
