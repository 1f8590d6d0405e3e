//! What every write has in common, and `update` and `delete`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::handle::{DataService, Request};
use super::model::{Answer, Caller, Wants};
use super::run::{all_of, body_of};
use super::transaction::{Stop, Work};
use super::{explain, json};
use crate::data::plan::{Incoming, Purpose, Shown};
use crate::data::request::{Body, Query, Representation};
use crate::data::{Error, Result};
use crate::db::{BoxFuture, Tx};
use crate::sql::ast::Statement;
use crate::sql::catalog::{Command, Privilege, Relation};
use crate::sql::compile::{self, Compiled};
use crate::values::{self, Datum, Type};

/// A statement that gives `row` and `allowed`, and where its rows stand in the body.
pub(super) type Step = (Compiled, Vec<usize>);

/// A write, ready to be run, and run again.
pub(super) struct Writing {
    pub(super) request: Request,
    pub(super) relation: Arc<Relation>,
    pub(super) query: Query,
    pub(super) wants: Wants,
    pub(super) shown: Shown,
    pub(super) command: Command,
    pub(super) incoming: Option<Incoming>,
    pub(super) steps: Vec<Step>,
    /// Each counts the rows of the body that the policies do not let be proposed; only where a row's key may be there.
    pub(super) proposed: Vec<Compiled>,
    pub(super) upsert: Option<Upsert>,
    /// Bytes of the answer.
    pub(super) limit: usize,
    pub(super) has_key: bool,
}

/// What an insert has that changes rows which are there.
pub(super) struct Upsert {
    /// How many of the body's rows are there already; `None` when that cannot be known before.
    pub(super) existing: Option<Compiled>,
    /// What runs when none is there: a row that is new is held to the policies of inserts alone.
    pub(super) fresh: Vec<Step>,
}

impl DataService {
    /// Changes the rows that the filters say.
    ///
    /// # Errors
    /// What the request cannot mean or may not; what the database refuses; PGRST116, PGRST124.
    pub async fn update(&self, caller: &Caller, relation: &str, query: &Query, body: &Body, wants: &Wants) -> Result<Answer> {
        let request = self.request(caller);
        let (relation, incoming, shown, statement) = {
            let mut planner = request.planner();
            let relation = planner.writable(relation)?;
            planner.may_send(relation, &body.keys, Privilege::Update)?;
            let incoming = Incoming::of(relation, body, Purpose::Update, wants.defaults())?;
            let shown = if wants.shows() { planner.shown(relation, query) } else { Shown::Nothing };
            let statement = planner.update(relation, &incoming, (shown, query))?;
            (Arc::clone(relation), incoming, shown, statement)
        };
        let Some(statement) = statement else { return wants.of_nothing() };
        let steps = vec![(request.compiled(&statement)?, Vec::new())];
        self.write(Writing {
            incoming: Some(incoming),
            ..self.writing(request, relation, (query, wants, shown), (Command::Update, steps))
        })
        .await
    }

    /// Deletes the rows that the filters say.
    ///
    /// # Errors
    /// As [`DataService::update`].
    pub async fn delete(&self, caller: &Caller, relation: &str, query: &Query, wants: &Wants) -> Result<Answer> {
        let request = self.request(caller);
        let (relation, shown, statement): (_, _, Statement) = {
            let mut planner = request.planner();
            let relation = planner.writable(relation)?;
            let shown = if wants.shows() { planner.shown(relation, query) } else { Shown::Nothing };
            (Arc::clone(relation), shown, planner.delete(relation, (shown, query))?)
        };
        let steps = vec![(request.compiled(&statement)?, Vec::new())];
        self.write(self.writing(request, relation, (query, wants, shown), (Command::Delete, steps))).await
    }

    pub(super) fn writing(
        &self,
        request: Request,
        relation: Arc<Relation>,
        (query, wants, shown): (&Query, &Wants, Shown),
        (command, steps): (Command, Vec<Step>),
    ) -> Writing {
        Writing {
            request,
            relation,
            query: query.clone(),
            wants: wants.clone(),
            shown,
            command,
            incoming: None,
            steps,
            proposed: Vec::new(),
            upsert: None,
            limit: self.settings.max_result_bytes,
            has_key: false,
        }
    }

    pub(super) async fn write(&self, writing: Writing) -> Result<Answer> {
        let writing = Arc::new(writing);
        match self.transact(&writing, &writing.wants).await? {
            Ok(answer) => Ok(answer),
            Err(error) => Err(explain::why(self, &writing, error).await),
        }
    }
}

impl Work for Writing {
    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Answer, Stop>> {
        Box::pin(self.rows(tx))
    }
}

impl Writing {
    async fn rows(&self, tx: &mut Tx) -> Result<Answer, Stop> {
        self.may_be_proposed(tx).await?;
        let there = self.already_there(tx).await?;
        let steps = match &self.upsert {
            Some(upsert) if there == Some(0) => &upsert.fresh,
            _ => &self.steps,
        };
        let mut rows: Vec<(usize, String)> = Vec::new();
        for (compiled, places) in steps {
            let done: Vec<(String, bool)> = all_of(tx, compiled.clone()).await?;
            if done.iter().any(|(_, allowed)| !allowed) {
                return Err(Error::row_refused(&self.relation.name.name).into());
            }
            let is_whole = done.len() == places.len();
            let place_of = |at: usize| if is_whole { places[at] } else { at };
            rows.extend(done.into_iter().enumerate().map(|(at, (row, _))| (place_of(at), row)));
        }
        rows.sort_by_key(|(place, _)| *place);
        let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
        self.is_as_wanted(&rows)?;
        self.answer(tx, &rows, there).await
    }

