//! Writes: what comes back of each row that was written, whether the policies let it be, and which rows a change is about.

use std::sync::Arc;

use super::super::request::{Query as Request, SelectItem};
use super::incoming::{Incoming, literal_of};
use super::outputs::{Level, Value, nothing};
use super::scope::{Scope, all_of, boolean, literal};
use super::select::{Asked, Growing};
use super::spread::values;
use super::{Planner, key, text_of};
use crate::data::{Error, Result};
use crate::sql::ast::{Conflict, Delete, Expr, Insert, Node, Output, Query, Rows, Select, Source, SourceId, Statement, Update};
use crate::sql::catalog::{Command, Privilege, Relation};
use crate::sql::compile::Reach;
use crate::values::{Datum, Type};

/// The number of the row that is written; policies see it by this.
pub(super) const ROW: SourceId = SourceId(0);

/// What is wanted of the rows that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Nothing,
    /// The primary key.
    Key,
    /// What `select` says, of the row alone: it comes with the write.
    Selected,
    /// Every column, from which a second statement makes what `select` says: it has embeds, an order, aggregates.
    Whole,
}

/// What a conflicting row does to an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnConflict {
    /// The columns of a unique key.
    pub columns: Vec<String>,
    /// The row there is changed; otherwise it stays.
    pub merge: bool,
}

