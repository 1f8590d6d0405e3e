//! `insert`, `update` and `delete`.

use std::sync::Arc;

use sqlparser::ast::{self as parsed, Expr as Parsed, SetExpr};

use super::coerce::coerce;
use super::query::{bare, empty_select};
use super::scope::{Frame, Lower, Scope, Term, Visible, VisibleColumn, object_name};
use super::types::Bend;
use super::{expression_with, parse};
use crate::sql::ast::{Body, Conflict, Delete, Expr, Insert, Node, Output, Query, SourceId, Statement, Update};
use crate::sql::catalog::{Column, Generated, Relation, Table};
use crate::sql::fault::{Fault, Place, sqlstate};
use crate::values::{Datum, Type};

/// PostgreSQL's code for a value that only the database may give.
const GENERATED_ALWAYS: &str = "428C9";

impl<'a> Lower<'a> {
    /// A statement that reads or writes rows.
    pub(super) fn statement(mut self, statement: &'a parsed::Statement) -> Result<Statement, Fault> {
        match statement {
            parsed::Statement::Query(query) => Ok(Statement::Query(self.query(query)?.query)),
            parsed::Statement::Insert(insert) => {
                self.frames.push(Frame::default());
                self.insert(insert).map(Statement::Insert)
            }
            parsed::Statement::Update(update) => {
                self.frames.push(Frame::default());
                self.update(update).map(Statement::Update)
            }
            parsed::Statement::Delete(delete) => {
                self.frames.push(Frame::default());
                self.delete(delete).map(Statement::Delete)
            }
            _ => Err(Fault::unsupported("this statement here", "select, insert, update or delete")),
        }
    }

    /// The same, with the columns that it gives brought to what a function returns.
    pub(super) fn statement_returning(
        mut self,
        statement: &'a parsed::Statement,
        returned: Option<&[(String, Type)]>,
    ) -> Result<Statement, Fault> {
        let Some(returned) = returned else { return self.statement(statement) };
        if let parsed::Statement::Query(query) = statement {
            let mut lowered = self.query(query)?;
            check_returned(returned.len(), lowered.columns.len())?;
            for (place, (_, ty)) in returned.iter().enumerate() {
                lowered.bring(place, ty, Bend::Assignment)?;
            }
            lowered.rename(&returned.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
            return Ok(Statement::Query(lowered.query));
        }
        let mut done = self.statement(statement)?;
        let outputs = match &mut done {
            Statement::Insert(insert) => &mut insert.returning,
            Statement::Update(update) => &mut update.returning,
            Statement::Delete(delete) => &mut delete.returning,
            Statement::Query(_) => return Ok(done),
        };
        check_returned(returned.len(), outputs.len())?;
        for (output, (name, ty)) in outputs.iter_mut().zip(returned) {
            let term = Term::known(output.expr.clone(), Place::default());
            output.expr = coerce(term, ty, Bend::Assignment)?;
            output.name.clone_from(name);
        }
        Ok(done)
    }

    fn insert(&mut self, insert: &'a parsed::Insert) -> Result<Insert, Fault> {
        let parsed::TableObject::TableName(name) = &insert.table else {
            return Err(Fault::unsupported("an insert into something other than a table", "name a table"));
        };
        let plain =
            insert.or.is_none() && !insert.ignore && !insert.overwrite && !insert.replace_into && insert.partitioned.is_none();
        if !plain || insert.output.is_some() || insert.insert_alias.is_some() || !insert.assignments.is_empty() {
            return Err(Fault::unsupported("this form of insert", "write insert into … (…) values (…)"));
        }
        let into = self.writable(name)?;
        let mut columns = insert.columns.iter().map(|column| column_named(&into, column)).collect::<Result<Vec<_>, _>>()?;
        let from = match insert.source.as_deref() {
            None => bare(Body::Select(Box::new(empty_select()))),
            Some(source) => self.inserted(&into, source, insert.columns.is_empty(), &mut columns)?,
        };
        let mut seen = columns.clone();
        seen.sort_unstable();
        if let Some(twice) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("column \"{}\" specified more than once", twice[0]);
            return Err(Fault::new(sqlstate::DUPLICATE_COLUMN, message).at(self.at));
        }
        let alias = insert.table_alias.as_ref().map(|alias| parse::name(&alias.alias)).transpose()?;
        let id = self.target(&into, alias)?;
        let conflict = insert.on.as_ref().map(|on| self.conflict(&into, on)).transpose()?;
        let returning = self.returning(insert.returning.as_deref())?;
        Ok(Insert { into, id, columns, from, conflict, returning })
    }

