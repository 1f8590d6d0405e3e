//! `update` and `delete`.

use std::sync::Arc;

use super::super::state::{Compiler, Done, Seen, emit};
use super::parts::is_computed;
use crate::sql::ast::{Delete, Expr, Join, Update};
use crate::sql::catalog::{Command, Relation};
use crate::sql::fault::Fault;

impl Compiler<'_> {
    pub(super) fn update(&mut self, update: &Update, body: Option<bool>) -> Done {
        let relation = &update.table;
        let seen = self.target(relation, update.id)?;
        self.may_write(relation, Command::Update)?;
        emit!(self; "update ")?;
        self.target_name(relation, &seen)?;
        let mut conditions = Vec::new();
        let from = self.captured(|this| this.from(&update.from, &mut conditions))?;
        self.assignments(relation, &update.assignments)?;
        self.push(&from);
        let reads = update.filter.is_some()
            || !update.from.is_empty()
            || (body.is_some() && !update.returning.is_empty())
            || update.assignments.iter().any(|(_, value)| is_computed(value));
        let mut guards = self.reached((relation, Command::Update), &seen, reads)?;
        guards.extend(conditions);
        self.conditions(guards, update.filter.as_ref())?;
        let check = match body {
            Some(_) if reads => self.checks(relation, &[Command::Update, Command::Select], &seen)?,
            Some(_) => self.checks(relation, &[Command::Update], &seen)?,
            None => None,
        };
        self.returning(&update.returning, body, check)
    }

    pub(super) fn delete(&mut self, delete: &Delete, body: Option<bool>) -> Done {
        let relation = &delete.table;
        let seen = self.target(relation, delete.id)?;
        emit!(self; "delete from ")?;
        self.target_name(relation, &seen)?;
        let reads = delete.filter.is_some() || !delete.using.is_empty() || (body.is_some() && !delete.returning.is_empty());
        let guards = self.reached((relation, Command::Delete), &seen, reads)?;
        if delete.using.is_empty() {
            self.conditions(guards, delete.filter.as_ref())?;
        } else {
            self.using(&delete.using, guards, delete.filter.as_ref())?;
        }
        self.returning(&delete.returning, body, None)
    }

    /// The conditions on rows that are there: those of the command, and of `select` where the statement reads them.
    fn reached(
        &mut self,
        (relation, command): (&Arc<Relation>, Command),
        seen: &Seen,
        reads: bool,
    ) -> Result<Vec<String>, Fault> {
        let mut guards = Vec::new();
        guards.extend(self.reach(relation, command, seen)?);
        if reads {
            guards.extend(self.reach(relation, Command::Select, seen)?);
        }
        Ok(guards)
    }

    /// `using`: SQLite has none, and asks whether there is such a row.
    fn using(&mut self, using: &[Join], mut guards: Vec<String>, filter: Option<&Expr>) -> Done {
        let mut conditions = Vec::new();
        let from = self.captured(|this| this.from(using, &mut conditions))?;
        if self.is_sqlite() {
            let exists = self.captured(|this| {
                emit!(this; "exists (select 1", from)?;
                this.conditions(conditions, filter)?;
                emit!(this; ")")
            })?;
            guards.push(exists);
            return self.conditions(guards, None);
        }
        self.push(&from.replacen(" from ", " using ", 1));
        guards.extend(conditions);
        self.conditions(guards, filter)
    }
}
