//! `insert`, with the defaults of the columns that it leaves out.

use std::sync::Arc;

use super::super::literal::quoted;
use super::super::query::{Columns, Outputs};
use super::super::state::{Compiler, Done, Quoted, Seen, emit};
use crate::sql::ast::{Body, Conflict, Expr, Insert, Node, Query};
use crate::sql::catalog::{Column, Command, Privilege, Relation};
use crate::sql::fault::Fault;
use crate::values::{Datum, Type};

impl Compiler<'_> {
    pub(super) fn insert(&mut self, insert: &Insert, body: Option<bool>) -> Done {
        let relation = &insert.into;
        let seen = self.target(relation, insert.id)?;
        self.may_write(relation, Command::Insert)?;
        for name in &insert.columns {
            self.may_set(relation, Privilege::Insert, name)?;
        }
        if insert.from.columns().len() != insert.columns.len() {
            return Err(Fault::new("42601", "INSERT does not have as many target columns as expressions"));
        }
        let mut columns: Vec<&Column> =
            insert.columns.iter().filter_map(|name| relation.column(name)).map(|(_, column)| column).collect();
        let types: Vec<Type> = columns.iter().map(|column| column.ty.clone()).collect();
        let (added, defaults) = self.defaults(relation, &columns);
        columns.extend(added);
        emit!(self; "insert into ")?;
        self.target_name(relation, &seen)?;
        if columns.is_empty() {
            self.without_columns(relation, &insert.from)?;
        } else {
            emit!(self; " (")?;
            self.separated(&columns, ", ", |this, column| emit!(this; Quoted(&column.name)))?;
            emit!(self; ") ")?;
            self.inserted(&insert.from, &types, &defaults)?;
        }
        if let Some(conflict) = &insert.conflict {
            self.conflict(relation, conflict, &seen)?;
        }
        let check = if body.is_some() { self.insert_check(insert, &seen)? } else { None };
        self.returning(&insert.returning, body, check)
    }

    /// The columns that are not named and have a default, with it. One that makes its own values stays out; when no column is left,
    /// one that takes null is named.
    fn defaults<'r>(&self, relation: &'r Relation, named: &[&Column]) -> (Vec<&'r Column>, Vec<(Expr, Type)>) {
        let schema = self.context.schema;
        let open: Vec<&Column> = relation
            .columns
            .iter()
            .filter(|column| column.generated.is_none() && named.iter().all(|other| other.name != column.name))
            .collect();
        let with_default = |column: &&'r Column| {
            schema.default_of(&relation.name, &column.name).map(|value| (*column, (value.clone(), column.ty.clone())))
        };
        let (columns, values): (Vec<_>, Vec<_>) = open.iter().filter_map(with_default).unzip();
        match open.first() {
            Some(column) if columns.is_empty() && named.is_empty() => {
                let null = Expr { node: Node::Literal(Datum::Null), ty: column.ty.clone() };
                (vec![*column], vec![(null, column.ty.clone())])
            }
            _ => (columns, values),
        }
    }

    /// Rows of a table whose only columns make their own values.
    fn without_columns(&mut self, relation: &Relation, from: &Query) -> Done {
        let Some(column) = relation.columns.first() else {
            return Err(Fault::unsupported("a table without columns", "give it a key"));
        };
        let rows = self.alias();
        emit!(self; " (", Quoted(&column.name))?;
        if self.is_sqlite() {
            emit!(self; ") select null from (", from, ") as ", rows, " where true")
        } else {
            let table = quoted(&format!("public.\"{}\"", relation.name.name.replace('"', "\"\"")))?;
            emit!(self; ") overriding system value select nextval(pg_get_serial_sequence(", table, ", ")?;
            emit!(self; quoted(&column.name)?, ")) from (", from, ") as ", rows)
        }
    }

    /// The rows, each with the defaults after its own values.
    fn inserted(&mut self, from: &Query, types: &[Type], defaults: &[(Expr, Type)]) -> Done {
        let columns = Columns { types, more: defaults };
        let is_plain = matches!(&from.body, Body::Select(select) if !select.distinct);
        if is_plain {
            return self.query_as(from, Outputs::Columns(&columns));
        }
        let (rows, id) = (self.alias(), self.fresh_id());
        let places: Vec<String> = (1..=types.len()).map(|place| format!("c{place}")).collect();
        self.see(id, Seen::Columns { alias: rows.clone(), relation: None, guarded: false, optional: false });
        emit!(self; "select ")?;
        for (place, (name, (output, ty))) in places.iter().zip(from.columns().iter().zip(types)).enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.assigned(&Expr { node: Node::Column(id, name.clone()), ty: output.expr.ty.clone() }, ty)?;
        }
        for (value, ty) in defaults {
            self.push(", ");
            self.assigned(value, ty)?;
        }
        emit!(self; " from (")?;
        self.query_as(from, Outputs::Named(&places))?;
        emit!(self; ") as ", rows, " where true")
    }

    fn conflict(&mut self, relation: &Arc<Relation>, conflict: &Conflict, target: &Seen) -> Done {
        self.push(" on conflict");
        if !conflict.columns.is_empty() {
            emit!(self; " (")?;
            self.separated(&conflict.columns, ", ", |this, column| emit!(this; Quoted(column)))?;
            emit!(self; ")")?;
        }
        if conflict.assignments.is_empty() {
            return emit!(self; " do nothing");
        }
        self.may_write(relation, Command::Update)?;
        // As in PostgreSQL, what was proposed is read with the rights to the table's columns.
        let excluded =
            Seen::Columns { alias: "excluded".to_owned(), relation: Some(Arc::clone(relation)), guarded: true, optional: false };
        self.see(conflict.excluded, excluded);
        self.push(" do update");
        self.assignments(relation, &conflict.assignments)?;
        let mut guards = Vec::new();
        guards.extend(self.reach(relation, Command::Update, target)?);
        guards.extend(self.reach(relation, Command::Select, target)?);
        self.conditions(guards, conflict.filter.as_ref())
    }

    fn insert_check(&mut self, insert: &Insert, seen: &Seen) -> Result<Option<String>, Fault> {
        let mut commands = vec![Command::Insert];
        if insert.conflict.as_ref().is_some_and(|conflict| !conflict.assignments.is_empty()) {
            commands.push(Command::Update);
        }
        if !insert.returning.is_empty() {
            commands.push(Command::Select);
        }
        self.checks(&insert.into, &commands, seen)
    }
}
