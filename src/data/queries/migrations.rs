//! `plinth.app_migrations`: the app's migrations that were applied.

use crate::data::migrations::Record;
use crate::db::{self, Conn, FromRow, Row, Tx};

impl FromRow for Record {
    fn from_row(row: &Row) -> db::Result<Self> {
        let (number, version): (i64, String) = (row.get("number")?, row.get("version")?);
        Ok(Self {
            // Rows that are older than the column have the number alone.
            version: if version.is_empty() { number.to_string() } else { version },
            name: row.get("name")?,
            checksum: row.get("checksum")?,
            applied_at: row.get("applied_at")?,
            duration_ms: row.get("duration_ms")?,
        })
    }
}

/// All of them, in the order of their versions.
///
/// # Errors
///
/// What the database says.
pub async fn all(conn: &mut Conn) -> db::Result<Vec<Record>> {
    conn.query("select number, version, name, checksum, applied_at, duration_ms from plinth.app_migrations order by number")
        .fetch_all()
        .await
}

/// The one with this number, and the last one.
///
/// # Errors
///
/// What the database says.
pub async fn around(conn: &mut Conn, number: i64) -> db::Result<(Option<Record>, Option<Record>)> {
    let same = conn
        .query("select number, version, name, checksum, applied_at, duration_ms from plinth.app_migrations where number = $1")
        .bind(number)
        .fetch_optional()
        .await?;
    let last = conn
        .query(
            "select number, version, name, checksum, applied_at, duration_ms from plinth.app_migrations \
             order by number desc limit 1",
        )
        .fetch_optional()
        .await?;
    Ok((same, last))
}

/// Keeps everybody else from applying one until the transaction ends. To be said before anything else in it.
///
/// # Errors
///
/// [`db::Error::Busy`] when another keeps it for too long.
pub async fn lock(tx: &mut Tx) -> db::Result<()> {
    match tx.dialect().lock_app_migrations() {
        Some(lock) => tx.query(lock).execute().await.map(drop),
        None => Ok(()),
    }
}

/// Remembers that one was applied.
///
/// # Errors
///
/// What the database says.
pub async fn insert(tx: &mut Tx, number: i64, record: &Record) -> db::Result<()> {
    tx.query(
        "insert into plinth.app_migrations (number, version, name, checksum, applied_at, duration_ms) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number)
    .bind(record.version.clone())
    .bind(record.name.clone())
    .bind(record.checksum.clone())
    .bind(record.applied_at)
    .bind(record.duration_ms)
    .execute()
    .await?;
    Ok(())
}
