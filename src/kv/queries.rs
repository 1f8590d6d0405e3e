//! `plinth.kv`, in the system database.

use uuid::Uuid;

use super::model::{Content, Entry, Key, LAST, Listed, MAX_NUMBER, Only, StoreName};
use crate::db::{self, Conn, FromRow, Row, Value};
use crate::types::Timestamp;

impl FromRow for Entry {
    fn from_row(row: &Row) -> db::Result<Self> {
        let form: String = row.get("form")?;
        let value = || row.get::<Option<Vec<u8>>>("value").map(Option::unwrap_or_default);
        let unreadable = |column: &'static str| db::Error::Column {
            column: column.to_owned(),
            reason: "the server never writes such a value".to_owned(),
        };
        let content = match form.as_str() {
            "bytes" => Content::Bytes(value()?),
            "json" => Content::Json(String::from_utf8(value()?).map_err(|_| unreadable("value"))?),
            "number" => Content::Number(row.get("number")?),
            _ => return Err(unreadable("form")),
        };
        Ok(Self { content, version: row.get("version")?, expires_at: row.get("expires_at")? })
    }
}

impl FromRow for Listed {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { key: row.get("key")?, version: row.get("version")?, expires_at: row.get("expires_at")? })
    }
}

/// An entry; `None` when there is none, or its time is over.
#[tracing::instrument(name = "kv.find", skip_all, err)]
pub(super) async fn find(conn: &mut Conn, store: &StoreName, key: &Key, now: Timestamp) -> db::Result<Option<Entry>> {
    conn.query(
        "select form, value, number, version, expires_at from plinth.kv
          where store = $1 and key = $2 and (expires_at is null or expires_at > $3)",
    )
    .bind(store.as_str())
    .bind(key.as_str())
    .bind(now)
    .fetch_optional()
    .await
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) content: Content,
    pub(super) version: Uuid,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// Writes an entry if the condition holds; false when it does not.
#[tracing::instrument(name = "kv.write", skip_all, err)]
pub(super) async fn write(conn: &mut Conn, store: &StoreName, key: &Key, written: &Written, only: Only) -> db::Result<bool> {
    let changes = "form = $3, value = $4, number = $5, version = $6, expires_at = $7, updated_at = $8";
    let is_over = "(kv.expires_at is not null and kv.expires_at <= $8)";
    let insert = "insert into plinth.kv as kv (store, key, form, value, number, version, expires_at, updated_at)
                  values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let sql = match only {
        Only::Always => format!("{insert} on conflict (store, key) do update set {changes}"),
        Only::Absent => format!("{insert} on conflict (store, key) do update set {changes} where {is_over}"),
        Only::Version(None) => return Ok(false),
        Only::Version(Some(_)) => {
            format!("update plinth.kv as kv set {changes} where store = $1 and key = $2 and version = $9 and not {is_over}")
        }
    };
    let (form, value, number) = match &written.content {
        Content::Bytes(bytes) => ("bytes", Some(bytes.clone()), None),
        Content::Json(text) => ("json", Some(text.clone().into_bytes()), None),
        Content::Number(number) => ("number", None, Some(*number)),
    };
    let mut query = conn
        .query_owned(sql)
        .bind(store.as_str())
        .bind(key.as_str())
        .bind(form)
        .bind(Value::from(value))
        .bind(Value::from(number))
        .bind(written.version)
        .bind(written.expires_at)
        .bind(written.now);
    if let Only::Version(Some(version)) = only {
        query = query.bind(version);
    }
    Ok(query.execute().await? > 0)
}

/// Removes an entry if the condition holds; false when there was none such.
#[tracing::instrument(name = "kv.delete", skip_all, err)]
pub(super) async fn delete(conn: &mut Conn, store: &StoreName, key: &Key, only: Only, now: Timestamp) -> db::Result<bool> {
    let delete = "delete from plinth.kv where store = $1 and key = $2 and (expires_at is null or expires_at > $3)";
    let query = match only {
        Only::Absent | Only::Version(None) => return Ok(false),
        Only::Always => conn.query(delete).bind(store.as_str()).bind(key.as_str()).bind(now),
        Only::Version(Some(version)) => {
            conn.query_owned(format!("{delete} and version = $4")).bind(store.as_str()).bind(key.as_str()).bind(now).bind(version)
        }
    };
    Ok(query.execute().await? > 0)
}

/// Adds to a number, which is 0 where there is none; `None` when the entry is no number, or the sum is beyond what one holds.
/// `expires_at` counts for an entry that this makes.
#[tracing::instrument(name = "kv.increment", skip_all, err)]
pub(super) async fn increment(
    conn: &mut Conn,
    store: &StoreName,
    key: &Key,
    by: i64,
    (version, expires_at, now): (Uuid, Option<Timestamp>, Timestamp),
) -> db::Result<Option<i64>> {
    let sum: Option<(i64,)> = conn
        .query_owned(format!(
            "insert into plinth.kv as kv (store, key, form, value, number, version, expires_at, updated_at)
             values ($1, $2, 'number', null, $3, $4, $5, $6)
             on conflict (store, key) do update
                set form = 'number', value = null, version = $4, updated_at = $6,
                    number = case when kv.expires_at <= $6 then $3 else kv.number + $3 end,
                    expires_at = case when kv.expires_at <= $6 then $5 else kv.expires_at end
              where kv.expires_at <= $6 or (kv.form = 'number' and kv.number + $3 between -{MAX_NUMBER} and {MAX_NUMBER})
             returning number"
        ))
        .bind(store.as_str())
        .bind(key.as_str())
        .bind(by)
        .bind(version)
        .bind(expires_at)
        .bind(now)
        .fetch_optional()
        .await?;
    Ok(sum.map(|(sum,)| sum))
}

/// The keys with a prefix behind one of them, in their order.
#[tracing::instrument(name = "kv.list", skip_all, err)]
pub(super) async fn list(
    conn: &mut Conn,
    store: &StoreName,
    (prefix, after): (&str, Option<&str>),
    now: Timestamp,
    limit: u32,
) -> db::Result<Vec<Listed>> {
    conn.query(
        "select key, version, expires_at from plinth.kv
          where store = $1 and key >= $2 and key < $3 and key > $4 and (expires_at is null or expires_at > $5)
          order by key limit $6",
    )
    .bind(store.as_str())
    .bind(prefix)
    .bind(format!("{prefix}{LAST}"))
    .bind(after.unwrap_or_default())
    .bind(now)
    .bind(limit)
    .fetch_all()
    .await
}

/// Removes entries whose time is over, some at a time; how many.
#[tracing::instrument(name = "kv.forget", skip_all, err)]
pub(super) async fn forget(conn: &mut Conn, now: Timestamp, limit: u32) -> db::Result<u64> {
    // Looked at again when it is locked: meanwhile it may have been written anew.
    conn.query(
        "delete from plinth.kv
          where (store, key) in (select store, key from plinth.kv where expires_at <= $1 order by expires_at limit $2)
            and expires_at <= $1",
    )
    .bind(now)
    .bind(limit)
    .execute()
    .await
}
