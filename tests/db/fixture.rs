//! A database of a test's own, of either kind.

use std::path::Path;
use std::time::Duration;

use plinth::config;
use plinth::db::{BoxFuture, Databases, Db, Error, Result, Tx};
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret};
use tempfile::TempDir;

use crate::support::postgres::{FreshDatabase, fresh_database};

/// How long the databases here wait; tests of slowness are as slow as this.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Migrated databases; SQLite in a temporary folder, or a fresh PostgreSQL database.
pub(super) struct TestDb {
    pub(super) databases: Databases,
    pub(super) db: Db,
    pub(super) tasks: Tasks,
    folder: TempDir,
    /// Dropped last.
    fresh: Option<FreshDatabase>,
}

impl TestDb {
    pub(super) async fn sqlite() -> Self {
        Self::open(None, TIMEOUT).await
    }

    pub(super) async fn postgres() -> Self {
        Self::open(Some(fresh_database().await), TIMEOUT).await
    }

    pub(super) async fn open(fresh: Option<FreshDatabase>, timeout: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tasks = tasks();
        let config = config_of(fresh.as_ref(), timeout);
        let databases = Databases::open(&config, folder.path(), &tasks).await.expect("the databases open");
        databases.migrate(&Clock::system()).await.expect("the migrations are applied");
        Self { db: databases.app.clone(), databases, tasks, folder, fresh }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn config(&self) -> config::Database {
        config_of(self.fresh.as_ref(), TIMEOUT)
    }

    /// Runs the text for this kind of database.
    pub(super) async fn set_up(&self, sqlite: &str, postgres: &str) {
        let sql = if self.db.is_postgres() { postgres } else { sqlite };
        for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            execute(&self.db, statement).await.expect("the set-up runs");
        }
    }

    /// A table with a number and a text; the number is the key, and the text is unique.
    pub(super) async fn with_things(self) -> Self {
        let columns = "(id bigint primary key, name text unique)";
        self.set_up(
            "create table plinth.things (id integer primary key, name text unique) strict",
            &format!("create table plinth.things {columns}"),
        )
        .await;
        self
    }

    /// How many rows `plinth.things` has.
    pub(super) async fn count(&self) -> i64 {
        let mut conn = self.db.read().await.expect("a reader");
        let (count,) = conn.query("select count(*) from plinth.things").fetch_one().await.expect("the count");
        count
    }
}

pub(super) fn tasks() -> Tasks {
    Tasks::new(tokio::runtime::Handle::current())
}

pub(super) fn config_of(fresh: Option<&FreshDatabase>, timeout: Duration) -> config::Database {
    config::Database { url: fresh.map(|fresh| Secret::new(fresh.url().to_owned())), connections: 8, timeout }
}

/// Inserts a row into `plinth.things`.
pub(super) fn insert(tx: &mut Tx, id: i64, name: Option<String>) -> BoxFuture<'_, Result<u64>> {
    Box::pin(async move { tx.query("insert into plinth.things (id, name) values ($1, $2)").bind(id).bind(name).execute().await })
}

/// [`insert`] as a write of its own.
pub(super) async fn insert_one(db: &Db, id: i64) -> Result<u64> {
    db.write(move |tx| insert(tx, id, None)).await
}

/// Runs one statement as a write of its own.
pub(super) async fn execute(db: &Db, sql: &str) -> Result<u64, Error> {
    let sql = sql.to_owned();
    db.write(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { tx.query_owned(sql).execute().await })
    })
    .await
}

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(async fn $name:ident($test:ident: TestDb) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($test: TestDb) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check(TestDb::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check(TestDb::postgres().await).await;
            }
        }
    )*};
}

pub(super) use on_both;
