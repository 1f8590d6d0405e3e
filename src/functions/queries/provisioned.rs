//! `plinth.function_provisioned`.

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::Provisioned;
use crate::types::FunctionId;

/// What a configuration is read from.
const CONFIG: &str =
    "select p.*, f.name as name from plinth.function_provisioned p join plinth.functions f on f.id = p.function_id";

impl FromRow for Provisioned {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            function_id: row.get("function_id")?,
            function: row.get("name")?,
            qualifier: row.get::<String>("qualifier")?.parse().map_err(|_| unreadable("qualifier"))?,
            count: row.get("environments")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Every configuration, in the order of functions and qualifiers.
#[tracing::instrument(name = "functions.provisioned.all", skip_all, err)]
pub(in crate::functions) async fn all(conn: &mut Conn) -> db::Result<Vec<Provisioned>> {
    conn.query_owned(format!("{CONFIG} order by f.name, p.qualifier")).fetch_all().await
}

/// The configuration of a version or alias; `None` when it has none.
#[tracing::instrument(name = "functions.provisioned.find", skip_all, err)]
pub(in crate::functions) async fn find(
    conn: &mut Conn,
    function: FunctionId,
    qualifier: &str,
) -> db::Result<Option<Provisioned>> {
    conn.query_owned(format!("{CONFIG} where p.function_id = $1 and p.qualifier = $2"))
        .bind(function)
        .bind(qualifier)
        .fetch_optional()
        .await
}

/// The configurations of a function after a qualifier, in the order of the qualifiers.
#[tracing::instrument(name = "functions.provisioned.list", skip_all, err)]
pub(in crate::functions) async fn list(
    conn: &mut Conn,
    function: FunctionId,
    after: &str,
    limit: u32,
) -> db::Result<Vec<Provisioned>> {
    conn.query_owned(format!("{CONFIG} where p.function_id = $1 and p.qualifier > $2 order by p.qualifier limit $3"))
        .bind(function)
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// Makes a configuration, or changes it.
#[tracing::instrument(name = "functions.provisioned.put", skip_all, err)]
pub(in crate::functions) async fn put(conn: &mut Conn, wanted: &Provisioned) -> db::Result<()> {
    conn.query(
        "insert into plinth.function_provisioned (function_id, qualifier, environments, updated_at) values ($1, $2, $3, $4)
         on conflict (function_id, qualifier) do update set environments = $3, updated_at = $4",
    )
    .bind(wanted.function_id)
    .bind(wanted.qualifier.to_string())
    .bind(wanted.count)
    .bind(wanted.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes a configuration; false when there was none.
#[tracing::instrument(name = "functions.provisioned.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, qualifier: &str) -> db::Result<bool> {
    let deleted = conn
        .query("delete from plinth.function_provisioned where function_id = $1 and qualifier = $2")
        .bind(function)
        .bind(qualifier)
        .execute()
        .await?;
    Ok(deleted > 0)
}
