//! `plinth.event_source_mappings`.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::functions::{json_of, unreadable};
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::events::{Mapping, MappingSettings};
use crate::queues::QueueName;
use crate::types::FunctionId;

/// What a mapping is read from.
const MAPPING: &str =
    "select m.*, f.name as name from plinth.event_source_mappings m join plinth.functions f on f.id = m.function_id";

/// Which mappings are listed; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub(in crate::functions) struct Which {
    pub(in crate::functions) function_id: Option<FunctionId>,
    /// Empty for `$LATEST`.
    pub(in crate::functions) qualifier: Option<String>,
    pub(in crate::functions) queue: Option<QueueName>,
}

impl FromRow for Mapping {
    fn from_row(row: &Row) -> db::Result<Self> {
        let qualifier: String = row.get("qualifier")?;
        let filters: Vec<String> = json_of(row, "filters")?;
        let filters = filters.iter().map(|text| text.parse().map_err(|_| unreadable("filters")));
        Ok(Self {
            id: row.get("id")?,
            function_id: row.get("function_id")?,
            function: row.get("name")?,
            qualifier: if qualifier.is_empty() { None } else { Some(qualifier.parse().map_err(|_| unreadable("qualifier"))?) },
            queue: row.get::<String>("queue")?.parse().map_err(|_| unreadable("queue"))?,
            settings: MappingSettings {
                batch_size: row.get("batch_size")?,
                window: Duration::from_secs(row.get::<u32>("window_s")?.into()),
                max_concurrency: row.get("max_concurrency")?,
                filters: filters.collect::<db::Result<_>>()?,
                reports_failures: row.get("reports_failures")?,
            },
            is_enabled: row.get("is_enabled")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A mapping; `None` when there is none with this id.
#[tracing::instrument(name = "functions.mappings.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, id: Uuid) -> db::Result<Option<Mapping>> {
    conn.query_owned(format!("{MAPPING} where m.id = $1")).bind(id).fetch_optional().await
}

/// The mappings after an id, in the order of their ids.
#[tracing::instrument(name = "functions.mappings.list", skip_all, err)]
pub(in crate::functions) async fn list(
    conn: &mut Conn,
    which: &Which,
    after: Option<Uuid>,
    limit: u32,
) -> db::Result<Vec<Mapping>> {
    let mut sql = format!("{MAPPING} where m.id > $1");
    let mut further = 3;
    let mut narrow = |is_wanted: bool, column: &str| {
        if is_wanted {
            sql.push_str(&format!(" and m.{column} = ${further}"));
            further += 1;
        }
    };
    narrow(which.function_id.is_some(), "function_id");
    narrow(which.qualifier.is_some(), "qualifier");
    narrow(which.queue.is_some(), "queue");
    sql.push_str(" order by m.id limit $2");
    let mut query = conn.query_owned(sql).bind(after.unwrap_or(Uuid::nil())).bind(limit);
    if let Some(function) = which.function_id {
        query = query.bind(function);
    }
    if let Some(qualifier) = &which.qualifier {
        query = query.bind(qualifier);
    }
    if let Some(queue) = &which.queue {
        query = query.bind(queue.as_str());
    }
    query.fetch_all().await
}

/// Every mapping that is enabled.
#[tracing::instrument(name = "functions.mappings.enabled", skip_all, err)]
pub(in crate::functions) async fn enabled(conn: &mut Conn) -> db::Result<Vec<Mapping>> {
    conn.query_owned(format!("{MAPPING} where m.is_enabled = $1")).bind(true).fetch_all().await
}

/// How many mappings a function has.
#[tracing::instrument(name = "functions.mappings.count", skip_all, err)]
pub(in crate::functions) async fn count(conn: &mut Conn, function: FunctionId) -> db::Result<i64> {
    let (count,): (i64,) = conn
        .query("select count(*) as n from plinth.event_source_mappings where function_id = $1")
        .bind(function)
        .fetch_one()
        .await?;
    Ok(count)
}

/// Makes a mapping, or replaces what is set of it.
#[tracing::instrument(name = "functions.mappings.put", skip_all, err)]
pub(in crate::functions) async fn put(conn: &mut Conn, mapping: &Mapping) -> db::Result<()> {
    let MappingSettings { batch_size, window, max_concurrency, filters, reports_failures } = &mapping.settings;
    let filters: Vec<String> = filters.iter().map(ToString::to_string).collect();
    conn.query(
        "insert into plinth.event_source_mappings (id, function_id, qualifier, queue, batch_size, window_s, max_concurrency,
                filters, reports_failures, is_enabled, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update set function_id = $2, qualifier = $3, batch_size = $5, window_s = $6, max_concurrency = $7,
                filters = $8, reports_failures = $9, is_enabled = $10, updated_at = $11",
    )
    .bind(mapping.id)
    .bind(mapping.function_id)
    .bind(mapping.qualifier.as_ref().map(ToString::to_string).unwrap_or_default())
    .bind(mapping.queue.as_str())
    .bind(*batch_size)
    .bind(i64::try_from(window.as_secs()).unwrap_or(i64::MAX))
    .bind(*max_concurrency)
    .bind(json!(filters))
    .bind(*reports_failures)
    .bind(mapping.is_enabled)
    .bind(mapping.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes a mapping; false when there was none.
#[tracing::instrument(name = "functions.mappings.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, id: Uuid) -> db::Result<bool> {
    Ok(conn.query("delete from plinth.event_source_mappings where id = $1").bind(id).execute().await? > 0)
}
