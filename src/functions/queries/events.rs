//! `plinth.function_events`, in the system database.

use bytes::Bytes;

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row, Value};
use crate::functions::events::{EventFault, EventFilter, EventState, Standing, Standings, StoredEvent};
use crate::functions::model::Qualifier;
use crate::types::{FunctionId, FunctionName, RequestId, Timestamp};

impl FromRow for StoredEvent {
    fn from_row(row: &Row) -> db::Result<Self> {
        let state: String = row.get("state")?;
        let qualifier: String = row.get("qualifier")?;
        let (error_type, message): (Option<String>, Option<String>) = (row.get("error_type")?, row.get("error_message")?);
        Ok(Self {
            id: row.get("id")?,
            function_id: row.get("function_id")?,
            function: row.get("function")?,
            qualifier: qualifier_of(&qualifier)?,
            payload: Bytes::from(row.get::<Vec<u8>>("payload")?),
            client_context: row.get("client_context")?,
            state: [EventState::Waiting, EventState::Dead]
                .into_iter()
                .find(|known| known.as_str() == state)
                .ok_or_else(|| unreadable("state"))?,
            due_at: row.get("due_at")?,
            is_taken: row.get::<Option<String>>("runner")?.is_some(),
            accepted_at: row.get("accepted_at")?,
            attempts: row.get("attempts")?,
            refusals: row.get("refusals")?,
            hops: u8::try_from(row.get::<u32>("hops")?).unwrap_or(u8::MAX),
            fault: error_type.zip(message).map(|(error_type, message)| EventFault { error_type, message }),
        })
    }
}

fn qualifier_of(text: &str) -> db::Result<Option<Qualifier>> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| unreadable("qualifier")) }
}

/// Adds an event that waits.
#[tracing::instrument(name = "functions.events.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, event: &StoredEvent) -> db::Result<()> {
    conn.query(
        "insert into plinth.function_events
                (id, function_id, function, qualifier, payload, client_context, state, due_at, accepted_at, hops)
         values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9)",
    )
    .bind(event.id)
    .bind(event.function_id)
    .bind(&event.function)
    .bind(event.qualifier.as_ref().map(ToString::to_string).unwrap_or_default())
    .bind(event.payload.clone())
    .bind(event.client_context.as_deref())
    .bind(event.due_at)
    .bind(event.accepted_at)
    .bind(u32::from(event.hops))
    .execute()
    .await?;
    Ok(())
}

/// Gives a runner what is due, the longest due first, until the lease ends; nothing of the functions in `full`.
#[tracing::instrument(name = "functions.events.claim", skip_all, err)]
pub(in crate::functions) async fn claim(
    conn: &mut Conn,
    runner: &str,
    (now, lease_ends): (Timestamp, Timestamp),
    full: &[FunctionId],
    limit: u32,
) -> db::Result<Vec<StoredEvent>> {
    let others = if full.is_empty() { String::new() } else { format!(" and function_id not in ({})", places(5, full.len())) };
    let skip = conn.dialect().for_update_skip_locked();
    let sql = format!(
        "update plinth.function_events set runner = $1, due_at = $2
          where id in (select id from plinth.function_events
                        where state = 'waiting' and due_at <= $3{others} order by due_at limit $4 {skip})
         returning *"
    );
    let mut query = conn.query_owned(sql).bind(runner).bind(lease_ends).bind(now).bind(limit);
    for function in full {
        query = query.bind(Value::from(*function));
    }
    query.fetch_all().await
}

/// Moves the end of a runner's leases of these events.
#[tracing::instrument(name = "functions.events.renew", skip_all, err)]
pub(in crate::functions) async fn renew(
    conn: &mut Conn,
    runner: &str,
    running: &[RequestId],
    lease_ends: Timestamp,
) -> db::Result<()> {
    let ids = places(3, running.len());
    let sql = format!("update plinth.function_events set due_at = $2 where runner = $1 and state = 'waiting' and id in ({ids})");
    let mut query = conn.query_owned(sql).bind(runner).bind(lease_ends);
    for id in running {
        query = query.bind(*id);
    }
    query.execute().await?;
    Ok(())
}

