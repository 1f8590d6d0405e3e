//! `plinth.keys`.

use crate::auth::keys::StoredKey;
use crate::db::{self, Conn, FromRow, Row};

impl FromRow for StoredKey {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            kind: row.get("kind")?,
            public_id: row.get("public_id")?,
            sealed: row.get("sealed")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// Adds a key, unless there is one of that name.
#[tracing::instrument(name = "auth.key.insert", skip_all, err)]
pub(in crate::auth) async fn insert(conn: &mut Conn, key: &StoredKey) -> db::Result<()> {
    conn.query(
        "insert into plinth.keys (id, name, kind, public_id, sealed, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (name) do nothing",
    )
    .bind(key.id)
    .bind(&key.name)
    .bind(&key.kind)
    .bind(key.public_id.as_ref())
    .bind(&key.sealed)
    .bind(key.created_at)
    .execute()
    .await?;
    Ok(())
}

/// The keys that were not revoked, the oldest first.
#[tracing::instrument(name = "auth.key.live", skip_all, err)]
pub(in crate::auth) async fn live(conn: &mut Conn) -> db::Result<Vec<StoredKey>> {
    conn.query("select * from plinth.keys where revoked_at is null order by created_at, name").fetch_all().await
}
