//! `plinth.queue_messages`.

use serde_json::json;
use uuid::Uuid;

use super::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::queues::model::{Counts, Message, QueueName, Receipt, Received, Redrive};
use crate::types::Timestamp;

impl FromRow for Received {
    fn from_row(row: &Row) -> db::Result<Self> {
        let id: Uuid = row.get("id")?;
        let receive = row.get::<Option<Uuid>>("receipt")?.ok_or_else(|| unreadable("receipt"))?;
        let moved_from = row.get::<Option<String>>("moved_from")?.map(|name| name.parse().map_err(|_| unreadable("moved_from")));
        Ok(Self {
            id,
            receipt: Receipt { message: id, receive },
            body: row.get("body")?,
            attributes: serde_json::from_value(row.get("attributes")?).map_err(|_| unreadable("attributes"))?,
            sent_at: row.get("sent_at")?,
            receives: row.get("receives")?,
            first_received_at: row.get("first_received_at")?,
            moved_from: moved_from.transpose()?,
        })
    }
}

impl FromRow for Counts {
    fn from_row(row: &Row) -> db::Result<Self> {
        let count = |column| Ok::<_, db::Error>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
        Ok(Self { visible: count("visible")?, in_flight: count("in_flight")?, delayed: count("delayed_ones")? })
    }
}

/// Adds a message.
#[tracing::instrument(name = "queues.messages.insert", skip_all, err)]
pub(in crate::queues) async fn insert(conn: &mut Conn, message: &Message) -> db::Result<()> {
    conn.query(
        "insert into plinth.queue_messages (id, queue, body, attributes, sent_at, due_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(message.id)
    .bind(message.queue.as_str())
    .bind(&message.body)
    .bind(json!(message.attributes))
    .bind(message.sent_at)
    .bind(message.due_at)
    .bind(message.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Moves what was received too often to the dead-letter queue; how many.
#[tracing::instrument(name = "queues.messages.bury", skip_all, err)]
pub(in crate::queues) async fn bury(conn: &mut Conn, queue: &QueueName, to: &Redrive, now: Timestamp) -> db::Result<u64> {
    let skip = conn.dialect().for_update_skip_locked();
    let sql = format!(
        "update plinth.queue_messages set queue = $2, due_at = $3, receives = 0, first_received_at = null, receipt = null, moved_from = $1
          where id in (select id from plinth.queue_messages where queue = $1 and due_at <= $3 and receives >= $4 {skip})"
    );
    conn.query_owned(sql).bind(queue.as_str()).bind(to.queue.as_str()).bind(now).bind(to.max_receive_count).execute().await
}

/// Receives what is due, and hides it until a moment; each gets the receipt `receive`, so a receiver's messages have one.
#[tracing::instrument(name = "queues.messages.receive", skip_all, err)]
pub(in crate::queues) async fn receive(
    conn: &mut Conn,
    queue: &QueueName,
    (now, hidden_until): (Timestamp, Timestamp),
    receive: Uuid,
    limit: u32,
) -> db::Result<Vec<Received>> {
    let skip = conn.dialect().for_update_skip_locked();
    let sql = format!(
        "update plinth.queue_messages
            set due_at = $2, receives = receives + 1, first_received_at = coalesce(first_received_at, $3), receipt = $4
          where id in (select id from plinth.queue_messages
                        where queue = $1 and due_at <= $3 and expires_at > $3 order by due_at limit $5 {skip})
         returning *"
    );
    conn.query_owned(sql).bind(queue.as_str()).bind(hidden_until).bind(now).bind(receive).bind(limit).fetch_all().await
}

/// When the next message of a queue is due; `None` when it has none.
#[tracing::instrument(name = "queues.messages.next_due", skip_all, err)]
pub(in crate::queues) async fn next_due(conn: &mut Conn, queue: &QueueName) -> db::Result<Option<Timestamp>> {
    let next: Option<(Timestamp,)> = conn
        .query("select due_at from plinth.queue_messages where queue = $1 order by due_at limit 1")
        .bind(queue.as_str())
        .fetch_optional()
        .await?;
    Ok(next.map(|(due,)| due))
}

/// Removes a message that is held by a receipt; false when it is not.
#[tracing::instrument(name = "queues.messages.delete", skip_all, err)]
pub(in crate::queues) async fn delete(conn: &mut Conn, queue: &QueueName, receipt: Receipt) -> db::Result<bool> {
    let deleted = conn
        .query("delete from plinth.queue_messages where id = $1 and queue = $2 and receipt = $3")
        .bind(receipt.message)
        .bind(queue.as_str())
        .bind(receipt.receive)
        .execute()
        .await?;
    Ok(deleted > 0)
}

/// Hides a message that is held by a receipt until another moment; false when it is not, or is visible again.
#[tracing::instrument(name = "queues.messages.hide", skip_all, err)]
pub(in crate::queues) async fn hide(
    conn: &mut Conn,
    queue: &QueueName,
    receipt: Receipt,
    (now, until): (Timestamp, Timestamp),
) -> db::Result<bool> {
    let hidden = conn
        .query("update plinth.queue_messages set due_at = $4 where id = $1 and queue = $2 and receipt = $3 and due_at > $5")
        .bind(receipt.message)
        .bind(queue.as_str())
        .bind(receipt.receive)
        .bind(until)
        .bind(now)
        .execute()
        .await?;
    Ok(hidden > 0)
}

/// Has a message that is held by a receipt be due at a moment; a receive that does not count is taken back.
#[tracing::instrument(name = "queues.messages.give_back", skip_all, err)]
pub(in crate::queues) async fn give_back(
    conn: &mut Conn,
    queue: &QueueName,
    receipt: Receipt,
    (due_at, was_tried): (Timestamp, bool),
) -> db::Result<()> {
    conn.query(
        "update plinth.queue_messages set due_at = $4, receives = receives - $5, receipt = null
          where id = $1 and queue = $2 and receipt = $3",
    )
    .bind(receipt.message)
    .bind(queue.as_str())
    .bind(receipt.receive)
    .bind(due_at)
    .bind(i64::from(!was_tried))
    .execute()
    .await?;
    Ok(())
}

/// Removes every message of a queue.
#[tracing::instrument(name = "queues.messages.purge", skip_all, err)]
pub(in crate::queues) async fn purge(conn: &mut Conn, queue: &QueueName) -> db::Result<()> {
    conn.query("delete from plinth.queue_messages where queue = $1").bind(queue.as_str()).execute().await?;
    Ok(())
}

/// How many messages a queue has.
#[tracing::instrument(name = "queues.messages.count", skip_all, err)]
pub(in crate::queues) async fn count(conn: &mut Conn, queue: &QueueName, now: Timestamp) -> db::Result<Counts> {
    conn.query(
        "select count(case when due_at <= $2 then 1 end) as visible,
                count(case when due_at > $2 and receipt is not null then 1 end) as in_flight,
                count(case when due_at > $2 and receipt is null then 1 end) as delayed_ones
           from plinth.queue_messages where queue = $1 and expires_at > $2",
    )
    .bind(queue.as_str())
    .bind(now)
    .fetch_one()
    .await
}

/// Removes messages that expired, some at a time; how many.
#[tracing::instrument(name = "queues.messages.expire", skip_all, err)]
pub(in crate::queues) async fn expire(conn: &mut Conn, now: Timestamp, limit: u32) -> db::Result<u64> {
    conn.query(
        "delete from plinth.queue_messages
          where id in (select id from plinth.queue_messages where expires_at <= $1 limit $2)",
    )
    .bind(now)
    .bind(limit)
    .execute()
    .await
}
