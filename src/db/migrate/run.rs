//! Applies migrations to a database.

use std::time::Duration;

use super::Migration;
use super::plan::Plan;
use crate::db::conn::{Conn, Link};
use crate::db::databases::Databases;
use crate::db::error::{Error, Result};
use crate::db::handle::{Db, Engine};
use crate::db::names::SCHEMAS;
use crate::types::{Clock, Timestamp};

/// `PLINTH` as a number: the advisory lock every node takes to migrate.
const LOCK: i64 = 0x50_4c_49_4e_54_48;

/// How long a node waits for another one's migrations.
const PATIENCE: &str = "set lock_timeout = '10min'";

/// How often a command beside a running server looks whether that one has migrated.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOKS: usize = 100;

/// Applies what is not applied yet.
pub(in crate::db) async fn run(databases: &Databases, migrations: &[Migration], clock: &Clock) -> Result<()> {
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
