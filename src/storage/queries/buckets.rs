//! Buckets, as the server itself sees them.

use crate::db::{self, Conn, FromRow, Row};
use crate::storage::model::Bucket;

/// A bucket by its id.
pub(in crate::storage) async fn find(conn: &mut Conn, id: &str) -> db::Result<Option<Bucket>> {
    // The list of media types as JSON on both databases.
    let list = if conn.is_postgres() { "to_jsonb(allowed_mime_types)" } else { "allowed_mime_types" };
    let query = conn.query_owned(format!(
        "select id, name, owner, public, file_size_limit, {list} as allowed_mime_types, created_at, updated_at \
         from storage.buckets where id = $1"
    ));
    query.bind(id).fetch_optional().await
}

/// Whether a bucket has an object, or a part of one that is being uploaded in pieces.
pub(in crate::storage) async fn has_objects(conn: &mut Conn, id: &str) -> db::Result<bool> {
    let query = conn.query("select exists (select 1 from storage.objects where bucket_id = $1)");
    query.bind(id).fetch_one::<(bool,)>().await.map(|(has,)| has)
}

impl FromRow for Bucket {
    fn from_row(row: &Row) -> db::Result<Self> {
        let types: Option<serde_json::Value> = row.get("allowed_mime_types")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            owner: row.get("owner")?,
            public: row.get("public")?,
            file_size_limit: row.get("file_size_limit")?,
            allowed_mime_types: types.and_then(|types| serde_json::from_value(types).ok()),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