/// The places of so many values in a statement, from the one with this number on.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// Frees what other processes have: where there is one process, none of them lives.
#[tracing::instrument(name = "functions.events.release", skip_all, err)]
pub(in crate::functions) async fn release(conn: &mut Conn, now: Timestamp) -> db::Result<()> {
    conn.query("update plinth.function_events set runner = null, due_at = $1 where runner is not null and state = 'waiting'")
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// When the next event is due; `None` when none waits.
#[tracing::instrument(name = "functions.events.next_due", skip_all, err)]
pub(in crate::functions) async fn next_due(conn: &mut Conn) -> db::Result<Option<Timestamp>> {
    let next: Option<(Timestamp,)> = conn
        .query("select due_at from plinth.function_events where state = 'waiting' order by due_at limit 1")
        .fetch_optional()
        .await?;
    Ok(next.map(|(due,)| due))
}

/// How many events wait or run, how many were given up, each up to a bound, and when the first of the former was due.
#[tracing::instrument(name = "functions.events.standing", skip_all, err)]
pub(in crate::functions) async fn standing(conn: &mut Conn, most: u32) -> db::Result<(i64, i64, Option<Timestamp>)> {
    conn.query(
        "select (select count(*) from (select 1 from plinth.function_events where state = 'waiting' limit $1) w) as waiting,
                (select count(*) from (select 1 from plinth.function_events where state = 'dead' limit $1) d) as dead,
                (select min(due_at) from plinth.function_events where state = 'waiting') as due",
    )
    .bind(most)
    .fetch_one()
    .await
}

/// How many events stand how: of those that wait or run, the ones that are due last, up to a bound; of those given up, as many.
#[tracing::instrument(name = "functions.events.standings", skip_all, err)]
pub(in crate::functions) async fn standings(conn: &mut Conn, most: u32) -> db::Result<Standings> {
    // A lease and the wait for a retry end in the future: however many are due already, what runs or is tried again is among these.
    let sql = format!(
        "select count(*) filter (where {}) as pending,
                count(*) filter (where {}) as running,
                count(*) filter (where {}) as retrying,
                (select count(*) from (select 1 from plinth.function_events where state = 'dead' limit $1) d) as dead
           from (select state, runner, attempts, refusals from plinth.function_events
                  where state = 'waiting' order by due_at desc limit $1) w",
        Standing::Pending.condition(),
        Standing::Running.condition(),
        Standing::Retrying.condition()
    );
    let (pending, running, retrying, dead) = conn.query_owned(sql).bind(most).fetch_one().await?;
    Ok(Standings { pending, running, retrying, dead })
}

/// Removes an event that a runner has; false when it has it no longer.
#[tracing::instrument(name = "functions.events.end", skip_all, err)]
pub(in crate::functions) async fn end(conn: &mut Conn, id: RequestId, runner: &str) -> db::Result<bool> {
    let ended =
        conn.query("delete from plinth.function_events where id = $1 and runner = $2").bind(id).bind(runner).execute().await?;
    Ok(ended > 0)
}

/// What a try changes of an event.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Change {
    pub(in crate::functions) state: EventState,
    pub(in crate::functions) due_at: Timestamp,
    pub(in crate::functions) attempts: u32,
    pub(in crate::functions) refusals: u32,
    pub(in crate::functions) fault: EventFault,
}

