//! `plinth.functions` and `plinth.function_revisions`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::{Package, Revision, Settings, SourceKind};
use crate::types::{FunctionId, FunctionName, RevisionId, Timestamp};

/// What a revision is read from.
pub(super) const REVISION: &str =
    "select r.*, f.name as name, f.created_at as function_created_at, f.reserved_concurrency as reserved_concurrency
       from plinth.functions f join plinth.function_revisions r on r.function_id = f.id";

/// Which of a function's revisions is the live one.
const LIVE: &str = "r.number = f.revision";

impl FromRow for Revision {
    fn from_row(row: &Row) -> db::Result<Self> {
        let settings = Settings {
            handler: row.get("handler")?,
            memory_mb: row.get("memory_mb")?,
            timeout: Duration::from_secs(row.get::<u32>("timeout_s")?.into()),
            verify_jwt: row.get("verify_jwt")?,
            network: json_of(row, "network")?,
            description: row.get("description")?,
            env_names: json_of(row, "env_names")?,
            permissions: json_of(row, "permissions")?,
            concurrency: row.get("concurrency")?,
        };
        let package = Package {
            kind: SourceKind::named(&row.get::<String>("language")?).ok_or_else(|| unreadable("language"))?,
            style: word_of(row, "style")?,
            source_key: row.get("source_key")?,
            source_sha256: row.get("source_sha256")?,
            source_size: row.get("source_size")?,
        };
        Ok(Self {
            id: row.get("id")?,
            function_id: row.get("function_id")?,
            name: row.get("name")?,
            number: row.get("number")?,
            version: row.get("version")?,
            settings,
            declared: json_of(row, "declared")?,
            package,
            sealed_env: row.get("sealed_env")?,
            created_at: row.get("created_at")?,
            function_created_at: row.get("function_created_at")?,
            reserved_concurrency: row.get("reserved_concurrency")?,
        })
    }
}

/// The live revision of a function; `None` when there is no function of that name.
#[tracing::instrument(name = "functions.find_live", skip_all, err)]
pub(in crate::functions) async fn find_live(conn: &mut Conn, name: &FunctionName) -> db::Result<Option<Revision>> {
    conn.query_owned(format!("{REVISION} where {LIVE} and f.name = $1")).bind(name).fetch_optional().await
}

/// The revision of a function with this number; `None` when there is none, or no more.
#[tracing::instrument(name = "functions.find_revision", skip_all, err)]
pub(in crate::functions) async fn find_revision(
    conn: &mut Conn,
    function: FunctionId,
    number: i64,
) -> db::Result<Option<Revision>> {
    conn.query_owned(format!("{REVISION} where f.id = $1 and r.number = $2")).bind(function).bind(number).fetch_optional().await
}

/// The last revision of a function before this number that is no version.
#[tracing::instrument(name = "functions.find_before", skip_all, err)]
pub(in crate::functions) async fn find_before(
    conn: &mut Conn,
    function: FunctionId,
    number: i64,
) -> db::Result<Option<Revision>> {
    conn.query_owned(format!("{REVISION} where f.id = $1 and r.number < $2 and r.version is null order by r.number desc limit 1"))
        .bind(function)
        .bind(number)
        .fetch_optional()
        .await
}

/// Keeps a revision from being removed until the end of the transaction; false when it is gone.
#[tracing::instrument(name = "functions.hold_revision", skip_all, err)]
pub(in crate::functions) async fn hold_revision(conn: &mut Conn, id: RevisionId) -> db::Result<bool> {
    let hold = conn.dialect().for_update();
    let sql = format!("select number from plinth.function_revisions where id = $1{hold}");
    let held: Option<(i64,)> = conn.query_owned(sql).bind(id).fetch_optional().await?;
    Ok(held.is_some())
}

/// The name of a function; `None` when it was deleted.
#[tracing::instrument(name = "functions.name_of", skip_all, err)]
pub(in crate::functions) async fn name_of(conn: &mut Conn, function: FunctionId) -> db::Result<Option<FunctionName>> {
    let found: Option<(FunctionName,)> =
        conn.query("select name from plinth.functions where id = $1").bind(function).fetch_optional().await?;
    Ok(found.map(|(name,)| name))
}

/// The live revisions of the functions after a name, in the order of their names.
#[tracing::instrument(name = "functions.list_live", skip_all, err)]
pub(in crate::functions) async fn list_live(
    conn: &mut Conn,
    after: Option<&FunctionName>,
    limit: u32,
) -> db::Result<Vec<Revision>> {
    conn.query_owned(format!("{REVISION} where {LIVE} and f.name > $1 order by f.name limit $2"))
        .bind(after.map_or("", FunctionName::as_str))
        .bind(limit)
        .fetch_all()
        .await
}

/// Whether there is any function.
#[tracing::instrument(name = "functions.any", skip_all, err)]
pub(in crate::functions) async fn any(conn: &mut Conn) -> db::Result<bool> {
    let found: Option<(FunctionId,)> = conn.query("select id from plinth.functions limit 1").fetch_optional().await?;
    Ok(found.is_some())
}

