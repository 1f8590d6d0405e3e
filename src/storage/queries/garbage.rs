//! Blobs that wait to be removed.

use crate::db::{self, Conn};
use crate::types::Timestamp;

/// Puts a blob among those to remove.
pub(in crate::storage) async fn add(conn: &mut Conn, blob: &str, due: Timestamp) -> db::Result<()> {
    let query = conn.query("insert into storage.garbage (blob, due_at) values ($1, $2) on conflict (blob) do nothing");
    query.bind(blob).bind(due).execute().await.map(drop)
}

/// Puts the pieces of an upload among those to remove.
pub(in crate::storage) async fn add_pieces(conn: &mut Conn, upload: uuid::Uuid, due: Timestamp) -> db::Result<()> {
    let query = conn.query(
        "insert into storage.garbage (blob, due_at) select blob, $2 from storage.pieces where upload_id = $1 \
         on conflict (blob) do nothing",
    );
    query.bind(upload).bind(due).execute().await?;
    conn.query("delete from storage.pieces where upload_id = $1").bind(upload).execute().await.map(drop)
}

/// Those whose time has come.
pub(in crate::storage) async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> db::Result<Vec<String>> {
    let query = conn.query("select blob from storage.garbage where due_at <= $1 order by due_at limit $2");
    Ok(query.bind(now).bind(limit).fetch_all::<(String,)>().await?.into_iter().map(|(blob,)| blob).collect())
}

/// Forgets one that was removed.
pub(in crate::storage) async fn forget(conn: &mut Conn, blob: &str) -> db::Result<()> {
    conn.query("delete from storage.garbage where blob = $1").bind(blob).execute().await.map(drop)
}
