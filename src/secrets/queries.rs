//! `plinth.secrets` and `plinth.secret_changes`.

use uuid::Uuid;

use super::model::{SecretInfo, SecretName};
use crate::db::{self, Conn, FromRow, Row};
use crate::types::Timestamp;

impl FromRow for SecretInfo {
    fn from_row(row: &Row) -> db::Result<Self> {
        let name: String = row.get("name")?;
        let unreadable =
            |_| db::Error::Column { column: "name".to_owned(), reason: "the server never writes such a value".to_owned() };
        Ok(Self {
            name: SecretName::new(&name).map_err(unreadable)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Writes a secret, and gives what is told of it.
#[tracing::instrument(name = "secrets.put", skip_all, err)]
pub(super) async fn put(
    conn: &mut Conn,
    name: &SecretName,
    (id, sealed): (Uuid, &[u8]),
    now: Timestamp,
) -> db::Result<SecretInfo> {
    conn.query(
        "insert into plinth.secrets (name, id, sealed, created_at, updated_at) values ($1, $2, $3, $4, $4)
         on conflict (name) do update set id = $2, sealed = $3, updated_at = $4
         returning name, created_at, updated_at",
    )
    .bind(name.as_str())
    .bind(id)
    .bind(sealed)
    .bind(now)
    .fetch_one()
    .await
}

/// Removes a secret; false when there is none of that name.
#[tracing::instrument(name = "secrets.delete", skip_all, err)]
pub(super) async fn delete(conn: &mut Conn, name: &SecretName) -> db::Result<bool> {
    Ok(conn.query("delete from plinth.secrets where name = $1").bind(name.as_str()).execute().await? > 0)
}

/// How many there are.
#[tracing::instrument(name = "secrets.count", skip_all, err)]
pub(super) async fn count(conn: &mut Conn) -> db::Result<u32> {
    let (count,): (u32,) = conn.query("select count(*) from plinth.secrets").fetch_one().await?;
    Ok(count)
}

/// All of them, in the order of their names.
#[tracing::instrument(name = "secrets.list", skip_all, err)]
pub(super) async fn list(conn: &mut Conn, limit: u32) -> db::Result<Vec<SecretInfo>> {
    conn.query("select name, created_at, updated_at from plinth.secrets order by name limit $1").bind(limit).fetch_all().await
}

/// What a secret is sealed as, with the id it is bound to.
#[tracing::instrument(name = "secrets.find", skip_all, err)]
pub(super) async fn find(conn: &mut Conn, name: &SecretName) -> db::Result<Option<(Uuid, Vec<u8>)>> {
    conn.query("select id, sealed from plinth.secrets where name = $1").bind(name.as_str()).fetch_optional().await
}

/// Counts one more change; the count.
#[tracing::instrument(name = "secrets.changed", skip_all, err)]
pub(super) async fn changed(conn: &mut Conn) -> db::Result<i64> {
    let (changes,): (i64,) =
        conn.query("update plinth.secret_changes set changes = changes + 1 where one = 1 returning changes").fetch_one().await?;
    Ok(changes)
}

/// The count of changes.
#[tracing::instrument(name = "secrets.changes", skip_all, err)]
pub(super) async fn changes(conn: &mut Conn) -> db::Result<i64> {
    let (changes,): (i64,) = conn.query("select changes from plinth.secret_changes where one = 1").fetch_one().await?;
    Ok(changes)
}