/// Makes a function's next revision number live, and the function if there is none of that name; gives its id and the number.
///
/// The row stays locked until the end of the transaction, so two deployments of one function do not get one number.
#[tracing::instrument(name = "functions.advance", skip_all, err)]
pub(in crate::functions) async fn advance(
    conn: &mut Conn,
    new_id: FunctionId,
    name: &FunctionName,
    now: Timestamp,
) -> db::Result<(FunctionId, i64, Timestamp)> {
    conn.query(
        "insert into plinth.functions as f (id, name, revision, numbers, created_at, updated_at) values ($1, $2, 1, 1, $3, $3)
         on conflict (name) do update set revision = f.numbers + 1, numbers = f.numbers + 1, updated_at = $3
         returning id, revision, created_at",
    )
    .bind(new_id)
    .bind(name)
    .bind(now)
    .fetch_one()
    .await
}

/// Makes a function whose first revision is live; `None` when there is one of that name.
#[tracing::instrument(name = "functions.create", skip_all, err)]
pub(in crate::functions) async fn create(
    conn: &mut Conn,
    new_id: FunctionId,
    name: &FunctionName,
    now: Timestamp,
) -> db::Result<Option<(FunctionId, i64, Timestamp)>> {
    conn.query(
        "insert into plinth.functions (id, name, revision, numbers, created_at, updated_at) values ($1, $2, 1, 1, $3, $3)
         on conflict (name) do nothing
         returning id, revision, created_at",
    )
    .bind(new_id)
    .bind(name)
    .bind(now)
    .fetch_optional()
    .await
}

/// As [`advance`], for a function whose live revision is still this one; `None` when it is not.
#[tracing::instrument(name = "functions.advance_from", skip_all, err)]
pub(in crate::functions) async fn advance_from(
    conn: &mut Conn,
    (function, number): (FunctionId, i64),
    now: Timestamp,
) -> db::Result<Option<(FunctionId, i64, Timestamp)>> {
    conn.query(
        "update plinth.functions set revision = numbers + 1, numbers = numbers + 1, updated_at = $3
          where id = $1 and revision = $2
         returning id, revision, created_at",
    )
    .bind(function)
    .bind(number)
    .bind(now)
    .fetch_optional()
    .await
}

/// Adds a revision.
#[tracing::instrument(name = "functions.insert_revision", skip_all, err)]
pub(in crate::functions) async fn insert_revision(conn: &mut Conn, revision: &Revision) -> db::Result<()> {
    let (settings, package) = (&revision.settings, &revision.package);
    conn.query(
        "insert into plinth.function_revisions (id, function_id, number, handler, memory_mb, timeout_s, verify_jwt, network,
                description, env_names, sealed_env, language, style, source_sha256, source_size, created_at, version, declared, source_key,
                permissions, concurrency)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
    )
    .bind(revision.id)
    .bind(revision.function_id)
    .bind(revision.number)
    .bind(settings.handler.as_deref())
    .bind(settings.memory_mb)
    .bind(i64::try_from(settings.timeout.as_secs()).unwrap_or(i64::MAX))
    .bind(settings.verify_jwt)
    .bind(json!(settings.network))
    .bind(&settings.description)
    .bind(json!(settings.env_names))
    .bind(&revision.sealed_env)
    .bind(package.kind.as_str())
    .bind(word(&json!(package.style)))
    .bind(&package.source_sha256)
    .bind(package.source_size)
    .bind(revision.created_at)
    .bind(revision.version)
    .bind(json!(revision.declared))
    .bind(&package.source_key)
    .bind(json!(settings.permissions))
    .bind(settings.concurrency)
    .execute()
    .await?;
    Ok(())
}

/// Removes the revisions of a function before a number; versions stay.
#[tracing::instrument(name = "functions.prune_revisions", skip_all, err)]
pub(in crate::functions) async fn prune_revisions(conn: &mut Conn, function: FunctionId, before: i64) -> db::Result<()> {
    conn.query("delete from plinth.function_revisions where function_id = $1 and number < $2 and version is null")
        .bind(function)
        .bind(before)
        .execute()
        .await?;
    Ok(())
}

/// Removes a function with its revisions; gives its id, or `None` when there was none of that name.
#[tracing::instrument(name = "functions.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, name: &FunctionName) -> db::Result<Option<FunctionId>> {
    let deleted: Option<(FunctionId,)> =
        conn.query("delete from plinth.functions where name = $1 returning id").bind(name).fetch_optional().await?;
    Ok(deleted.map(|(id,)| id))
}

/// A word of the protocol as text.
pub(super) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn word_of<T: DeserializeOwned>(row: &Row, column: &'static str) -> db::Result<T> {
    serde_json::from_value(Value::String(row.get(column)?)).map_err(|_| unreadable(column))
}

pub(super) fn json_of<T: DeserializeOwned>(row: &Row, column: &'static str) -> db::Result<T> {
    serde_json::from_value(row.get(column)?).map_err(|_| unreadable(column))
}

/// A column that holds what the server never writes there.
pub(super) fn unreadable(column: &'static str) -> db::Error {
    db::Error::Column { column: column.to_owned(), reason: "the server never writes such a value".to_owned() }
}
