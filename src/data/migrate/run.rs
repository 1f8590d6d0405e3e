//! Applies a text of statements in one transaction.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::change::is_about_rows;
use super::postgres;
use super::shape::{MAX_ANSWER_ROWS, Rows, Shape, Shown};
use crate::data::queries::catalog;
use crate::db::{self, Db, Tx};
use crate::sql::catalog::Catalog;
use crate::sql::lower::{self, Parsed};
use crate::sql::{Fault, Place, Schema, sqlstate};
use crate::types::{Clock, Timestamp};

/// Bytes of one text.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Statements of one text.
const MAX_STATEMENTS: usize = 2_000;
/// Bytes of the rows that one text answers.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What was applied.
#[derive(Debug)]
pub struct Applied {
    pub outcomes: Vec<Outcome>,
    /// What PostgreSQL did not take as a native definition; requests do not depend on it.
    pub notices: Vec<Notice>,
    /// The schema as it became; `None` when only rows were read or written.
    pub schema: Option<Arc<Schema>>,
}

impl Applied {
    /// Says in the log what PostgreSQL did not take.
    pub fn warn(&self) {
        for Notice { statement, reason, .. } in &self.notices {
            tracing::warn!(
                statement,
                reason,
                "PostgreSQL did not take `{statement}` natively, and requests do without: {reason}"
            );
        }
    }
}

/// What one statement did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As PostgreSQL names it: `SELECT`, `CREATE TABLE`.
    pub command: String,
    /// The rows it gave, as a JSON array of objects.
    pub rows: Option<Box<RawValue>>,
    /// The rows it gave or changed.
    pub row_count: Option<u64>,
}

/// A native view, function, policy or grant that PostgreSQL does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where its statement begins.
    pub place: Place,
    /// How its statement begins.
    pub statement: String,
    /// PostgreSQL's reason.
    pub reason: String,
}

/// Characters of a statement that a notice shows.
const SHOWN: usize = 80;

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Refused(Fault),
    /// The database refused the statement that begins at the place.
    #[error("{}:{}: {source}", place.line, place.column)]
    Statement { place: Place, source: db::Error },
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

/// Applies statements in one transaction, as the service role. `limit`: how long they may run.
///
/// # Errors
///
/// [`Error`]: the first statement that is refused, with its place. Then nothing of the text was done.
pub async fn apply(db: &Db, clock: &Clock, sql: String, limit: Duration) -> Result<Applied, Error> {
    let parsed = Arc::new(parse(sql).await?);
    let now = clock.now();
    db.write_within(limit, move |tx| {
        let parsed = Arc::clone(&parsed);
        Box::pin(async move { apply_in(tx, now, &parsed).await })
    })
    .await
}

/// Reads a text, on a thread of its own: a long one takes a while.
///
/// # Errors
///
/// What is wrong with its grammar, and texts that are too long.
pub async fn parse(sql: String) -> Result<Vec<Parsed>, Error> {
    let parsed = tokio::task::spawn_blocking(move || parse_here(&sql)).await;
    Ok(parsed.map_err(|_| db::Error::Panicked)??)
}

/// As [`parse`], on this thread.
///
/// # Errors
///
/// Those of [`parse`].
pub fn parse_here(sql: &str) -> Result<Vec<Parsed>, Fault> {
    if sql.len() > MAX_TEXT_BYTES {
        let message = format!("the text is longer than {MAX_TEXT_BYTES} bytes");
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint("send it in parts"));
    }
    let parsed = lower::parse(sql)?;
    if parsed.len() > MAX_STATEMENTS {
        let message = format!("the text has more than {MAX_STATEMENTS} statements");
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint("send it in parts"));
    }
    Ok(parsed)
}

/// Applies statements in a transaction that the caller began, as the service role.
///
/// # Errors
///
/// Those of [`apply`].
pub async fn apply_in(tx: &mut Tx, now: Timestamp, parsed: &[Parsed]) -> Result<Applied, Error> {
    if tx.is_postgres() {
        tx.query(postgres::APP_PATH).execute().await?;
    }
    let before = catalog::load(tx).await?;
    let shape = Shape::of(before.clone(), now)?;
    Run { tx, before, shape, changed: false, answered: 0, tried: Vec::new() }.all(parsed).await
}

