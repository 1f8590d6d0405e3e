//! Brings the server's own schema up to date.
//!
//! A migration is a file for each database, with the same number and name, taken into the program by [`files`]. It belongs to the
//! app's database, or, when its first line is `-- database: system`, to the system database (on PostgreSQL that is the same one).
//! What was applied stands in `plinth.migrations` with a checksum: a file that is changed afterwards is refused, and so is a database
//! that a newer program has written to.
//!
//! Each migration is one transaction. On PostgreSQL an advisory lock keeps nodes that start together from colliding; on SQLite the
//! data folder belongs to one server.

mod files;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

pub use files::{MIGRATIONS, Migration};

use super::conn::{Conn, Link};
use super::databases::Databases;
use super::dialect::Dialect;
use super::error::{Error, Result};
use super::handle::{Db, Engine};
use super::names::SCHEMAS;
use crate::types::{Clock, Timestamp};

/// The first line of a migration that is not the app's.
const SYSTEM: &str = "-- database: system";

/// `PLINTH` as a number: the advisory lock every node takes to migrate.
const LOCK: i64 = 0x50_4c_49_4e_54_48;

/// How long a node waits for another one's migrations.
const PATIENCE: &str = "set lock_timeout = '10min'";

/// How often a command beside a running server looks whether that one has migrated.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOKS: usize = 100;

impl Migration {
    const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    fn is_system(&self) -> bool {
        self.sqlite.lines().next().is_some_and(|line| line.trim_end() == SYSTEM)
    }

    fn checksum(&self, dialect: Dialect) -> String {
        let hash = digest(&SHA256, self.text(dialect).as_bytes());
        hash.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn error(&self, reason: &Error) -> Error {
        Error::Migration { number: self.number, name: self.name.to_owned(), reason: reason.to_string() }
    }
}

/// What one database is to have.
struct Plan<'m> {
    database: &'static str,
    migrations: Vec<&'m Migration>,
    /// The highest number this program knows, whichever database it belongs to.
    known: i64,
}

impl<'m> Plan<'m> {
    /// `system`: the system database's part or the app's; `None` is both.
    fn new(all: &'m [Migration], database: &'static str, system: Option<bool>) -> Self {
        let migrations = all.iter().filter(|migration| system.is_none_or(|system| migration.is_system() == system)).collect();
        Self { database, migrations, known: all.iter().map(|migration| migration.number).max().unwrap_or(0) }
    }

    /// Those not applied yet, after a check of those that are.
    fn pending(&self, applied: &[(i64, String, String)], dialect: Dialect) -> Result<Vec<&'m Migration>> {
        if let Some((found, ..)) = applied.iter().find(|(number, ..)| *number > self.known) {
            return Err(Error::NewerSchema { database: self.database, found: *found, known: self.known });
        }
        for (number, name, checksum) in applied {
            let error = |reason: &str| Error::Migration { number: *number, name: name.clone(), reason: reason.to_owned() };
            let known = self.migrations.iter().find(|migration| migration.number == *number);
            let known = known.ok_or_else(|| error("it was applied to this database, but this program does not have it"))?;
            if known.name != name || known.checksum(dialect) != *checksum {
                return Err(error("its text was changed after it had been applied to this database"));
            }
        }
        let is_pending = |migration: &&&Migration| !applied.iter().any(|(number, ..)| *number == migration.number);
        Ok(self.migrations.iter().filter(is_pending).copied().collect())
    }
}

/// Applies what is not applied yet.
pub(super) async fn run(databases: &Databases, migrations: &[Migration], clock: &Clock) -> Result<()> {
    match databases.app.engine() {
        Engine::Postgres(pools) => {
            let plan = Plan::new(migrations, "PostgreSQL", None);
            let mut conn = Conn::new(Link::PostgresAlone(pools.alone().await?));
            let done = migrate_postgres(&mut conn, &plan, clock).await;
            // Ends the session, and with it the advisory lock.
            if let Link::PostgresAlone(conn) = conn.into_link() {
                let _ = sqlx::Connection::close(conn).await;
            }
            done
        }
        Engine::Sqlite(_) => {
            migrate_sqlite(&databases.app, &Plan::new(migrations, "app", Some(false)), clock).await?;
            migrate_sqlite(&databases.system, &Plan::new(migrations, "system", Some(true)), clock).await
        }
    }
}

async fn migrate_postgres(conn: &mut Conn, plan: &Plan<'_>, clock: &Clock) -> Result<()> {
    conn.script(PATIENCE).await?;
    conn.query("select pg_advisory_lock($1)").bind(LOCK).execute().await?;
    let pending = look(conn, plan).await?;
    for schema in SCHEMAS {
        conn.script(&format!("create schema if not exists {schema}")).await?;
    }
    apply(conn, &pending, clock).await
}

async fn migrate_sqlite(db: &Db, plan: &Plan<'_>, clock: &Clock) -> Result<()> {
    let Engine::Sqlite(sqlite) = db.engine() else { return Ok(()) };
    match sqlite.exclusive().await? {
        Some(mut writer) => {
            let conn = writer.conn();
            let pending = look(conn, plan).await?;
            apply(conn, &pending, clock).await
        }
        None => await_other(db, plan).await,
    }
}

/// What is to be applied to this database.
async fn look<'m>(conn: &mut Conn, plan: &Plan<'m>) -> Result<Vec<&'m Migration>> {
    let dialect = conn.dialect();
    let (exists,): (bool,) = conn.query(dialect.has_migrations()).fetch_one().await?;
    let applied: Vec<(i64, String, String)> = if exists {
        conn.query("select number, name, checksum from plinth.migrations order by number").fetch_all().await?
    } else {
        Vec::new()
    };
    plan.pending(&applied, dialect)
}

async fn apply(conn: &mut Conn, pending: &[&Migration], clock: &Clock) -> Result<()> {
    conn.script(conn.dialect().create_migrations()).await?;
    for migration in pending {
        let done = apply_one(conn, migration, clock.now()).await;
        if let Err(err) = done {
            // Where this fails, the transaction is over already.
            let _ = conn.script("rollback").await;
            return Err(migration.error(&err));
        }
        tracing::info!(number = migration.number, name = migration.name, "a migration was applied");
    }
    Ok(())
}

async fn apply_one(conn: &mut Conn, migration: &Migration, now: Timestamp) -> Result<()> {
    let dialect = conn.dialect();
    conn.script(dialect.begin()).await?;
    conn.script(migration.text(dialect)).await?;
    conn.query("insert into plinth.migrations (number, name, checksum, applied_at) values ($1, $2, $3, $4)")
        .bind(migration.number)
        .bind(migration.name)
        .bind(migration.checksum(dialect))
        .bind(now)
        .execute()
        .await?;
    conn.script("commit").await
}

/// Beside a running server: waits until that one is done, since it may have been started a moment ago.
async fn await_other(db: &Db, plan: &Plan<'_>) -> Result<()> {
    for _ in 0..LOOKS {
        let found = async { look(&mut db.read().await?, plan).await };
        match found.await {
            Ok(pending) if pending.is_empty() => return Ok(()),
            Err(newer @ (Error::NewerSchema { .. } | Error::Migration { .. })) => return Err(newer),
            Ok(_) | Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
    Err(Error::Busy(format!("the server that runs on this data folder has not set up its {} database yet", plan.database)))
}