    /// The rows to insert, brought to the columns' types; `columns` loses those that every row leaves to their defaults.
    fn inserted(
        &mut self,
        into: &Arc<Relation>,
        source: &'a parsed::Query,
        all: bool,
        columns: &mut Vec<String>,
    ) -> Result<Query, Fault> {
        let in_order = || into.columns.iter().map(|column| column.name.clone());
        if let (SetExpr::Values(values), None, None) = (&*source.body, &source.with, &source.order_by) {
            let width = values.rows.first().map_or(0, |row| row.content.len());
            if all {
                columns.extend(in_order().take(width));
            }
            check_width(columns.len(), width, self)?;
            return self.inserted_values(into, values, columns);
        }
        let mut lowered = self.in_query(|lower| lower.query(source))?;
        if all {
            columns.extend(in_order().take(lowered.columns.len()));
        }
        check_width(columns.len(), lowered.columns.len(), self)?;
        for (place, column) in columns.iter().enumerate() {
            let column = given_column(into, column)?;
            lowered.bring(place, &column.ty, Bend::Assignment).map_err(|fault| of_column(fault, column).at(self.at))?;
        }
        Ok(lowered.query)
    }

    fn inserted_values(
        &mut self,
        into: &Arc<Relation>,
        values: &'a parsed::Values,
        columns: &mut Vec<String>,
    ) -> Result<Query, Fault> {
        let width = columns.len();
        if values.rows.iter().any(|row| row.content.len() != width) {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "VALUES lists must all be the same length").at(self.at));
        }
        let left_out = |place: usize| values.rows.iter().all(|row| is_default(&row.content[place]));
        let kept = (0..width).filter(|place| !left_out(*place)).collect::<Vec<_>>();
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let cells = kept.iter().map(|place| self.assigned(into, &columns[*place], &row.content[*place]));
            rows.push(cells.collect::<Result<Vec<_>, _>>()?);
        }
        let types = kept.iter().map(|place| {
            let column = given_column(into, &columns[*place])?;
            Ok((column.name.clone(), column.ty.clone()))
        });
        let types = types.collect::<Result<Vec<_>, Fault>>()?;
        *columns = types.iter().map(|(name, _)| name.clone()).collect();
        self.rows(&types, rows, true)
    }

    /// A value on its way into a column; the word `default` is the column's own.
    fn assigned(&mut self, relation: &Arc<Relation>, column: &str, value: &'a Parsed) -> Result<Expr, Fault> {
        let column = given_column(relation, column).map_err(|fault| fault.at(self.at))?;
        if is_default(value) {
            return match &column.default {
                Some(default) => expression_with(&default.text, self.catalog, &Scope::default().expecting(column.ty.clone())),
                None => Ok(Expr { node: Node::Literal(Datum::Null), ty: column.ty.clone() }),
            };
        }
        let term = self.shown_term(value)?;
        let at = term.at;
        coerce(term, &column.ty, Bend::Assignment).map_err(|fault| of_column(fault, column).at(at))
    }

    fn conflict(&mut self, into: &Arc<Relation>, on: &'a parsed::OnInsert) -> Result<Conflict, Fault> {
        let parsed::OnInsert::OnConflict(on) = on else {
            return Err(Fault::unsupported("on duplicate key", "write on conflict (…) do update set …"));
        };
        let columns = match &on.conflict_target {
            None => Vec::new(),
            Some(parsed::ConflictTarget::Columns(columns)) => columns.iter().map(parse::name).collect::<Result<Vec<_>, _>>()?,
            Some(parsed::ConflictTarget::OnConstraint(name)) => constraint_columns(into, name)?,
        };
        if !columns.is_empty() && !is_unique(into, &columns) {
            let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
            return Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message).at(self.at));
        }
        let excluded = self.new_id();
        let parsed::OnConflictAction::DoUpdate(update) = &on.action else {
            return Ok(Conflict { columns, assignments: Vec::new(), excluded, filter: None });
        };
        if columns.is_empty() {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, message).at(self.at));
        }
        // Both rows are seen by their names; a bare name is the row that is there.
        let mut new = visible(into, excluded, "excluded".to_owned());
        for column in &mut new.columns {
            column.hidden = true;
        }
        self.reveal(new)?;
        let assignments = self.assignments(into, &update.assignments)?;
        let filter = update.selection.as_ref().map(|filter| self.condition(filter, "WHERE")).transpose()?;
        self.frame().sources.retain(|source| source.id != excluded);
        Ok(Conflict { columns, assignments, excluded, filter })
    }

    fn update(&mut self, update: &'a parsed::Update) -> Result<Update, Fault> {
        if update.or.is_some() || update.limit.is_some() || !update.order_by.is_empty() || update.output.is_some() {
            return Err(Fault::unsupported("this clause in update", "write its condition in where"));
        }
        let (table, id) = self.target_of(&update.table)?;
        let from = match &update.from {
            None => Vec::new(),
            Some(parsed::UpdateTableFromKind::AfterSet(tables) | parsed::UpdateTableFromKind::BeforeSet(tables)) => {
                self.from(tables)?
            }
        };
        let assignments = self.assignments(&table, &update.assignments)?;
        let filter = update.selection.as_ref().map(|filter| self.condition(filter, "WHERE")).transpose()?;
        let returning = self.returning(update.returning.as_deref())?;
        Ok(Update { table, id, assignments, from, filter, returning })
    }

    fn delete(&mut self, delete: &'a parsed::Delete) -> Result<Delete, Fault> {
        if delete.limit.is_some() || !delete.order_by.is_empty() || delete.output.is_some() || !delete.tables.is_empty() {
            return Err(Fault::unsupported("this clause in delete", "write its condition in where"));
        }
        let (parsed::FromTable::WithFromKeyword(tables) | parsed::FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = &**tables else {
            return Err(Fault::unsupported("a delete from several tables", "write using …"));
        };
        let (table, id) = self.target_of(table)?;
        let using = delete.using.as_ref().map(|tables| self.from(tables)).transpose()?.unwrap_or_default();
        let filter = delete.selection.as_ref().map(|filter| self.condition(filter, "WHERE")).transpose()?;
        let returning = self.returning(delete.returning.as_deref())?;
        Ok(Delete { table, id, using, filter, returning })
    }

    /// The table that is updated or deleted from.
    fn target_of(&mut self, table: &'a parsed::TableWithJoins) -> Result<(Arc<Relation>, SourceId), Fault> {
        let parsed::TableFactor::Table { name, alias, args: None, .. } = &table.relation else {
            return Err(Fault::unsupported("a write to something other than a table", "name a table"));
        };
        if !table.joins.is_empty() {
            return Err(Fault::unsupported("a join in the table to write", "write from … or using …"));
        }
        let relation = self.writable(name)?;
        let alias = alias.as_ref().map(|alias| parse::name(&alias.name)).transpose()?;
        let id = self.target(&relation, alias)?;
        Ok((relation, id))
    }

    /// Makes the table that is written visible.
    fn target(&mut self, relation: &Arc<Relation>, alias: Option<String>) -> Result<SourceId, Fault> {
        let id = self.new_id();
        let mut seen = visible(relation, id, alias.clone().unwrap_or_else(|| relation.name.name.clone()));
        seen.relation = alias.is_none().then(|| relation.name.clone());
        self.reveal(seen)?;
        Ok(id)
    }

    fn writable(&mut self, name: &parsed::ObjectName) -> Result<Arc<Relation>, Fault> {
        let relation = self.relation(name)?;
        let (_, place) = object_name(name)?;
        if place.line > 0 {
            self.at = place;
        }
        match relation.table() {
            Some(table) if !table.is_system || self.scope.is_servers => Ok(relation),
            Some(_) => {
                let message = format!("permission denied for table {}", relation.name);
                Err(Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, message)
                    .hint("users are changed through /auth/v1/admin/users, files through /storage/v1")
                    .at(place))
            }
            None => Err(Fault::unsupported("a write to a view", "write to its table").at(place)),
        }
    }

    fn assignments(
        &mut self,
        relation: &Arc<Relation>,
        assignments: &'a [parsed::Assignment],
    ) -> Result<Vec<(String, Expr)>, Fault> {
        let mut done: Vec<(String, Expr)> = Vec::with_capacity(assignments.len());
        let mut set = |lower: &mut Self, column: &parsed::ObjectName, value: &'a Parsed| {
            let column = column_named(relation, column).map_err(|fault| fault.at(lower.at))?;
            if done.iter().any(|(other, _)| *other == column) {
                let message = format!("multiple assignments to same column \"{column}\"");
                return Err(Fault::new(sqlstate::SYNTAX_ERROR, message).at(lower.at));
            }
            let value = lower.assigned(relation, &column, value)?;
            done.push((column, value));
            Ok(())
        };
        for assignment in assignments {
            match (&assignment.target, &assignment.value) {
                (parsed::AssignmentTarget::ColumnName(column), value) => set(self, column, value)?,
                (parsed::AssignmentTarget::Tuple(columns), Parsed::Tuple(values)) if columns.len() == values.len() => {
                    columns.iter().zip(values).try_for_each(|(column, value)| set(self, column, value))?;
                }
                (parsed::AssignmentTarget::Tuple(_), _) => {
                    return Err(
                        Fault::unsupported("an assignment of a row", "write (a, b) = (x, y), or a = x, b = y").at(self.at)
                    );
                }
            }
        }
        Ok(done)
    }

    fn returning(&mut self, items: Option<&'a [parsed::SelectItem]>) -> Result<Vec<Output>, Fault> {
        items.map_or(Ok(Vec::new()), |items| Ok(self.projection(items)?.0))
    }
}