/// A text on its way through a transaction.
struct Run<'t> {
    tx: &'t mut Tx,
    before: Catalog,
    shape: Shape,
    changed: bool,
    /// Bytes of rows so far.
    answered: usize,
    /// The statements whose native definitions were tried, each once for each of them.
    tried: Vec<Notice>,
}

impl Run<'_> {
    async fn all(mut self, parsed: &[Parsed]) -> Result<Applied, Error> {
        let mut outcomes = Vec::with_capacity(parsed.len());
        for parsed in parsed {
            let outcome = if is_about_rows(&parsed.statement) { self.rows(parsed).await } else { self.definition(parsed).await };
            outcomes.push(outcome.map_err(|err| at(err, parsed.place))?);
        }
        if !self.changed {
            return Ok(Applied { outcomes, notices: Vec::new(), schema: None });
        }
        let notices = self.left_out().await?;
        let schema = self.shape.finish(self.before.version + 1)?;
        catalog::store(self.tx, &self.before, schema.catalog()).await?;
        Ok(Applied { outcomes, notices, schema: Some(Arc::new(schema)) })
    }

    async fn definition(&mut self, parsed: &Parsed) -> Result<Outcome, Error> {
        let definition = self.shape.define(parsed, self.tx.dialect())?;
        self.changed = true;
        for text in definition.texts {
            self.tx.query_owned(text).execute().await?;
        }
        for _ in 0..definition.optional {
            let statement = parsed.statement.to_string().chars().take(SHOWN).collect();
            self.tried.push(Notice { place: parsed.place, statement, reason: String::new() });
        }
        Ok(Outcome { command: definition.tag.to_owned(), rows: None, row_count: None })
    }

    /// What PostgreSQL left out, with its reasons.
    async fn left_out(&mut self) -> Result<Vec<Notice>, Error> {
        if self.tried.is_empty() {
            return Ok(Vec::new());
        }
        let (lines,): (String,) = self.tx.query(postgres::LEFT_OUT).fetch_one().await?;
        let notice =
            |(number, reason): (usize, &str)| Some(Notice { reason: reason.to_owned(), ..self.tried.get(number)?.clone() });
        Ok(postgres::left_out(&lines).filter_map(notice).collect())
    }

    async fn rows(&mut self, parsed: &Parsed) -> Result<Outcome, Error> {
        let Rows { command, compiled, shown } = self.shape.rows(parsed, self.tx.dialect())?;
        let query = compiled.values.into_iter().fold(self.tx.query_owned(compiled.sql), db::Query::bind);
        if shown == Shown::No {
            let count = query.execute().await?;
            return Ok(Outcome { command: command.to_owned(), rows: None, row_count: Some(count) });
        }
        let rows = query.fetch_all::<(String,)>().await?.into_iter().map(|(json,)| json).collect::<Vec<_>>();
        let json = match shown {
            Shown::Whole => rows.into_iter().next().unwrap_or_else(|| "[]".to_owned()),
            _ => format!("[{}]", rows.join(",")),
        };
        self.answered += json.len();
        if self.answered > MAX_ANSWER_BYTES {
            let message = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint("add a limit").into());
        }
        let unreadable = |err: serde_json::Error| Fault::new("XX000", format!("the rows are not JSON: {err}"));
        let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&json).map_err(unreadable)?.len();
        if count > MAX_ANSWER_ROWS {
            let message = format!("the statement gives more than {MAX_ANSWER_ROWS} rows");
            let hint = "add `limit`, and `offset` for the pages after the first, or leave `returning` out";
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint(hint).into());
        }
        let rows = RawValue::from_string(json).map_err(unreadable)?;
        Ok(Outcome { command: command.to_owned(), rows: Some(rows), row_count: u64::try_from(count).ok() })
    }
}

/// The same error at the statement's place.
fn at(err: Error, place: Place) -> Error {
    match err {
        Error::Refused(fault) => Error::Refused(fault.at(place)),
        // What may succeed when it is done again is for `Db::write` to see.
        Error::Db(source) if !source.is_transient() => Error::Statement { place, source },
        other => other,
    }
}
