//! Buckets, as the server itself sees them.

use crate::db::{self, Conn, FromRow, Row};
use crate::storage::model::{Bucket, Quota};

/// A bucket by its id.
pub(in crate::storage) async fn find(conn: &mut Conn, id: &str) -> db::Result<Option<Bucket>> {
    // The list of media types as JSON on both databases.
    let list = if conn.is_postgres() { "to_jsonb(allowed_mime_types)" } else { "allowed_mime_types" };
    let query = conn.query_owned(format!(
        "select id, name, owner, public, file_size_limit, {list} as allowed_mime_types, created_at, updated_at, quota, \
         bytes, objects from storage.buckets join storage.usage on bucket_id = id where id = $1"
    ));
    query.bind(id).fetch_optional().await
}

/// The buckets that have a quota, by id, with it and what they hold.
pub(in crate::storage) async fn quotas(conn: &mut Conn) -> db::Result<Vec<(String, Quota)>> {
    let query = conn.query(
        "select id, quota, bytes, objects from storage.buckets join storage.usage on bucket_id = id where quota is not null",
    );
    let rows = query.fetch_all::<(String, i64, i64, i64)>().await?;
    Ok(rows.into_iter().map(|(id, quota, bytes, objects)| (id, quota_of(quota, bytes, objects))).collect())
}

/// Has others wait that count objects, so that none is missed where counting begins; first of all in a transaction.
pub(in crate::storage) async fn hold_usage(conn: &mut Conn) -> db::Result<()> {
    // SQLite writes one transaction at a time.
    if conn.is_postgres() {
        conn.query("lock table storage.usage in exclusive mode").execute().await?;
    }
    Ok(())
}

/// Gives a bucket a quota, or takes it away. What it holds is counted from then on.
pub(in crate::storage) async fn set_quota(conn: &mut Conn, id: &str, quota: Option<u64>) -> db::Result<()> {
    let number = quota.map(|quota| i64::try_from(quota).unwrap_or(i64::MAX));
    conn.query("update storage.buckets set quota = $2 where id = $1").bind(id).bind(number).execute().await?;
    let query = conn.query(
        "update storage.usage set is_counted = $2, \
         bytes = (select coalesce(cast(sum(cast(metadata ->> 'size' as bigint)) as bigint), 0) from storage.objects where bucket_id = $1), \
         objects = (select count(*) from storage.objects where bucket_id = $1) where bucket_id = $1",
    );
    query.bind(id).bind(quota.is_some()).execute().await.map(drop)
}

/// The quota of a bucket that holds more than that.
pub(in crate::storage) async fn quota_passed(conn: &mut Conn, id: &str) -> db::Result<Option<u64>> {
    let query =
        conn.query("select quota from storage.buckets join storage.usage on bucket_id = id where id = $1 and bytes > quota");
    Ok(query.bind(id).fetch_optional::<(i64,)>().await?.map(|(quota,)| u64::try_from(quota).unwrap_or(0)))
}

fn quota_of(quota: i64, bytes: i64, objects: i64) -> Quota {
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Quota { quota: number(quota), bytes: number(bytes), objects: number(objects) }
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
            quota: match row.get("quota")? {
                Some(quota) => Some(quota_of(quota, row.get("bytes")?, row.get("objects")?)),
                None => None,
            },
        })
    }
}
