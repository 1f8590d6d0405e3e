//! `plinth.function_provisioned`.

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::Provisioned;
use crate::types::{FunctionId, FunctionName};

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

/// The configurations of a function, in the order of the qualifiers.
#[tracing::instrument(name = "functions.provisioned.list", skip_all, err)]
pub(in crate::functions) async fn list(conn: &mut Conn, function: FunctionId) -> db::Result<Vec<Provisioned>> {
    conn.query_owned(format!("{CONFIG} where p.function_id = $1 order by p.qualifier")).bind(function).fetch_all().await
}

/// What bounds a configuration: the calls that are reserved for its function, and the environments provisioned beside it, of the
/// function and of all. `None` when there is no such function.
#[tracing::instrument(name = "functions.provisioned.beside", skip_all, err)]
pub(in crate::functions) async fn beside(
    conn: &mut Conn,
    function: FunctionId,
    qualifier: &str,
) -> db::Result<Option<(Option<i64>, i64, i64)>> {
    conn.query(
        "select cast(f.reserved_concurrency as bigint),
                (select cast(coalesce(sum(environments), 0) as bigint) from plinth.function_provisioned
                  where function_id = $1 and qualifier <> $2),
                (select cast(coalesce(sum(environments), 0) as bigint) from plinth.function_provisioned
                  where not (function_id = $1 and qualifier = $2))
           from plinth.functions f where f.id = $1",
    )
    .bind(function)
    .bind(qualifier)
    .fetch_optional()
    .await
}

/// How many environments of a function are provisioned.
#[tracing::instrument(name = "functions.provisioned.sum", skip_all, err)]
pub(in crate::functions) async fn sum(conn: &mut Conn, name: &FunctionName) -> db::Result<i64> {
    let (sum,): (i64,) = conn
        .query(
            "select cast(coalesce(sum(p.environments), 0) as bigint)
               from plinth.function_provisioned p join plinth.functions f on f.id = p.function_id where f.name = $1",
        )
        .bind(name)
        .fetch_one()
        .await?;
    Ok(sum)
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
