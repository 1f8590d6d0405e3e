//! `plinth.function_policies`.

use serde_json::json;

use super::functions::json_of;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::Policy;
use crate::types::{FunctionId, RevisionId};

impl FromRow for Policy {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { statements: json_of(row, "statements")?, revision_id: row.get("revision_id")? })
    }
}

/// The policy of a function (`""`), version or alias; `None` when it has none.
#[tracing::instrument(name = "functions.policies.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, function: FunctionId, qualifier: &str) -> db::Result<Option<Policy>> {
    conn.query("select statements, revision_id from plinth.function_policies where function_id = $1 and qualifier = $2")
        .bind(function)
        .bind(qualifier)
        .fetch_optional()
        .await
}

/// Adds a policy; false when there is one.
#[tracing::instrument(name = "functions.policies.insert", skip_all, err)]
pub(in crate::functions) async fn insert(
    conn: &mut Conn,
    function: FunctionId,
    qualifier: &str,
    policy: &Policy,
) -> db::Result<bool> {
    let added = conn
        .query(
            "insert into plinth.function_policies (function_id, qualifier, statements, revision_id) values ($1, $2, $3, $4)
             on conflict (function_id, qualifier) do nothing",
        )
        .bind(function)
        .bind(qualifier)
        .bind(json!(policy.statements))
        .bind(policy.revision_id)
        .execute()
        .await?;
    Ok(added > 0)
}

/// Writes a policy over the one it was made from; false when that is no longer there.
#[tracing::instrument(name = "functions.policies.update", skip_all, err)]
pub(in crate::functions) async fn update(
    conn: &mut Conn,
    (function, qualifier): (FunctionId, &str),
    policy: &Policy,
    before: RevisionId,
) -> db::Result<bool> {
    let changed = conn
        .query(
            "update plinth.function_policies set statements = $4, revision_id = $5
              where function_id = $1 and qualifier = $2 and revision_id = $3",
        )
        .bind(function)
        .bind(qualifier)
        .bind(before)
        .bind(json!(policy.statements))
        .bind(policy.revision_id)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Removes a policy that is still this one; false when it is not.
#[tracing::instrument(name = "functions.policies.delete", skip_all, err)]
pub(in crate::functions) async fn delete(
    conn: &mut Conn,
    (function, qualifier): (FunctionId, &str),
    before: RevisionId,
) -> db::Result<bool> {
    let deleted = conn
        .query("delete from plinth.function_policies where function_id = $1 and qualifier = $2 and revision_id = $3")
        .bind(function)
        .bind(qualifier)
        .bind(before)
        .execute()
        .await?;
    Ok(deleted > 0)
}