impl<'a> Planner<'a> {
    /// A relation that rows can be written to.
    ///
    /// # Errors
    /// PGRST205; 42809 for a view.
    pub fn writable(&self, name: &str) -> Result<&'a Arc<Relation>> {
        let relation = self.relation(name)?;
        if relation.table().is_some_and(|table| !table.is_system) {
            return Ok(relation);
        }
        Err(Error::new("42809", format!("cannot write to view \"{name}\""))
            .hint("Views are for reading here; write to the table, or through a function."))
    }

    /// That the caller may give values to columns by these names, before anything is said of the values.
    ///
    /// # Errors
    /// PGRST204 for a name that is no column's, 42501 for one that may not be written. To a caller who may neither read nor write some
    /// column both are 42501, so that nobody learns which of those are there.
    pub fn may_send(&self, relation: &Relation, names: &[String], privilege: Privilege) -> Result<()> {
        let table = &relation.name.name;
        let may = |privilege, column: &str| self.rights.may(relation, privilege, column);
        let hides =
            || relation.columns.iter().any(|column| !may(privilege, &column.name) && !may(Privilege::Select, &column.name));
        for name in names {
            match relation.column(name) {
                Some(_) if may(privilege, name) => {}
                None if !hides() => {
                    let message = format!("Could not find the '{name}' column of '{table}' in the schema cache");
                    return Err(Error::new("PGRST204", message));
                }
                _ => return Err(Error::permission_denied(table)),
            }
        }
        Ok(())
    }

    /// How rows that were written are to be shown.
    #[must_use]
    pub fn shown(&self, relation: &Relation, request: &Request) -> Shown {
        let is_of_row = |item: &SelectItem| match item {
            SelectItem::All => true,
            SelectItem::Field { aggregate: None, name, .. } => name != "count" || relation.column("count").is_some(),
            _ => false,
        };
        if request.order.is_empty() && request.select.iter().all(is_of_row) { Shown::Selected } else { Shown::Whole }
    }

    /// By which unique key duplicates are known; `None` when there is none, and every row is new.
    ///
    /// # Errors
    /// 42703 and 42501 of a column of `on_conflict`; 42P10 when those are no key.
    pub fn on_conflict(&self, relation: &'a Relation, named: Option<&[String]>, merge: bool) -> Result<Option<OnConflict>> {
        let Some(table) = relation.table() else { return Ok(None) };
        let primary = table.primary_key.as_ref().map(|key| key.columns.as_slice());
        let Some(columns) = named.or(primary) else { return Ok(None) };
        let scope = self.scope_at(ROW, relation);
        for column in columns {
            scope.column(column)?;
        }
        let is_same = |other: &[String]| other.len() == columns.len() && other.iter().all(|column| columns.contains(column));
        let is_key = table.primary_key.iter().chain(&table.uniques).any(|key| is_same(&key.columns))
            || table.indexes.iter().any(|index| index.unique && !index.partial && is_same(&index.columns));
        if !is_key {
            let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
            return Err(Error::new("42P10", message));
        }
        Ok(Some(OnConflict { columns: columns.to_vec(), merge }))
    }

    /// The inserts of a body, one for each set of columns that its rows have; the places of each one's rows in the body.
    ///
    /// Each row comes back as `row` and `allowed`; see [`Shown`].
    ///
    /// # Errors
    /// What the row cannot be, or may not.
    pub fn insert(
        &mut self,
        relation: &'a Arc<Relation>,
        incoming: &Incoming,
        conflict: Option<&OnConflict>,
        may_update: bool,
        (shown, request): (Shown, &Request),
    ) -> Result<Vec<(Statement, Vec<usize>)>> {
        self.may_write(relation, Privilege::Insert, &incoming.columns)?;
        let merges = conflict.is_some_and(|conflict| conflict.merge);
        if merges {
            self.may_write(relation, Privilege::Update, &incoming.columns)?;
        }
        // Rows that may be there already are held to the policies of inserts as they are proposed, before this: see `refused`.
        let is_known = conflict.is_some() && self.is_known_before(relation, incoming)?;
        let updates = merges && may_update;
        let mut checks = Vec::new();
        if !(updates && is_known) {
            checks.push(self.allowed(relation, Command::Insert)?);
        }
        if updates {
            checks.push(self.allowed(relation, Command::Update)?);
        }
        // `on conflict (…)` reads rows, as PostgreSQL counts it.
        if shown != Shown::Nothing || conflict.is_some() {
            checks.push(self.visible(relation)?);
        }
        let returning = self.returning(relation, checks, shown, request)?;
        incoming
            .groups()
            .into_iter()
            .map(|group| {
                let from = self.rows_of(&group.columns, group.rows);
                let conflict = conflict.map(|conflict| self.conflict(conflict, &group.columns));
                let columns = group.columns.into_iter().map(|(name, _)| name).collect();
                let into = Arc::clone(relation);
                let insert = Insert { into, id: ROW, columns, from, conflict, returning: returning.clone() };
                Ok((Statement::Insert(insert), group.places))
            })
            .collect()
    }

    /// The update of a body's first row; `None` when it changes nothing.
    ///
    /// # Errors
    /// As [`Planner::insert`].
    pub fn update(
        &mut self,
        relation: &'a Arc<Relation>,
        incoming: &Incoming,
        (shown, request): (Shown, &Request),
    ) -> Result<Option<Statement>> {
        let Some(row) = incoming.rows.first().filter(|_| !incoming.columns.is_empty()) else { return Ok(None) };
        self.may_write(relation, Privilege::Update, &incoming.columns)?;
        let scope = self.scope_at(ROW, relation);
        let filter = all_of(self.conditions(&scope, &[], &request.filters)?);
        let mut assignments = Vec::with_capacity(row.len());
        for (name, datum) in incoming.columns.iter().zip(row) {
            let (_, column) = relation.column(name).ok_or_else(|| Error::no_column(scope.label, name))?;
            let value = match datum {
                Some(datum) => literal_of(column, datum.clone()),
                None => self.default_of(relation, name).unwrap_or_else(|| literal(column.ty.clone(), Datum::Null)),
            };
            assignments.push((name.clone(), value));
        }
        let mut checks = vec![self.allowed(relation, Command::Update)?];
        if filter.is_some() || shown != Shown::Nothing {
            checks.push(self.visible(relation)?);
        }
        let returning = self.returning(relation, checks, shown, request)?;
        let table = Arc::clone(relation);
        Ok(Some(Statement::Update(Update { table, id: ROW, assignments, from: Vec::new(), filter, returning })))
    }

    /// The delete of what the filters say.
    ///
    /// # Errors
    /// As [`Planner::insert`].
    pub fn delete(&mut self, relation: &'a Arc<Relation>, (shown, request): (Shown, &Request)) -> Result<Statement> {
        let scope = self.scope_at(ROW, relation);
        let filter = all_of(self.conditions(&scope, &[], &request.filters)?);
        let returning = self.returning(relation, Vec::new(), shown, request)?;
        let table = Arc::clone(relation);
        Ok(Statement::Delete(Delete { table, id: ROW, using: Vec::new(), filter, returning }))
    }

    /// What `select` says of rows that were written, each with all columns, in their order: `body`, as [`Planner::read`] gives it.
    ///
    /// # Errors
    /// As [`Planner::read`].
    pub fn represent(&mut self, relation: &'a Arc<Relation>, request: &Request, rows: Vec<Vec<Datum>>) -> Result<Query> {
        let columns = relation.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
        let scope = self.scope(relation);
        let source = Source { id: scope.id, rows: Rows::Values { columns, rows } };
        let shown = Request { filters: Vec::new(), limit: None, offset: 0, ..request.clone() };
        self.unlimited(|planner| planner.answer(&scope, source, &shown, false))
    }

    /// The row as JSON, and whether it may be so.
    fn returning(
        &mut self,
        relation: &'a Relation,
        checks: Vec<Option<Expr>>,
        shown: Shown,
        request: &Request,
    ) -> Result<Vec<Output>> {
        let scope = self.scope_at(ROW, relation);
        let own = |name: &str| Ok((name.to_owned(), scope.column(name)?));
        let members = match shown {
            Shown::Nothing => Vec::new(),
            Shown::Key => key(relation).iter().map(|name| own(name)).collect::<Result<_>>()?,
            Shown::Selected => self.selected(&scope, request)?,
            Shown::Whole => {
                let all = relation.columns.iter().map(|column| Ok((column.name.clone(), scope.own(&column.name)?)));
                all.collect::<Result<_>>()?
            }
        };
        let row = if members.is_empty() {
            literal(Type::Text, Datum::Text("{}".to_owned()))
        } else {
            text_of(Node::JsonObject(members))
        };
        let allowed = match all_of(checks.into_iter().flatten().collect()) {
            Some(check) => boolean(Node::IsBool(Box::new(check), true)),
            None => literal(Type::Bool, Datum::Bool(true)),
        };
        let output = |name: &str, expr| Output { name: name.to_owned(), expr };
        Ok(vec![output("row", row), output("allowed", allowed)])
    }

    /// What `select` says, where that is of the row alone.
    fn selected(&mut self, scope: &Scope<'a>, request: &Request) -> Result<Vec<(String, Expr)>> {
        let mut growing = Growing::default();
        self.outputs(scope, &[], Asked::of(request).items, &mut growing)?;
        let outs = Level::keys_once(growing.outs).into_iter().filter_map(|out| match out.value {
            Value::Plain(expr) => Some((out.name, expr)),
            Value::Aggregate { .. } => None,
        });
        Ok(outs.collect())
    }

    fn conflict(&mut self, conflict: &OnConflict, sent: &[(String, Type)]) -> Conflict {
        let excluded = self.id();
        let assignments = if conflict.merge {
            let of =
                |(name, ty): &(String, Type)| (name.clone(), Expr { node: Node::Column(excluded, name.clone()), ty: ty.clone() });
            sent.iter().map(of).collect()
        } else {
            Vec::new()
        };
        Conflict { columns: conflict.columns.clone(), assignments, excluded, filter: None }
    }

    fn rows_of(&mut self, columns: &[(String, Type)], rows: Vec<Vec<Datum>>) -> Query {
        let id = self.id();
        let outputs = columns
            .iter()
            .map(|(name, ty)| Output { name: name.clone(), expr: Expr { node: Node::Column(id, name.clone()), ty: ty.clone() } });
        let outputs = outputs.collect();
        Select { columns: outputs, from: vec![values(id, columns.to_vec(), rows)], ..nothing() }.into()
    }

    fn may_write(&self, relation: &Relation, privilege: Privilege, columns: &[String]) -> Result<()> {
        let may = |column: &String| self.rights.may(relation, privilege, column);
        if columns.iter().all(may) { Ok(()) } else { Err(Error::permission_denied(&relation.name.name)) }
    }

    /// What the policies ask of rows that a command makes.
    fn allowed(&self, relation: &Relation, command: Command) -> Result<Option<Expr>> {
        reached(self.rights.check(self.schema, relation, command))
    }

    /// What makes a row one that the caller may read: what is shown, or was looked for, must be.
    fn visible(&self, relation: &Relation) -> Result<Option<Expr>> {
        reached(self.rights.rows(self.schema, relation, Command::Select))
    }

    fn default_of(&self, relation: &Relation, column: &str) -> Option<Expr> {
        self.schema.default_of(&relation.name, column).cloned()
    }

    /// Without the most rows that an answer may have: what was written is shown whole.
    fn unlimited<T>(&mut self, with: impl FnOnce(&mut Self) -> T) -> T {
        let most = std::mem::replace(&mut self.max_rows, 0);
        let done = with(self);
        self.max_rows = most;
        done
    }
}

pub(super) fn reached(reach: Reach) -> Result<Option<Expr>> {
    match reach {
        Reach::Everything => Ok(None),
        Reach::Where(condition) => Ok(Some(condition)),
        Reach::Denied(fault) => Err(fault.into()),
    }
}