fn check_returned(wanted: usize, given: usize) -> Result<(), Fault> {
    if wanted == given {
        return Ok(());
    }
    let message = format!("the function returns {wanted} columns, and its last statement gives {given}");
    Err(Fault::new(sqlstate::INVALID_FUNCTION_DEFINITION, message).hint("end with select …, or with … returning …"))
}

fn check_width(columns: usize, values: usize, lower: &Lower<'_>) -> Result<(), Fault> {
    let message = match columns.cmp(&values) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "INSERT has more expressions than target columns",
        std::cmp::Ordering::Greater => "INSERT has more target columns than expressions",
    };
    Err(Fault::new(sqlstate::SYNTAX_ERROR, message).at(lower.at))
}

fn is_default(value: &Parsed) -> bool {
    matches!(value, Parsed::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

fn column_named(relation: &Relation, name: &parsed::ObjectName) -> Result<String, Fault> {
    let [part] = &*name.0 else {
        return Err(Fault::unsupported(format!("{name} as a column to write"), "name the column alone"));
    };
    let Some(ident) = part.as_ident() else { return Err(Fault::new(sqlstate::INVALID_NAME, format!("{name} is not a name"))) };
    let column = parse::name(ident)?;
    if relation.column(&column).is_none() {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
        return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message).at(parse::place_of(ident.span.start)));
    }
    Ok(column)
}

