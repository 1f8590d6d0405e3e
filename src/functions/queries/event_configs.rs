//! `plinth.function_event_configs`.

use std::time::Duration;

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::EventConfig;
use crate::types::FunctionId;

/// What a configuration is read from.
const CONFIG: &str =
    "select c.*, f.name as name from plinth.function_event_configs c join plinth.functions f on f.id = c.function_id";

impl FromRow for EventConfig {
    fn from_row(row: &Row) -> db::Result<Self> {
        let qualifier: String = row.get("qualifier")?;
        Ok(Self {
            function_id: row.get("function_id")?,
            function: row.get("name")?,
            qualifier: if qualifier.is_empty() { None } else { Some(qualifier.parse().map_err(|_| unreadable("qualifier"))?) },
            max_retries: row.get("max_retries")?,
            max_age: row.get::<Option<u32>>("max_age_s")?.map(|seconds| Duration::from_secs(seconds.into())),
            on_success: row.get("on_success")?,
            on_failure: row.get("on_failure")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The configuration of a function (an empty qualifier), a version or an alias; `None` when it has none.
#[tracing::instrument(name = "functions.event_configs.find", skip_all, err)]
pub(in crate::functions) async fn find(
    conn: &mut Conn,
    function: FunctionId,
    qualifier: &str,
) -> db::Result<Option<EventConfig>> {
    conn.query_owned(format!("{CONFIG} where c.function_id = $1 and c.qualifier = $2"))
        .bind(function)
        .bind(qualifier)
        .fetch_optional()
        .await
}

/// The configurations of a function, or those after a qualifier, in the order of the qualifiers.
#[tracing::instrument(name = "functions.event_configs.list", skip_all, err)]
pub(in crate::functions) async fn list(
    conn: &mut Conn,
    function: FunctionId,
    after: Option<&str>,
    limit: u32,
) -> db::Result<Vec<EventConfig>> {
    // The function's own has an empty qualifier, so nothing comes before it.
    let compare = if after.is_some() { ">" } else { ">=" };
    conn.query_owned(format!("{CONFIG} where c.function_id = $1 and c.qualifier {compare} $2 order by c.qualifier limit $3"))
        .bind(function)
        .bind(after.unwrap_or_default())
        .bind(limit)
        .fetch_all()
        .await
}

/// Makes a configuration, or replaces it.
#[tracing::instrument(name = "functions.event_configs.put", skip_all, err)]
pub(in crate::functions) async fn put(conn: &mut Conn, config: &EventConfig) -> db::Result<()> {
    conn.query(
        "insert into plinth.function_event_configs
                (function_id, qualifier, max_retries, max_age_s, on_success, on_failure, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (function_id, qualifier)
         do update set max_retries = $3, max_age_s = $4, on_success = $5, on_failure = $6, updated_at = $7",
    )
    .bind(config.function_id)
    .bind(config.qualifier.as_ref().map(ToString::to_string).unwrap_or_default())
    .bind(config.max_retries)
    .bind(config.max_age.map(|age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)))
    .bind(config.on_success.as_deref())
    .bind(config.on_failure.as_deref())
    .bind(config.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes a configuration; false when there was none.
#[tracing::instrument(name = "functions.event_configs.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, qualifier: &str) -> db::Result<bool> {
    let deleted = conn
        .query("delete from plinth.function_event_configs where function_id = $1 and qualifier = $2")
        .bind(function)
        .bind(qualifier)
        .execute()
        .await?;
    Ok(deleted > 0)
}
