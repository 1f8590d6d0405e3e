//! `plinth.function_usage`, in the system database.

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row, Value};
use crate::functions::metering::{Counts, Histogram, Period, UsageFilter, UsageRow};
use crate::types::Timestamp;

impl FromRow for UsageRow {
    fn from_row(row: &Row) -> db::Result<Self> {
        let period: String = row.get("period")?;
        Ok(Self {
            period: Period::ALL.into_iter().find(|known| known.as_str() == period).ok_or_else(|| unreadable("period"))?,
            begins_at: row.get("begins_at")?,
            function: row.get("function")?,
            version: row.get("version")?,
            counts: Counts {
                calls: row.get("calls")?,
                errors: row.get("errors")?,
                timeouts: row.get("timeouts")?,
                throttles: row.get("throttles")?,
                cold_starts: row.get("cold_starts")?,
                duration_us: row.get("duration_us")?,
                billed_ms: row.get("billed_ms")?,
                mb_ms: row.get("mb_ms")?,
                cpu_us: row.get("cpu_us")?,
                peak_bytes: row.get("peak_bytes")?,
                durations: histogram_of(&row.get::<Vec<u8>>("durations")?)?,
            },
        })
    }
}

fn histogram_of(bytes: &[u8]) -> db::Result<Histogram> {
    Histogram::decode(bytes).ok_or_else(|| unreadable("durations"))
}

/// Adds to what is there, and to what others add meanwhile.
#[tracing::instrument(name = "functions.usage.add", skip_all, err)]
pub(in crate::functions) async fn add(conn: &mut Conn, rows: &[UsageRow]) -> db::Result<()> {
    if let Some(wait) = conn.dialect().lock_function_usage() {
        conn.query(wait).execute().await?;
    }
    for row in rows {
        let mut counts = row.counts.clone();
        let there: Option<UsageRow> = conn
            .query("select * from plinth.function_usage where period = $1 and begins_at = $2 and function = $3 and version = $4")
            .bind(row.period.as_str())
            .bind(row.begins_at)
            .bind(&row.function)
            .bind(&row.version)
            .fetch_optional()
            .await?;
        if let Some(there) = there {
            counts.add(&there.counts);
        }
        put(conn, row, &counts).await?;
    }
    Ok(())
}

async fn put(conn: &mut Conn, row: &UsageRow, counts: &Counts) -> db::Result<()> {
    conn.query(
        "insert into plinth.function_usage (period, begins_at, function, version, calls, errors, timeouts, throttles, cold_starts,
                duration_us, billed_ms, mb_ms, cpu_us, peak_bytes, durations)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (period, begins_at, function, version) do update
            set calls = excluded.calls, errors = excluded.errors, timeouts = excluded.timeouts, throttles = excluded.throttles,
                cold_starts = excluded.cold_starts, duration_us = excluded.duration_us, billed_ms = excluded.billed_ms,
                mb_ms = excluded.mb_ms, cpu_us = excluded.cpu_us, peak_bytes = excluded.peak_bytes,
                durations = excluded.durations",
    )
    .bind(row.period.as_str())
    .bind(row.begins_at)
    .bind(&row.function)
    .bind(&row.version)
    .bind(counts.calls)
    .bind(counts.errors)
    .bind(counts.timeouts)
    .bind(counts.throttles)
    .bind(counts.cold_starts)
    .bind(counts.duration_us)
    .bind(counts.billed_ms)
    .bind(counts.mb_ms)
    .bind(counts.cpu_us)
    .bind(counts.peak_bytes)
    .bind(counts.durations.encode())
    .execute()
    .await?;
    Ok(())
}

/// The rows that are wanted, at the most so many.
#[tracing::instrument(name = "functions.usage.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, filter: &UsageFilter, limit: u32) -> db::Result<Vec<UsageRow>> {
    let mut conditions = String::from("period = $1 and begins_at >= $2 and begins_at < $3");
    let mut values: Vec<Value> = vec![filter.period.as_str().into(), filter.from.into(), filter.to.into()];
    let named = [("function", filter.function.as_ref().map(Value::from)), ("version", filter.version.as_ref().map(Value::from))];
    for (column, value) in named {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(&format!(" and {column} = ${}", values.len()));
        }
    }
    let place = values.len() + 1;
    let mut query = conn.query_owned(format!(
        "select * from plinth.function_usage where {conditions} order by begins_at, function, version limit ${place}"
    ));
    for value in values {
        query = query.bind(value);
    }
    query.bind(limit).fetch_all().await
}

/// Removes intervals that began before a moment, at the most so many; how many.
#[tracing::instrument(name = "functions.usage.prune", skip_all, err)]
pub(in crate::functions) async fn prune(conn: &mut Conn, period: Period, before: Timestamp, limit: u32) -> db::Result<u64> {
    if let Some(wait) = conn.dialect().lock_function_usage() {
        conn.query(wait).execute().await?;
    }
    conn.query(
        "delete from plinth.function_usage
          where (period, begins_at, function, version) in
                (select period, begins_at, function, version from plinth.function_usage
                  where period = $1 and begins_at < $2 order by begins_at limit $3)",
    )
    .bind(period.as_str())
    .bind(before)
    .bind(limit)
    .execute()
    .await
}
