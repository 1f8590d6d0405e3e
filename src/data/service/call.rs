//! Functions called by name: those that only read are one statement; the others run in a transaction.

use std::sync::Arc;

use super::change::read_row;
use super::handle::{DataService, Request};
use super::model::{Answer, Caller, Wants};
use super::run::{all_of, body_of};
use super::transaction::{Stop, Work};
use super::{Shape, explain, json};
use crate::data::plan::{Call, Given, Gives};
use crate::data::request::{CallBody, Fault, Query};
use crate::data::{Error, Result};
use crate::db::{BoxFuture, Tx};
use crate::sql::compile::{self, Compiled};
use crate::values::Type;

impl DataService {
    /// Calls a function. Without a body it is a GET: its arguments are in the query, and it may not write.
    ///
    /// # Errors
    /// PGRST202 and 203 when no one function is meant; 25006 when GET would write; PGRST128; what the function refuses.
    pub async fn rpc(
        &self,
        caller: &Caller,
        name: &str,
        query: &Query,
        body: Option<&CallBody>,
        wants: &Wants,
    ) -> Result<Answer> {
        let request = self.request(caller);
        let (call, plan) = {
            let mut planner = request.planner();
            let given = body.map_or(Given::Text(&query.arguments), Given::from);
            let call = planner.call(name, given, body.is_some())?;
            if body.is_none() {
                planner.may_get(&call)?;
            }
            if wants.preferences.max_affected().is_some() && call.gives() != Gives::Rows && call.gives() != Gives::Values {
                return Err(Fault::MaxAffectedOnScalar.into());
            }
            let counts = wants.counts() && call.gives() == Gives::Rows;
            let plan = if call.reads { Some((planner.read_call(&call, query, counts)?, counts)) } else { None };
            (call, plan)
        };
        let (body, total) = match plan {
            None if call.is_skipped() => {
                let body = if call.gives() == Gives::Value { "{\"value\":null}" } else { "[]" };
                (body.to_owned(), (wants.counts() && call.gives() == Gives::Rows).then_some(0))
            }
            Some((plan, counts)) => self.fetch(compile::query(&plan, &request.context())?, counts).await?,
            None => return self.run(Running::new(self.clone(), request, call, query, wants)?).await,
        };
        self.called(&call, (body, total), query, wants)
    }

    /// A function's answer from its body.
    fn called(&self, call: &Call, (body, total): (String, Option<u64>), query: &Query, wants: &Wants) -> Result<Answer> {
        if body.len() > self.settings.max_result_bytes {
            return Err(Error::too_large());
        }
        match call.gives() {
            Gives::Nothing => Ok(Answer { is_void: true, ..Answer::default() }),
            Gives::Value => Ok(Answer { body: json::only_value(&body).to_owned(), rows: 1, ..Answer::default() }),
            Gives::Row => {
                let one = if json::elements(&body) == 0 { "null" } else { json::only(&body) };
                Ok(Answer { body: one.to_owned(), rows: 1, ..Answer::default() })
            }
            Gives::Values if wants.shape != Shape::Csv => {
                let answer = self.page(body, total, &Query::default(), wants)?;
                within(wants, answer)
            }
            Gives::Values | Gives::Rows => within(wants, self.page(body, total, query, wants)?),
        }
    }

    async fn run(&self, running: Running) -> Result<Answer> {
        let running = Arc::new(running);
        match self.transact(&running, &running.wants).await? {
            Ok(answer) => Ok(answer),
            Err(error) => Err(explain::of_call(self, &running.request, &running.call, error).await),
        }
    }
}

fn within(wants: &Wants, answer: Answer) -> Result<Answer> {
    match wants.preferences.max_affected() {
        Some(most) if answer.rows > most => Err(Error::too_many_affected(answer.rows)),
        _ => Ok(answer),
    }
}

/// A call that writes, ready to be run, and run again.
struct Running {
    service: DataService,
    request: Request,
    call: Call,
    query: Query,
    statements: Vec<Compiled>,
    /// Of the rows that the last statement gives.
    columns: Vec<(String, Type)>,
    counts: bool,
    wants: Wants,
}

