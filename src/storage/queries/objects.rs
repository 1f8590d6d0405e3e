//! Objects, as the server itself sees them.

use uuid::Uuid;

use crate::db::{self, Conn};

/// The version of an object, if there is one of the name.
pub(in crate::storage) async fn version(conn: &mut Conn, bucket: &str, name: &str) -> db::Result<Option<String>> {
    let query = conn.query("select version from storage.objects where bucket_id = $1 and name = $2");
    Ok(query.bind(bucket).bind(name).fetch_optional::<(String,)>().await?.map(|(version,)| version))
}

/// The version and the server's metadata of an object, if there is one of the name.
pub(in crate::storage) async fn known(
    conn: &mut Conn,
    bucket: &str,
    name: &str,
) -> db::Result<Option<(String, serde_json::Value)>> {
    let query = conn.query("select version, metadata from storage.objects where bucket_id = $1 and name = $2");
    query.bind(bucket).bind(name).fetch_optional().await
}

/// Whether the database knows a blob: as an object's one version, as a piece, or as one that waits to be removed.
pub(in crate::storage) async fn knows_blob(conn: &mut Conn, blob: &str, id: Uuid) -> db::Result<bool> {
    let query = conn.query(
        "select exists (select 1 from storage.objects where version = $1) \
             or exists (select 1 from storage.pieces where blob = $2) \
             or exists (select 1 from storage.garbage where blob = $2)",
    );
    query.bind(id.to_string()).bind(blob).fetch_one::<(bool,)>().await.map(|(knows,)| knows)
}

/// Bucket, name, version and the server's metadata of the objects after one, in order; for a look at all of them.
pub(in crate::storage) async fn after(
    conn: &mut Conn,
    bucket: &str,
    name: &str,
    limit: i64,
) -> db::Result<Vec<(String, String, String, serde_json::Value)>> {
    let query = conn.query(
        "select bucket_id, name, version, metadata from storage.objects \
         where (bucket_id = $1 and name > $2) or bucket_id > $1 order by bucket_id, name limit $3",
    );
    query.bind(bucket).bind(name).bind(limit).fetch_all().await
}

/// Forgets an object whose bytes are lost.
pub(in crate::storage) async fn forget(conn: &mut Conn, version: &str) -> db::Result<u64> {
    conn.query("delete from storage.objects where version = $1").bind(version).execute().await
}
