//! Versions, and what else `plinth.functions` holds for AWS Lambda's API.

use serde_json::{Map, Value};

use super::functions::REVISION;
use crate::db::{self, Conn};
use crate::functions::model::Revision;
use crate::types::{FunctionId, FunctionName, RevisionId};

/// A version of a function; `None` when there is none of that number.
#[tracing::instrument(name = "functions.versions.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, name: &FunctionName, version: i64) -> db::Result<Option<Revision>> {
    conn.query_owned(format!("{REVISION} where f.name = $1 and r.version = $2")).bind(name).bind(version).fetch_optional().await
}

/// The version published last; `None` before there is one, or when it was deleted since.
#[tracing::instrument(name = "functions.versions.newest", skip_all, err)]
pub(in crate::functions) async fn newest(conn: &mut Conn, function: FunctionId) -> db::Result<Option<Revision>> {
    conn.query_owned(format!("{REVISION} where f.id = $1 and r.version = f.last_version")).bind(function).fetch_optional().await
}

/// The live revision, then the versions of a function in their order; those after a number, of which 0 is the live one's.
#[tracing::instrument(name = "functions.versions.list", skip_all, err)]
pub(in crate::functions) async fn list(
    conn: &mut Conn,
    function: FunctionId,
    after: Option<i64>,
    limit: u32,
) -> db::Result<Vec<Revision>> {
    conn.query_owned(format!(
        "{REVISION} where f.id = $1 and (r.version is not null or r.number = f.revision) and coalesce(r.version, 0) > $2
         order by coalesce(r.version, 0) limit $3"
    ))
    .bind(function)
    .bind(after.unwrap_or(-1))
    .bind(limit)
    .fetch_all()
    .await
}

/// The live revisions and versions of all functions, in the order of their names and numbers; those after one.
#[tracing::instrument(name = "functions.versions.list_all", skip_all, err)]
pub(in crate::functions) async fn list_all(
    conn: &mut Conn,
    (name, version): (&str, i64),
    limit: u32,
) -> db::Result<Vec<Revision>> {
    conn.query_owned(format!(
        "{REVISION} where (r.version is not null or r.number = f.revision)
            and (f.name > $1 or (f.name = $1 and coalesce(r.version, 0) > $2))
         order by f.name, coalesce(r.version, 0) limit $3"
    ))
    .bind(name)
    .bind(version)
    .bind(limit)
    .fetch_all()
    .await
}

/// Takes the numbers of a new version: its revision's, and its own. `None` when another revision is live by now.
#[tracing::instrument(name = "functions.versions.advance", skip_all, err)]
pub(in crate::functions) async fn advance(conn: &mut Conn, function: FunctionId, live: i64) -> db::Result<Option<(i64, i64)>> {
    conn.query(
        "update plinth.functions set numbers = numbers + 1, last_version = last_version + 1 where id = $1 and revision = $2
         returning numbers, last_version",
    )
    .bind(function)
    .bind(live)
    .fetch_optional()
    .await
}

/// Removes a version with its policy and what is provisioned of it; gives its revision's id, or `None` when there was none of that number.
#[tracing::instrument(name = "functions.versions.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, version: i64) -> db::Result<Option<RevisionId>> {
    for statement in [
        "delete from plinth.function_policies where function_id = $1 and qualifier = $2",
        "delete from plinth.function_provisioned where function_id = $1 and qualifier = $2",
    ] {
        conn.query(statement).bind(function).bind(version.to_string()).execute().await?;
    }
    let deleted: Option<(RevisionId,)> = conn
        .query("delete from plinth.function_revisions where function_id = $1 and version = $2 returning id")
        .bind(function)
        .bind(version)
        .fetch_optional()
        .await?;
    Ok(deleted.map(|(id,)| id))
}

/// Sets how many calls may run at once; false when there is no such function.
#[tracing::instrument(name = "functions.set_reserved", skip_all, err)]
pub(in crate::functions) async fn set_reserved(conn: &mut Conn, name: &FunctionName, count: Option<u32>) -> db::Result<bool> {
    let changed = conn
        .query("update plinth.functions set reserved_concurrency = $2 where name = $1")
        .bind(name)
        .bind(count)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// The tags of a function; `None` when there is no such function. Within a transaction no other changes them meanwhile.
#[tracing::instrument(name = "functions.tags", skip_all, err)]
pub(in crate::functions) async fn tags(conn: &mut Conn, name: &FunctionName) -> db::Result<Option<Map<String, Value>>> {
    let found: Option<(Map<String, Value>,)> =
        conn.query("select tags from plinth.functions where name = $1").bind(name).fetch_optional().await?;
    Ok(found.map(|(tags,)| tags))
}

/// Replaces the tags of a function; false when there is no such function.
#[tracing::instrument(name = "functions.set_tags", skip_all, err)]
pub(in crate::functions) async fn set_tags(conn: &mut Conn, name: &FunctionName, tags: &Map<String, Value>) -> db::Result<bool> {
    let changed = conn.query("update plinth.functions set tags = $2 where name = $1").bind(name).bind(tags).execute().await?;
    Ok(changed > 0)
}

/// How many functions there are, the bytes of their live revisions' and versions' code, and the concurrency they reserve.
#[tracing::instrument(name = "functions.totals", skip_all, err)]
pub(in crate::functions) async fn totals(conn: &mut Conn) -> db::Result<(i64, i64, i64)> {
    conn.query(
        "select (select count(*) from plinth.functions),
                (select cast(coalesce(sum(r.source_size), 0) as bigint)
                   from plinth.functions f join plinth.function_revisions r on r.function_id = f.id
                  where r.version is not null or r.number = f.revision),
                (select cast(coalesce(sum(reserved_concurrency), 0) as bigint) from plinth.functions)",
    )
    .fetch_one()
    .await
}