impl Running {
    fn new(service: DataService, request: Request, call: Call, query: &Query, wants: &Wants) -> Result<Self> {
        let statements = compile::function(&call.function, &call.arguments, &request.context())?;
        let columns = request.planner().columns_of(&call)?;
        Ok(Self {
            call,
            query: query.clone(),
            statements,
            columns,
            counts: wants.counts(),
            wants: wants.clone(),
            service,
            request,
        })
    }

    async fn statements(&self, tx: &mut Tx) -> Result<Answer, Stop> {
        let mut rows = Vec::new();
        for (place, compiled) in self.statements.iter().enumerate() {
            let is_last = place + 1 == self.statements.len();
            rows = self.statement(tx, compiled.clone(), is_last && self.call.gives() != Gives::Nothing).await?;
        }
        if self.wants.preferences.max_affected().is_some_and(|most| rows.len() as u64 > most) {
            return Err(Error::too_many_affected(rows.len() as u64).into());
        }
        let (body, total) = match self.call.gives() {
            Gives::Nothing => (String::new(), None),
            Gives::Value => (rows.into_iter().next().unwrap_or_else(|| "{\"value\":null}".to_owned()), None),
            Gives::Values => (json::array(rows.iter().map(|row| json::only_value(row))), None),
            Gives::Row | Gives::Rows => {
                let compiled = self.representation(&rows)?;
                body_of(tx, compiled, self.counts && self.call.gives() == Gives::Rows).await?
            }
        };
        // What is wrong with the answer undoes what was done for it.
        Ok(self.service.called(&self.call, (body, total), &self.query, &self.wants)?)
    }

    /// Runs one statement; its rows as JSON objects where it shows them.
    async fn statement(&self, tx: &mut Tx, compiled: Compiled, shows: bool) -> Result<Vec<String>, Stop> {
        let refused = || Stop::from(Error::row_refused(&self.call.function.name.name));
        let is_checked = compiled.sql.contains(" as \"allowed\"");
        match (shows, is_checked) {
            (true, true) => {
                let rows: Vec<(String, bool)> = all_of(tx, compiled).await?;
                if rows.iter().any(|(_, allowed)| !allowed) {
                    return Err(refused());
                }
                Ok(rows.into_iter().map(|(row, _)| row).collect())
            }
            (true, false) => Ok(all_of::<(String,)>(tx, compiled).await?.into_iter().map(|(row,)| row).collect()),
            (false, true) => {
                let rows: Vec<Allowed> = all_of(tx, compiled).await?;
                if rows.iter().any(|Allowed(allowed)| !allowed) { Err(refused()) } else { Ok(Vec::new()) }
            }
            (false, false) => {
                all_of::<Unseen>(tx, compiled).await?;
                Ok(Vec::new())
            }
        }
    }

    fn representation(&self, rows: &[String]) -> Result<Compiled> {
        let columns: Vec<(&str, &Type)> = self.columns.iter().map(|(name, ty)| (name.as_str(), ty)).collect();
        let rows = rows.iter().map(|row| read_row(row, &columns)).collect::<Result<Vec<_>>>()?;
        let plan = self.request.planner().represent_call(&self.call, &self.query, rows, self.counts)?;
        Ok(compile::query(&plan, &self.request.context())?)
    }
}

impl Work for Running {
    fn run<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Answer, Stop>> {
        Box::pin(self.statements(tx))
    }
}

/// Whether a policy lets a row be.
struct Allowed(bool);

impl crate::db::FromRow for Allowed {
    fn from_row(row: &crate::db::Row) -> crate::db::Result<Self> {
        row.get("allowed").map(Self)
    }
}

/// A row that nobody looks at.
struct Unseen;

impl crate::db::FromRow for Unseen {
    fn from_row(_: &crate::db::Row) -> crate::db::Result<Self> {
        Ok(Self)
    }
}