/// Gives an event back that a runner has; false when it has it no longer.
#[tracing::instrument(name = "functions.events.give_back", skip_all, err)]
pub(in crate::functions) async fn give_back(
    conn: &mut Conn,
    (id, runner): (RequestId, &str),
    change: &Change,
) -> db::Result<bool> {
    let changed = conn
        .query(
            "update plinth.function_events
                set runner = null, state = $3, due_at = $4, attempts = $5, refusals = $6, error_type = $7, error_message = $8
              where id = $1 and runner = $2",
        )
        .bind(id)
        .bind(runner)
        .bind(change.state.as_str())
        .bind(change.due_at)
        .bind(change.attempts)
        .bind(change.refusals)
        .bind(change.fault.error_type.as_str())
        .bind(change.fault.message.as_str())
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Removes what was given up before a moment, some at a time; how many.
#[tracing::instrument(name = "functions.events.forget_dead", skip_all, err)]
pub(in crate::functions) async fn forget_dead(conn: &mut Conn, before: Timestamp, limit: u32) -> db::Result<u64> {
    conn.query(
        "delete from plinth.function_events
          where id in (select id from plinth.function_events where state = 'dead' and due_at < $1 limit $2)",
    )
    .bind(before)
    .bind(limit)
    .execute()
    .await
}

/// Removes every event of a function.
#[tracing::instrument(name = "functions.events.delete_of", skip_all, err)]
pub(in crate::functions) async fn delete_of(conn: &mut Conn, function: FunctionId) -> db::Result<()> {
    conn.query("delete from plinth.function_events where function_id = $1").bind(function).execute().await?;
    Ok(())
}

/// The events that are wanted, in the order of their being accepted.
#[tracing::instrument(name = "functions.events.list", skip_all, err)]
pub(in crate::functions) async fn list(conn: &mut Conn, filter: &EventFilter, limit: u32) -> db::Result<Vec<StoredEvent>> {
    let mut conditions = vec!["true".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    if let Some(function) = &filter.function {
        values.push(function.as_str().into());
        conditions.push(format!("function = ${}", values.len()));
    }
    if let Some(standing) = filter.standing {
        conditions.push(standing.condition().to_owned());
    }
    if let Some(after) = filter.after {
        values.push(after.into());
        let place = values.len();
        conditions.push(format!(
            "(accepted_at, id) > (select a.accepted_at, a.id from plinth.function_events a where a.id = ${place})"
        ));
    }
    let (conditions, place) = (conditions.join(" and "), values.len() + 1);
    let mut query = conn
        .query_owned(format!("select * from plinth.function_events where {conditions} order by accepted_at, id limit ${place}"));
    for value in values {
        query = query.bind(value);
    }
    query.bind(limit).fetch_all().await
}

/// An event; `None` when there is none.
#[tracing::instrument(name = "functions.events.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, id: RequestId) -> db::Result<Option<StoredEvent>> {
    conn.query("select * from plinth.function_events where id = $1").bind(id).fetch_optional().await
}

/// Makes events wait again that were given up, as if they were new; how many.
#[tracing::instrument(name = "functions.events.redrive", skip_all, err)]
pub(in crate::functions) async fn redrive(
    conn: &mut Conn,
    id: Option<RequestId>,
    function: Option<&FunctionName>,
    now: Timestamp,
) -> db::Result<u64> {
    let update = "update plinth.function_events
                     set state = 'waiting', runner = null, due_at = $1, accepted_at = $1, attempts = 0, refusals = 0
                   where state = 'dead'";
    match (id, function) {
        (Some(id), _) => conn.query_owned(format!("{update} and id = $2")).bind(now).bind(id).execute().await,
        (None, Some(function)) => {
            conn.query_owned(format!("{update} and function = $2")).bind(now).bind(function).execute().await
        }
        (None, None) => conn.query(update).bind(now).execute().await,
    }
}

/// Removes an event that nobody runs; false when there is none.
#[tracing::instrument(name = "functions.events.remove", skip_all, err)]
pub(in crate::functions) async fn remove(conn: &mut Conn, id: RequestId) -> db::Result<bool> {
    let removed = conn.query("delete from plinth.function_events where id = $1 and runner is null").bind(id).execute().await?;
    Ok(removed > 0)
}

/// Removes events that stand so; how many.
#[tracing::instrument(name = "functions.events.purge", skip_all, err)]
pub(in crate::functions) async fn purge(conn: &mut Conn, function: Option<&FunctionName>, standing: Standing) -> db::Result<u64> {
    let delete = format!("delete from plinth.function_events where {}", standing.condition());
    match function {
        Some(function) => conn.query_owned(format!("{delete} and function = $1")).bind(function).execute().await,
        None => conn.query_owned(delete).execute().await,
    }
}
