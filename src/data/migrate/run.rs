//! Applies a text of statements in one transaction.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::change::{change, is_about_rows};
use super::draft::{Draft, Effect, Native};
use super::postgres;
use super::writer::Writer;
use crate::data::queries::catalog;
use crate::db::{self, Db, Dialect, Tx};
use crate::sql::ast::{Body, Expr, Node, Output, Query, Select, Statement};
use crate::sql::compile::{self, Bindings, Compiled, Context, Owner};
use crate::sql::lower::{self, Parsed, Scope};
use crate::sql::{Fault, Place, Schema, sqlstate};
use crate::types::{Clock, Timestamp};
use crate::values::Type;

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

/// Applies statements in one transaction, as the service role.
///
/// # Errors
///
/// [`Error`]: the first statement that is refused, with its place. Then nothing of the text was done.
pub async fn apply(db: &Db, clock: &Clock, sql: &str) -> Result<Applied, Error> {
    if sql.len() > MAX_TEXT_BYTES {
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("the text is longer than {MAX_TEXT_BYTES} bytes")).into());
    }
    let parsed = lower::parse(sql)?;
    if parsed.len() > MAX_STATEMENTS {
        let message = format!("the text has more than {MAX_STATEMENTS} statements");
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint("send it in parts").into());
    }
    let parsed = Arc::new(parsed);
    let now = clock.now();
    db.write(move |tx| {
        let parsed = Arc::clone(&parsed);
        Box::pin(async move { Run::begin(tx, now).await?.all(&parsed).await })
    })
    .await
}

/// A text on its way through a transaction.
struct Run<'t> {
    tx: &'t mut Tx,
    now: Timestamp,
    before: crate::sql::catalog::Catalog,
    draft: Draft,
    schema: Schema,
    changed: bool,
    /// Whether native roles were made in this transaction.
    roles: bool,
    answered: usize,
    /// The statements whose native definitions were tried, each once for each of them.
    tried: Vec<Notice>,
}

impl<'t> Run<'t> {
    async fn begin(tx: &'t mut Tx, now: Timestamp) -> Result<Self, Error> {
        if tx.is_postgres() {
            tx.query(postgres::APP_PATH).execute().await?;
        }
        let before = catalog::load(tx).await?;
        let schema = Schema::build(before.clone())?;
        let draft = Draft { catalog: schema.catalog().clone() };
        Ok(Self { tx, now, before, draft, schema, changed: false, roles: false, answered: 0, tried: Vec::new() })
    }

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
        self.draft.catalog.version = self.before.version + 1;
        catalog::store(self.tx, &self.before, &self.draft.catalog).await?;
        let schema = Schema::build(self.draft.catalog)?;
        Ok(Applied { outcomes, notices, schema: Some(Arc::new(schema)) })
    }

    async fn definition(&mut self, parsed: &Parsed) -> Result<Outcome, Error> {
        let effect = change(&mut self.draft, &parsed.statement)?;
        // A fault in a piece that was there before has its place in that piece's text, not in this one.
        self.schema = Schema::build(self.draft.catalog.clone()).map_err(|fault| Fault { line: 0, column: 0, ..fault })?;
        self.changed = true;
        for text in self.texts(&effect, parsed)? {
            self.tx.query_owned(text).execute().await?;
        }
        Ok(Outcome { command: effect.tag.to_owned(), rows: None, row_count: None })
    }

    /// The definitions of the database that is there. Those of the other are made too, so that both refuse the same.
    fn texts(&mut self, effect: &Effect, parsed: &Parsed) -> Result<Vec<String>, Fault> {
        let writer = Writer { schema: &self.schema, now: self.now };
        let mut texts = Vec::new();
        for ddl in &effect.sqlite {
            texts.extend(writer.statements(ddl)?);
        }
        if self.tx.dialect() == Dialect::Sqlite {
            return Ok(texts);
        }
        texts.clear();
        if !self.roles && effect.postgres.iter().any(|native| matches!(native, Native::Optional(_))) {
            self.roles = true;
            texts.push(postgres::ROLES.to_owned());
        }
        for native in &effect.postgres {
            texts.extend(postgres::text(native, self.tried.len(), &writer)?);
            if matches!(native, Native::Optional(_)) {
                let statement = parsed.statement.to_string().chars().take(SHOWN).collect();
                self.tried.push(Notice { place: parsed.place, statement, reason: String::new() });
            }
        }
        Ok(texts)
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
        let mut statement = lower::statement(&parsed.statement, &self.schema, &Scope::default())?;
        let command = match &statement {
            Statement::Query(_) => "SELECT",
            Statement::Insert(_) => "INSERT",
            Statement::Update(_) => "UPDATE",
            Statement::Delete(_) => "DELETE",
        };
        let (as_json, whole) = shown(&mut statement);
        let Compiled { sql, values, .. } = self.compile(&statement)?;
        let query = values.into_iter().fold(self.tx.query_owned(sql), crate::db::Query::bind);
        if !as_json {
            let count = query.execute().await?;
            return Ok(Outcome { command: command.to_owned(), rows: None, row_count: Some(count) });
        }
        let rows = query.fetch_all::<(String,)>().await?.into_iter().map(|(json,)| json).collect::<Vec<_>>();
        let json =
            if whole { rows.into_iter().next().unwrap_or_else(|| "[]".to_owned()) } else { format!("[{}]", rows.join(",")) };
        self.answered += json.len();
        if self.answered > MAX_ANSWER_BYTES {
            let message = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
            return Err(Fault::new(sqlstate::PROGRAM_LIMIT, message).hint("add a limit").into());
        }
        let unreadable = |err: serde_json::Error| Fault::new("XX000", format!("the rows are not JSON: {err}"));
        let count = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&json).map_err(unreadable)?.len();
        let rows = RawValue::from_string(json).map_err(unreadable)?;
        Ok(Outcome { command: command.to_owned(), rows: Some(rows), row_count: u64::try_from(count).ok() })
    }

    fn compile(&self, statement: &Statement) -> Result<Compiled, Fault> {
        let bindings = Bindings {
            uid: None,
            role: "service_role".to_owned(),
            jwt: serde_json::json!({ "role": "service_role" }),
            email: None,
            now: self.now,
        };
        let context = Context { dialect: self.tx.dialect(), schema: &self.schema, bindings: &bindings, rights: &Owner };
        compile::statement(statement, &context)
    }
}

/// Makes a statement give its rows as JSON. Whether it gives any, and whether all of them as one value.
fn shown(statement: &mut Statement) -> (bool, bool) {
    let returning = match statement {
        Statement::Query(query) => {
            let rows = Expr { node: Node::JsonRows(Box::new(query.clone())), ty: Type::Json };
            let select = Select {
                distinct: false,
                columns: vec![Output { name: "rows".to_owned(), expr: rows }],
                from: Vec::new(),
                filter: None,
                group_by: Vec::new(),
                having: None,
            };
            *query = Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, offset: None };
            return (true, true);
        }
        Statement::Insert(insert) => &mut insert.returning,
        Statement::Update(update) => &mut update.returning,
        Statement::Delete(delete) => &mut delete.returning,
    };
    if returning.is_empty() {
        return (false, false);
    }
    let members = returning.drain(..).map(|output| (output.name, output.expr)).collect();
    returning.push(Output { name: "row".to_owned(), expr: Expr { node: Node::JsonObject(members), ty: Type::Json } });
    (true, false)
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