    /// That the policies let every row be proposed, also those that then leave what is there as it is, or change it.
    async fn may_be_proposed(&self, tx: &mut Tx) -> Result<(), Stop> {
        for compiled in &self.proposed {
            let refused: Vec<(i64,)> = all_of(tx, compiled.clone()).await?;
            if refused.iter().any(|(count,)| *count > 0) {
                return Err(Error::row_refused(&self.relation.name.name).into());
            }
        }
        Ok(())
    }

    /// How many of an upsert's rows are there before it.
    async fn already_there(&self, tx: &mut Tx) -> Result<Option<u64>, Stop> {
        let Some(compiled) = self.upsert.as_ref().and_then(|upsert| upsert.existing.as_ref()) else { return Ok(None) };
        let counts: Vec<(i64,)> = all_of(tx, compiled.clone()).await?;
        Ok(counts.first().and_then(|(count,)| u64::try_from(*count).ok()))
    }

    fn is_as_wanted(&self, rows: &[String]) -> Result<()> {
        let count = rows.len() as u64;
        let sent = self.incoming.as_ref().map_or(0, |incoming| incoming.rows.len());
        if self.upsert.is_some() && self.wants.merges() && rows.len() < sent {
            let table = &self.relation.name.name;
            let message = format!("new row violates row-level security policy (USING expression) for table \"{table}\"");
            return Err(Error::new("42501", message));
        }
        match self.wants.preferences.max_affected() {
            Some(most) if count > most && self.command != Command::Insert => Err(Error::too_many_affected(count)),
            _ => Ok(()),
        }
    }

    async fn answer(&self, tx: &mut Tx, rows: &[String], there: Option<u64>) -> Result<Answer, Stop> {
        let count = rows.len() as u64;
        let body = match self.shown {
            Shown::Nothing | Shown::Key => None,
            Shown::Selected => Some(json::array(rows.iter().map(String::as_str))),
            Shown::Whole => {
                let compiled = self.representation(rows)?;
                Some(body_of(tx, compiled, false).await?.0)
            }
        };
        let answer = match body {
            Some(body) => self.wants.answer(body, self.limit)?,
            None if self.wants.is_single() && count != 1 => return Err(Error::not_single(count).into()),
            None => Answer::default(),
        };
        let location = match rows {
            [row] if self.shown == Shown::Key => location(&self.relation, row)?,
            _ => Vec::new(),
        };
        let inserted = (self.command == Command::Insert).then(|| count.saturating_sub(there.unwrap_or(0)));
        let total = self.wants.counts().then_some(count);
        Ok(Answer { rows: count, total, inserted, location, has_key: self.has_key, ..answer })
    }

    /// What `select` says of rows that have every column.
    fn representation(&self, rows: &[String]) -> Result<Compiled> {
        let columns: Vec<(&str, &Type)> = self.relation.columns.iter().map(|column| (column.name.as_str(), &column.ty)).collect();
        let rows = rows.iter().map(|row| read_row(row, &columns)).collect::<Result<Vec<_>>>()?;
        let mut planner = self.request.planner();
        let relation = planner.relation(&self.relation.name.name)?;
        let plan = planner.represent(relation, &self.query, rows)?;
        Ok(compile::query(&plan, &self.request.context())?)
    }
}

impl Wants {
    pub(super) fn defaults(&self) -> bool {
        self.preferences.missing == Some(crate::data::request::Missing::Default)
    }

    pub(super) fn wants_key(&self) -> bool {
        self.preferences.representation == Some(Representation::HeadersOnly)
    }

    fn is_single(&self) -> bool {
        self.shape == super::Shape::Object
    }

    /// The answer of a write that has nothing to do.
    pub(super) fn of_nothing(&self) -> Result<Answer> {
        let total = self.counts().then_some(0);
        if self.shows() {
            return Ok(Answer { total, ..self.answer("[]".to_owned(), usize::MAX)? });
        }
        if self.is_single() { Err(Error::not_single(0)) } else { Ok(Answer { total, ..Answer::default() }) }
    }
}

/// A row's values from its JSON, which the database made of these columns.
pub(super) fn read_row(row: &str, columns: &[(&str, &Type)]) -> Result<Vec<Datum>> {
    let members: HashMap<String, Box<RawValue>> = serde_json::from_str(row).map_err(|err| unreadable(&err))?;
    let value = |(name, ty): &(&str, &Type)| match members.get(*name) {
        // A JSON null and no value look the same here, and mean the same to who reads the answer.
        None => Ok(Datum::Null),
        Some(raw) => Ok(values::from_raw_json(ty, raw)?),
    };
    columns.iter().map(value).collect()
}

/// The key of a row as `Location` has it.
fn location(relation: &Relation, row: &str) -> Result<Vec<(String, String)>> {
    let members: HashMap<String, serde_json::Value> = serde_json::from_str(row).map_err(|err| unreadable(&err))?;
    let text = |name: &String| match members.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(crate::data::plan::key(relation).iter().filter_map(|name| Some((name.clone(), text(name)?))).collect())
}

fn unreadable(err: &serde_json::Error) -> Error {
    Error::new("XX000", format!("the database gave a row that is no JSON: {err}"))
}
