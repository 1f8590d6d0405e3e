//! `plinth.function_aliases`.

use serde_json::json;

use super::functions::json_of;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::Alias;
use crate::types::{FunctionId, FunctionName, RevisionId};

impl FromRow for Alias {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            function_id: row.get("function_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            version: row.get("version")?,
            weights: json_of(row, "weights")?,
            revision_id: row.get("revision_id")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// An alias of a function; `None` when there is no such function, or it has none of that name.
#[tracing::instrument(name = "functions.aliases.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, function: &FunctionName, name: &str) -> db::Result<Option<Alias>> {
    conn.query(
        "select a.* from plinth.function_aliases a join plinth.functions f on f.id = a.function_id
          where f.name = $1 and a.name = $2",
    )
    .bind(function)
    .bind(name)
    .fetch_optional()
    .await
}

/// The aliases of a function after a name, in the order of their names.
#[tracing::instrument(name = "functions.aliases.list", skip_all, err)]
pub(in crate::functions) async fn list(conn: &mut Conn, function: FunctionId, after: &str, limit: u32) -> db::Result<Vec<Alias>> {
    conn.query("select * from plinth.function_aliases where function_id = $1 and name > $2 order by name limit $3")
        .bind(function)
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// Every alias of a function.
#[tracing::instrument(name = "functions.aliases.all", skip_all, err)]
pub(in crate::functions) async fn all(conn: &mut Conn, function: FunctionId) -> db::Result<Vec<Alias>> {
    conn.query("select * from plinth.function_aliases where function_id = $1 order by name").bind(function).fetch_all().await
}

/// Adds an alias; false when there is one of that name.
#[tracing::instrument(name = "functions.aliases.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, alias: &Alias) -> db::Result<bool> {
    let added = conn
        .query(
            "insert into plinth.function_aliases
                    (function_id, name, description, version, weights, revision_id, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (function_id, name) do nothing",
        )
        .bind(alias.function_id)
        .bind(&alias.name)
        .bind(&alias.description)
        .bind(alias.version)
        .bind(json!(alias.weights))
        .bind(alias.revision_id)
        .bind(alias.created_at)
        .bind(alias.updated_at)
        .execute()
        .await?;
    Ok(added > 0)
}

/// Writes an alias over what it was; false when it is no longer that.
#[tracing::instrument(name = "functions.aliases.update", skip_all, err)]
pub(in crate::functions) async fn update(conn: &mut Conn, alias: &Alias, before: RevisionId) -> db::Result<bool> {
    let changed = conn
        .query(
            "update plinth.function_aliases
                set description = $4, version = $5, weights = $6, revision_id = $7, updated_at = $8
              where function_id = $1 and name = $2 and revision_id = $3",
        )
        .bind(alias.function_id)
        .bind(&alias.name)
        .bind(before)
        .bind(&alias.description)
        .bind(alias.version)
        .bind(json!(alias.weights))
        .bind(alias.revision_id)
        .bind(alias.updated_at)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Removes an alias with its URL, its policy and what is provisioned of it.
#[tracing::instrument(name = "functions.aliases.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, name: &str) -> db::Result<()> {
    for statement in [
        "delete from plinth.function_provisioned where function_id = $1 and qualifier = $2",
        "delete from plinth.function_aliases where function_id = $1 and name = $2",
        "delete from plinth.function_urls where function_id = $1 and alias = $2",
        "delete from plinth.function_policies where function_id = $1 and qualifier = $2",
    ] {
        conn.query(statement).bind(function).bind(name).execute().await?;
    }
    Ok(())
}
