//! `plinth.function_logs`, in the system database.

use crate::db::{self, Conn, FromRow, Row};
use crate::functions::logs::{LogEntry, Wanted};
use crate::types::FunctionId;

/// Lines of one insert, beside one: two sizes, so that there are two statements to prepare. More would not be faster, since
/// binding a value costs SQLite's driver the more the more values there are.
const MANY: usize = 32;

impl FromRow for LogEntry {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            at: row.get("at")?,
            request: row.get("request_id")?,
            kind: row.get("kind")?,
            level: row.get("level")?,
            text: row.get("text")?,
        })
    }
}

/// Adds lines in their order.
#[tracing::instrument(name = "functions.logs.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, function: FunctionId, lines: &[LogEntry]) -> db::Result<()> {
    let (many, rest) = lines.split_at(lines.len() - lines.len() % MANY);
    for chunk in many.chunks(MANY) {
        insert_chunk(conn, function, chunk).await?;
    }
    for line in rest {
        insert_chunk(conn, function, std::slice::from_ref(line)).await?;
    }
    Ok(())
}

async fn insert_chunk(conn: &mut Conn, function: FunctionId, lines: &[LogEntry]) -> db::Result<()> {
    let row = |at: usize| {
        let own: Vec<String> = (2..7).map(|column| format!("${}", at * 5 + column)).collect();
        format!("($1, {})", own.join(", "))
    };
    let rows: Vec<String> = (0..lines.len()).map(row).collect();
    let insert = "insert into plinth.function_logs (function_id, at, request_id, kind, level, text) values";
    let mut query = conn.query_owned(format!("{insert} {}", rows.join(", "))).bind(function);
    for line in lines {
        query = query.bind(line.at).bind(line.request).bind(&line.kind).bind(&line.level).bind(&line.text);
    }
    query.execute().await?;
    Ok(())
}

/// Removes all but the newest lines of a function.
#[tracing::instrument(name = "functions.logs.prune", skip_all, err)]
pub(in crate::functions) async fn prune(conn: &mut Conn, function: FunctionId, keep: u64) -> db::Result<()> {
    conn.query(
        "delete from plinth.function_logs
          where function_id = $1
            and id <= (select id from plinth.function_logs where function_id = $1 order by id desc limit 1 offset $2)",
    )
    .bind(function)
    .bind(i64::try_from(keep).unwrap_or(i64::MAX))
    .execute()
    .await?;
    Ok(())
}

/// The newest lines that are wanted, in their order.
#[tracing::instrument(name = "functions.logs.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, wanted: &Wanted) -> db::Result<Vec<LogEntry>> {
    // The two that may be absent come first, so that the numbers have no gap.
    let (sql, limit) = match (wanted.since, wanted.request) {
        (None, None) => ("", 2),
        (Some(_), None) => (" and at >= $2", 3),
        (None, Some(_)) => (" and request_id = $2", 3),
        (Some(_), Some(_)) => (" and at >= $2 and request_id = $3", 4),
    };
    let select = "select at, request_id, kind, level, text from plinth.function_logs where function_id = $1";
    let mut query = conn.query_owned(format!("{select}{sql} order by id desc limit ${limit}")).bind(wanted.function);
    if let Some(since) = wanted.since {
        query = query.bind(since);
    }
    if let Some(request) = wanted.request {
        query = query.bind(request);
    }
    let mut lines: Vec<LogEntry> = query.bind(wanted.limit).fetch_all().await?;
    lines.reverse();
    Ok(lines)
}

/// Removes all lines of a function.
#[tracing::instrument(name = "functions.logs.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId) -> db::Result<()> {
    conn.query("delete from plinth.function_logs where function_id = $1").bind(function).execute().await?;
    Ok(())
}
