//! `plinth.function_schedules`, in the system database.

use bytes::Bytes;

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::{LastRun, Missed, Schedule, ScheduleName, Timing, Zone};
use crate::types::{FunctionId, RequestId, Timestamp};

impl FromRow for Schedule {
    fn from_row(row: &Row) -> db::Result<Self> {
        let qualifier: String = row.get("qualifier")?;
        let (due_at, fired_at): (Option<Timestamp>, Option<Timestamp>) = (row.get("last_due_at")?, row.get("last_fired_at")?);
        let request: Option<RequestId> = row.get("last_request_id")?;
        let last_run = due_at.zip(fired_at).zip(request);
        let timing = Timing {
            expression: row.get::<String>("expression")?.parse().map_err(|_| unreadable("expression"))?,
            zone: Zone::named(&row.get::<String>("timezone")?).map_err(|_| unreadable("timezone"))?,
            start: row.get("starts_at")?,
            end: row.get("ends_at")?,
            set_at: row.get("set_at")?,
        };
        Ok(Self {
            function_id: row.get("function_id")?,
            function: row.get("function")?,
            name: row.get::<String>("name")?.parse().map_err(|_| unreadable("name"))?,
            series: row.get("series")?,
            timing,
            payload: row.get::<Option<Vec<u8>>>("payload")?.map(Bytes::from),
            qualifier: if qualifier.is_empty() { None } else { Some(qualifier.parse().map_err(|_| unreadable("qualifier"))?) },
            is_enabled: row.get("enabled")?,
            missed: Missed::named(&row.get::<String>("missed")?).ok_or_else(|| unreadable("missed"))?,
            is_declared: row.get("declared")?,
            next_at: row.get("next_at")?,
            last_run: last_run.map(|((due_at, fired_at), request)| LastRun { due_at, fired_at, request }),
            refusal: row.get("refusal")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A schedule of a function; `None` when it has none of that name.
#[tracing::instrument(name = "functions.schedules.find", skip_all, err)]
pub(in crate::functions) async fn find(
    conn: &mut Conn,
    function: FunctionId,
    name: &ScheduleName,
) -> db::Result<Option<Schedule>> {
    conn.query("select * from plinth.function_schedules where function_id = $1 and name = $2")
        .bind(function)
        .bind(name.as_str())
        .fetch_optional()
        .await
}

/// The schedules of a function, in the order of their names.
#[tracing::instrument(name = "functions.schedules.list", skip_all, err)]
pub(in crate::functions) async fn list(conn: &mut Conn, function: FunctionId) -> db::Result<Vec<Schedule>> {
    conn.query("select * from plinth.function_schedules where function_id = $1 order by name").bind(function).fetch_all().await
}

/// How many schedules are enabled.
#[tracing::instrument(name = "functions.schedules.count_enabled", skip_all, err)]
pub(in crate::functions) async fn count_enabled(conn: &mut Conn) -> db::Result<i64> {
    let (count,) = conn.query("select count(*) from plinth.function_schedules where enabled = $1").bind(true).fetch_one().await?;
    Ok(count)
}

/// Adds a schedule; false when there is one of that name.
#[tracing::instrument(name = "functions.schedules.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, schedule: &Schedule) -> db::Result<bool> {
    let timing = &schedule.timing;
    let inserted = conn
        .query(
            "insert into plinth.function_schedules
                    (function_id, name, function, series, expression, timezone, starts_at, ends_at, set_at, payload, qualifier,
                     enabled, missed, declared, next_at, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
             on conflict (function_id, name) do nothing",
        )
        .bind(schedule.function_id)
        .bind(schedule.name.as_str())
        .bind(&schedule.function)
        .bind(schedule.series)
        .bind(timing.expression.as_str())
        .bind(timing.zone.name())
        .bind(timing.start)
        .bind(timing.end)
        .bind(timing.set_at)
        .bind(schedule.payload.clone())
        .bind(qualifier_of(schedule))
        .bind(schedule.is_enabled)
        .bind(schedule.missed.as_str())
        .bind(schedule.is_declared)
        .bind(schedule.next_at)
        .bind(schedule.created_at)
        .bind(schedule.updated_at)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Changes what does not move the due times of a schedule, which a firing may move meanwhile.
#[tracing::instrument(name = "functions.schedules.change", skip_all, err)]
pub(in crate::functions) async fn change(conn: &mut Conn, schedule: &Schedule) -> db::Result<()> {
    conn.query(
        "update plinth.function_schedules set payload = $3, qualifier = $4, missed = $5, declared = $6, updated_at = $7
          where function_id = $1 and name = $2",
    )
    .bind(schedule.function_id)
    .bind(schedule.name.as_str())
    .bind(schedule.payload.clone())
    .bind(qualifier_of(schedule))
    .bind(schedule.missed.as_str())
    .bind(schedule.is_declared)
    .bind(schedule.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Begins a new series of due times.
#[tracing::instrument(name = "functions.schedules.set_timing", skip_all, err)]
pub(in crate::functions) async fn set_timing(conn: &mut Conn, schedule: &Schedule) -> db::Result<()> {
    let timing = &schedule.timing;
    conn.query(
        "update plinth.function_schedules
            set series = $3, expression = $4, timezone = $5, starts_at = $6, ends_at = $7, set_at = $8, enabled = $9, next_at = $10,
                refusal = null
          where function_id = $1 and name = $2",
    )
    .bind(schedule.function_id)
    .bind(schedule.name.as_str())
    .bind(schedule.series)
    .bind(timing.expression.as_str())
    .bind(timing.zone.name())
    .bind(timing.start)
    .bind(timing.end)
    .bind(timing.set_at)
    .bind(schedule.is_enabled)
    .bind(schedule.next_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes a schedule; false when there was none.
#[tracing::instrument(name = "functions.schedules.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, name: &ScheduleName) -> db::Result<bool> {
    let deleted = conn
        .query("delete from plinth.function_schedules where function_id = $1 and name = $2")
        .bind(function)
        .bind(name.as_str())
        .execute()
        .await?;
    Ok(deleted > 0)
}

/// Removes every schedule of a function.
#[tracing::instrument(name = "functions.schedules.delete_of", skip_all, err)]
pub(in crate::functions) async fn delete_of(conn: &mut Conn, function: FunctionId) -> db::Result<()> {
    conn.query("delete from plinth.function_schedules where function_id = $1").bind(function).execute().await?;
    Ok(())
}

/// Schedules that are due, the longest due first.
#[tracing::instrument(name = "functions.schedules.due", skip_all, err)]
pub(in crate::functions) async fn due(conn: &mut Conn, now: Timestamp, limit: u32) -> db::Result<Vec<Schedule>> {
    conn.query("select * from plinth.function_schedules where next_at <= $1 order by next_at, function_id, name limit $2")
        .bind(now)
        .bind(limit)
        .fetch_all()
        .await
}

/// When the next schedule is due; `None` when none ever is.
#[tracing::instrument(name = "functions.schedules.next_due", skip_all, err)]
pub(in crate::functions) async fn next_due(conn: &mut Conn) -> db::Result<Option<Timestamp>> {
    let next: Option<(Timestamp,)> = conn
        .query("select next_at from plinth.function_schedules where next_at is not null order by next_at limit 1")
        .fetch_optional()
        .await?;
    Ok(next.map(|(next,)| next))
}

/// What a firing leaves behind.
#[derive(Clone, Debug)]
pub(in crate::functions) struct Fired {
    pub(in crate::functions) next_at: Option<Timestamp>,
    /// `None` when nothing was fired.
    pub(in crate::functions) last_run: Option<LastRun>,
    pub(in crate::functions) refusal: Option<String>,
}

/// Takes the due time of a schedule, as it was read; false when another node took it, or the schedule was set anew since.
#[tracing::instrument(name = "functions.schedules.take", skip_all, err)]
pub(in crate::functions) async fn take(conn: &mut Conn, schedule: &Schedule, fired: &Fired) -> db::Result<bool> {
    let taken = conn
        .query(
            "update plinth.function_schedules
                set next_at = $5, last_due_at = coalesce($6, last_due_at), last_fired_at = coalesce($7, last_fired_at),
                    last_request_id = coalesce($8, last_request_id), refusal = $9
              where function_id = $1 and name = $2 and next_at = $3 and updated_at = $4",
        )
        .bind(schedule.function_id)
        .bind(schedule.name.as_str())
        .bind(schedule.next_at)
        .bind(schedule.updated_at)
        .bind(fired.next_at)
        .bind(fired.last_run.map(|run| run.due_at))
        .bind(fired.last_run.map(|run| run.fired_at))
        .bind(fired.last_run.map(|run| run.request))
        .bind(fired.refusal.as_deref())
        .execute()
        .await?;
    Ok(taken > 0)
}

/// The qualifier as it is stored.
fn qualifier_of(schedule: &Schedule) -> String {
    schedule.qualifier.as_ref().map(ToString::to_string).unwrap_or_default()
}