/// A column that a statement may give a value to.
fn given_column<'r>(relation: &'r Relation, name: &str) -> Result<&'r Column, Fault> {
    let (_, column) = relation.column(name).ok_or_else(|| {
        let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
        Fault::new(sqlstate::UNDEFINED_COLUMN, message)
    })?;
    match &column.generated {
        Some(Generated::IdentityAlways | Generated::Stored { .. }) => {
            let message = format!("cannot give a value to column \"{name}\"");
            Err(Fault::new(GENERATED_ALWAYS, message).hint("the database makes it: leave it out, or write default"))
        }
        _ => Ok(column),
    }
}

fn of_column(fault: Fault, column: &Column) -> Fault {
    match fault.code {
        sqlstate::DATATYPE_MISMATCH => {
            Fault { message: format!("column \"{}\" is of type {}: {}", column.name, column.ty, fault.message), ..fault }
        }
        _ => fault,
    }
}

fn constraint_columns(relation: &Relation, name: &parsed::ObjectName) -> Result<Vec<String>, Fault> {
    let (name, place) = object_name(name)?;
    let table = relation.table();
    let keys = table.into_iter().flat_map(|table| table.primary_key.iter().chain(&table.uniques));
    let found = keys.into_iter().find(|key| key.name == name.name).map(|key| key.columns.clone());
    found.ok_or_else(|| {
        let message = format!("constraint \"{}\" for table \"{}\" does not exist", name.name, relation.name);
        Fault::new(sqlstate::UNDEFINED_OBJECT, message).at(place)
    })
}

/// Whether some key or whole unique index is over exactly these columns.
fn is_unique(relation: &Relation, columns: &[String]) -> bool {
    let same = |other: &[String]| other.len() == columns.len() && other.iter().all(|column| columns.contains(column));
    relation.table().is_some_and(|table: &Table| {
        table.primary_key.iter().chain(&table.uniques).any(|key| same(&key.columns))
            || table.indexes.iter().any(|index| index.unique && !index.partial && same(&index.columns))
    })
}

fn visible(relation: &Relation, id: SourceId, alias: String) -> Visible {
    let columns = relation.columns.iter().map(|column| VisibleColumn {
        name: column.name.clone(),
        inner: column.name.clone(),
        ty: column.ty.clone(),
        hidden: false,
    });
    Visible { id, alias, relation: None, columns: columns.collect() }
}
