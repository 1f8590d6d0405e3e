//! `plinth.function_logs`, in the system database.

use super::functions::unreadable;
use crate::db::{self, Conn, FromRow, Row, Value};
use crate::functions::logs::{Filter, Kind, LogEntry, level_of};
use crate::isolate::protocol::LogLevel;
use crate::types::FunctionId;

/// Lines of one insert, beside one: two sizes, so that there are two statements to prepare. More would not be faster, since
/// binding a value costs SQLite's driver the more the more values there are.
const MANY: usize = 32;

/// What a [`LogEntry`] is read from.
const SELECT: &str = "select id, function_id, at, request_id, kind, level, text from plinth.function_logs";

impl FromRow for LogEntry {
    fn from_row(row: &Row) -> db::Result<Self> {
        let (kind, level): (String, String) = (row.get("kind")?, row.get("level")?);
        Ok(Self {
            id: row.get("id")?,
            function: row.get("function_id")?,
            at: row.get("at")?,
            request: row.get("request_id")?,
            kind: Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| unreadable("kind"))?,
            level: level_of(&level).ok_or_else(|| unreadable("level"))?,
            text: row.get("text")?,
        })
    }
}

/// Adds lines in their order. They become visible in the order of their ids, whoever else adds some.
#[tracing::instrument(name = "functions.logs.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, function: FunctionId, lines: &[LogEntry]) -> db::Result<()> {
    if let Some(wait) = conn.dialect().one_at_a_time() {
        conn.query(wait).execute().await?;
    }
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
        query = query.bind(line.at).bind(line.request).bind(line.kind.as_str()).bind(line.level.as_str()).bind(&line.text);
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
pub(in crate::functions) async fn find(conn: &mut Conn, filter: &Filter, limit: u32) -> db::Result<Vec<LogEntry>> {
    let mut lines = select(conn, Conditions::of(filter), "desc", limit).await?;
    lines.reverse();
    Ok(lines)
}

/// The wanted lines behind the first id, up to the second, in their order.
#[tracing::instrument(name = "functions.logs.after", skip_all, err)]
pub(in crate::functions) async fn after(
    conn: &mut Conn,
    filter: &Filter,
    (after, until): (i64, i64),
    limit: u32,
) -> db::Result<Vec<LogEntry>> {
    let mut conditions = Conditions::of(filter);
    conditions.add("id >", after.into());
    conditions.add("id <=", until.into());
    select(conn, conditions, "asc", limit).await
}

/// The id of the newest line; 0 when there is none.
#[tracing::instrument(name = "functions.logs.newest", skip_all, err)]
pub(in crate::functions) async fn newest(conn: &mut Conn) -> db::Result<i64> {
    let (id,): (i64,) = conn.query("select coalesce(max(id), 0) as id from plinth.function_logs").fetch_one().await?;
    Ok(id)
}

/// Removes all lines of a function.
#[tracing::instrument(name = "functions.logs.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId) -> db::Result<()> {
    conn.query("delete from plinth.function_logs where function_id = $1").bind(function).execute().await?;
    Ok(())
}

async fn select(conn: &mut Conn, conditions: Conditions, order: &str, limit: u32) -> db::Result<Vec<LogEntry>> {
    let Conditions { sql, values } = conditions;
    let mut query = conn.query_owned(format!("{SELECT}{sql} order by id {order} limit ${}", values.len() + 1));
    for value in values {
        query = query.bind(value);
    }
    query.bind(limit).fetch_all().await
}

/// The `where` of a select, and what is bound in it.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(filter: &Filter) -> Self {
        let mut all = Self::default();
        if let Some(function) = filter.function {
            all.add("function_id =", function.into());
        }
        if let Some(request) = filter.request {
            all.add("request_id =", request.into());
        }
        if let Some(since) = filter.since {
            all.add("at >=", since.into());
        }
        if let Some(kind) = filter.kind {
            all.add("kind =", kind.as_str().into());
        }
        if let Some(least) = filter.level {
            let loud: Vec<_> =
                LogLevel::ALL.into_iter().filter(|level| *level >= least).map(|level| format!("'{}'", level.as_str())).collect();
            all.push(&format!("level in ({})", loud.join(", ")));
        }
        if let Some(part) = &filter.contains {
            // Found letter by letter on both databases: without it the text is another.
            all.values.push(part.into());
            all.push(&format!("replace(text, ${}, '') <> text", all.values.len()));
        }
        all
    }

    /// A comparison with a value.
    fn add(&mut self, comparison: &str, value: Value) {
        self.values.push(value);
        self.push(&format!("{comparison} ${}", self.values.len()));
    }

    fn push(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { " where " } else { " and " });
        self.sql.push_str(condition);
    }
}
