//! `plinth.queues`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::queues::model::{Queue, QueueName, Redrive, Settings};
use crate::types::Timestamp;

impl FromRow for Queue {
    fn from_row(row: &Row) -> db::Result<Self> {
        let name = |text: String, column| text.parse::<QueueName>().map_err(|_| unreadable(column));
        let seconds = |column| Ok::<_, db::Error>(Duration::from_secs(row.get::<u32>(column)?.into()));
        let redrive = match (row.get::<Option<String>>("dead_letter_queue")?, row.get::<Option<u32>>("max_receive_count")?) {
            (Some(queue), Some(max_receive_count)) => {
                Some(Redrive { queue: name(queue, "dead_letter_queue")?, max_receive_count })
            }
            _ => None,
        };
        Ok(Self {
            name: name(row.get("name")?, "name")?,
            settings: Settings {
                delay: seconds("delay_s")?,
                retention: seconds("retention_s")?,
                receive_wait: seconds("receive_wait_s")?,
                visibility_timeout: seconds("visibility_timeout_s")?,
                max_message_size: usize::try_from(row.get::<u32>("max_message_size")?)
                    .map_err(|_| unreadable("max_message_size"))?,
                redrive,
            },
            tags: serde_json::from_value::<BTreeMap<_, _>>(row.get("tags")?).map_err(|_| unreadable("tags"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            purged_at: row.get("purged_at")?,
        })
    }
}

/// A queue; `None` when there is none of that name.
#[tracing::instrument(name = "queues.find", skip_all, err)]
pub(in crate::queues) async fn find(conn: &mut Conn, name: &QueueName) -> db::Result<Option<Queue>> {
    conn.query("select * from plinth.queues where name = $1").bind(name.as_str()).fetch_optional().await
}

/// The queues after a name whose names begin with a prefix, in their order.
#[tracing::instrument(name = "queues.list", skip_all, err)]
pub(in crate::queues) async fn list(conn: &mut Conn, prefix: &str, after: &str, limit: u32) -> db::Result<Vec<Queue>> {
    conn.query("select * from plinth.queues where substr(name, 1, cast($1 as integer)) = $2 and name > $3 order by name limit $4")
        .bind(i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX))
        .bind(prefix)
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// How many queues there are.
#[tracing::instrument(name = "queues.total", skip_all, err)]
pub(in crate::queues) async fn total(conn: &mut Conn) -> db::Result<i64> {
    let (count,) = conn.query("select count(*) from plinth.queues").fetch_one().await?;
    Ok(count)
}

/// The names of the queues whose messages end up in this one.
#[tracing::instrument(name = "queues.sources", skip_all, err)]
pub(in crate::queues) async fn sources(conn: &mut Conn, queue: &QueueName, after: &str, limit: u32) -> db::Result<Vec<Queue>> {
    conn.query("select * from plinth.queues where dead_letter_queue = $1 and name > $2 order by name limit $3")
        .bind(queue.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// Makes a queue, or changes its settings and tags.
#[tracing::instrument(name = "queues.put", skip_all, err)]
pub(in crate::queues) async fn put(conn: &mut Conn, queue: &Queue) -> db::Result<()> {
    let Settings { delay, retention, receive_wait, visibility_timeout, max_message_size, redrive } = &queue.settings;
    let seconds = |time: &Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    conn.query(
        "insert into plinth.queues (name, delay_s, retention_s, receive_wait_s, visibility_timeout_s, max_message_size,
                dead_letter_queue, max_receive_count, tags, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (name) do update set delay_s = $2, retention_s = $3, receive_wait_s = $4, visibility_timeout_s = $5,
                max_message_size = $6, dead_letter_queue = $7, max_receive_count = $8, tags = $9, updated_at = $11",
    )
    .bind(queue.name.as_str())
    .bind(seconds(delay))
    .bind(seconds(retention))
    .bind(seconds(receive_wait))
    .bind(seconds(visibility_timeout))
    .bind(i64::try_from(*max_message_size).unwrap_or(i64::MAX))
    .bind(redrive.as_ref().map(|redrive| redrive.queue.as_str()))
    .bind(redrive.as_ref().map(|redrive| redrive.max_receive_count))
    .bind(json!(queue.tags))
    .bind(queue.created_at)
    .bind(queue.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Notes that a queue was purged.
#[tracing::instrument(name = "queues.purged", skip_all, err)]
pub(in crate::queues) async fn purged(conn: &mut Conn, name: &QueueName, now: Timestamp) -> db::Result<()> {
    conn.query("update plinth.queues set purged_at = $2 where name = $1").bind(name.as_str()).bind(now).execute().await?;
    Ok(())
}

/// Removes a queue with its messages; false when there was none.
#[tracing::instrument(name = "queues.delete", skip_all, err)]
pub(in crate::queues) async fn delete(conn: &mut Conn, name: &QueueName) -> db::Result<bool> {
    Ok(conn.query("delete from plinth.queues where name = $1").bind(name.as_str()).execute().await? > 0)
}
