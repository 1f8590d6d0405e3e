//! Reads, and what reads and writes have in common: a compiled statement with its values, run.

use super::handle::{DataService, Request};
use super::model::{Answer, Caller, Wants};
use super::plans::Key;
use crate::data::request::Query;
use crate::data::{Error, Result};
use crate::db::{self, Conn, FromRow};
use crate::sql::ast;
use crate::sql::compile::{self, Compiled};

impl DataService {
    /// Reads a table or view. `asked`: the query string that `query` was read from, by which its plan is found again.
    ///
    /// # Errors
    /// What the request cannot mean or may not; PGRST103 when its offset is beyond what was counted; PGRST116; 57014 when it takes too
    /// long.
    pub async fn read(&self, caller: &Caller, relation: &str, query: &Query, asked: &str, wants: &Wants) -> Result<Answer> {
        let request = self.request(caller);
        let key = Key::of(caller.role, relation, query, asked, wants.counts());
        let compiled = request.known.plans.get_or_make(key, &request.bindings, || {
            let mut planner = request.planner();
            let plan = planner.read(planner.relation(relation)?, query, wants.counts())?;
            Ok(compile::query(&plan, &request.context())?)
        })?;
        let (rows, total) = self.fetch(compiled, wants.counts()).await?;
        self.page(rows, total, query, wants)
    }

    /// Runs a statement that gives `body`, and `total` when it counts.
    pub(super) async fn fetch(&self, compiled: Compiled, counts: bool) -> Result<(String, Option<u64>)> {
        let mut conn = self.db.read().await?;
        self.limits().hold_reading(&mut conn);
        let compiled = compile::bounded(compiled, conn.dialect(), counts, self.settings.max_result_bytes);
        body_of(&mut conn, compiled, counts).await.map_err(Error::from)
    }

    pub(super) fn page(&self, rows: String, total: Option<u64>, query: &Query, wants: &Wants) -> Result<Answer> {
        if let Some(total) = total.filter(|total| query.offset > *total) {
            return Err(Error::out_of_range(query.offset, total));
        }
        let answer = wants.answer(rows, self.settings.max_result_bytes)?;
        Ok(Answer { total, offset: query.offset, ..answer })
    }
}

/// The one row of a statement that gives `body`, and `total` when it counts.
pub(super) async fn body_of(conn: &mut Conn, compiled: Compiled, counts: bool) -> db::Result<(String, Option<u64>)> {
    if counts {
        let (body, total): (String, i64) = bound(conn, compiled).fetch_one().await?;
        return Ok((body, u64::try_from(total).ok()));
    }
    let (body,): (String,) = bound(conn, compiled).fetch_one().await?;
    Ok((body, None))
}

/// Every row of a statement.
pub(super) async fn all_of<T: FromRow>(conn: &mut Conn, compiled: Compiled) -> db::Result<Vec<T>> {
    bound(conn, compiled).fetch_all().await
}

fn bound(conn: &mut Conn, compiled: Compiled) -> db::Query<'_> {
    compiled.values.into_iter().fold(conn.query_owned(compiled.sql), db::Query::bind)
}

impl Request {
    /// A statement as the database runs it for the caller.
    pub(super) fn compiled(&self, statement: &ast::Statement) -> Result<Compiled> {
        Ok(compile::statement(statement, &self.context())?)
    }
}
