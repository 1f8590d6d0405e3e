//! What statements that write have in common.

use std::sync::Arc;

use super::super::Reach;
use super::super::query::Outputs;
use super::super::state::{Compiler, Done, Quoted, Seen, emit};
use crate::sql::ast::{Expr, Node, Output, Param, Query, SourceId, Statement};
use crate::sql::catalog::{Command, Generated, Name, Privilege, Relation};
use crate::sql::fault::Fault;
use crate::values::Type;

impl Compiler<'_> {
    /// A statement by itself.
    pub(in crate::sql::compile) fn statement(&mut self, statement: &Statement) -> Done {
        self.write(statement, None)
    }

    /// A statement of a function's body; the last one's rows are JSON objects.
    pub(in crate::sql::compile) fn body_statement(&mut self, statement: &Statement, is_last: bool) -> Done {
        match statement {
            Statement::Query(query) if is_last => self.objects(query),
            other => self.write(other, Some(is_last)),
        }
    }

    /// `body` is whether it is the last of a function's body.
    fn write(&mut self, statement: &Statement, body: Option<bool>) -> Done {
        match statement {
            Statement::Query(query) => self.top_query(query),
            Statement::Insert(insert) => self.insert(insert, body),
            Statement::Update(update) => self.update(update, body),
            Statement::Delete(delete) => self.delete(delete, body),
        }
    }

    /// The rows of a query as one column `row`.
    fn objects(&mut self, query: &Query) -> Done {
        let rows = self.alias();
        if self.is_sqlite() {
            emit!(self; "select j as \"row\" from (")?;
            self.rows_as_objects(query)?;
            return emit!(self; ") as ", rows);
        }
        emit!(self; "select (row_to_json(", rows, "))::text as \"row\" from (", query, ") as ", rows)
    }

    /// The table that is written, as a source of the statement.
    pub(super) fn target(&mut self, relation: &Arc<Relation>, id: SourceId) -> Result<Seen, Fault> {
        if relation.table().is_none_or(|table| table.is_system && !self.is_servers) {
            return Err(
                Fault::new("55000", format!("cannot write to \"{}\"", relation.name)).hint("write to the tables below it")
            );
        }
        let alias = if self.is_sqlite() { sqlite_name(&relation.name) } else { self.alias() };
        let seen = Seen::Columns { alias, relation: Some(Arc::clone(relation)), guarded: true, optional: false };
        self.see(id, seen.clone());
        Ok(seen)
    }

    /// The table's name with what the statement calls it.
    pub(super) fn target_name(&mut self, relation: &Relation, seen: &Seen) -> Done {
        self.table(&relation.name)?;
        match seen {
            Seen::Columns { alias, .. } if !self.is_sqlite() => emit!(self; " as ", alias),
            _ => Ok(()),
        }
    }

    /// Refuses what may not be inserted or updated at all.
    pub(super) fn may_write(&self, relation: &Relation, command: Command) -> Done {
        match self.rights().check(self.context.schema, relation, command) {
            Reach::Denied(fault) => Err(fault),
            _ => Ok(()),
        }
    }

    /// Refuses a column that may not be given a value.
    pub(super) fn may_set(&self, relation: &Relation, privilege: Privilege, column: &str) -> Done {
        self.ask(relation, privilege, column)?;
        let generated = relation.column(column).and_then(|(_, column)| column.generated.as_ref());
        match generated {
            Some(Generated::Stored { .. } | Generated::IdentityAlways) => {
                let message = match privilege {
                    Privilege::Insert => format!("cannot insert a non-DEFAULT value into column \"{column}\""),
                    _ => format!("column \"{column}\" can only be updated to DEFAULT"),
                };
                Err(Fault::new("428C9", message).hint("leave the column out: it makes its own values"))
            }
            _ => Ok(()),
        }
    }

    /// `set a = …, b = …`.
    pub(super) fn assignments(&mut self, relation: &Relation, assignments: &[(String, Expr)]) -> Done {
        self.push(" set ");
        for (column, _) in assignments {
            self.may_set(relation, Privilege::Update, column)?;
        }
        // Whatever was to be written there, as a trigger before the update would do.
        let touches = relation.table().map(|table| &*table.touches).unwrap_or_default();
        let is_touched = |column: &String| touches.iter().any(|touch| touch.column == *column);
        let now = Expr { node: Node::Param(Param::Now), ty: Type::Timestamptz };
        let mut all: Vec<(&String, &Expr)> = Vec::with_capacity(assignments.len() + touches.len());
        all.extend(assignments.iter().filter(|(column, _)| !is_touched(column)).map(|(column, value)| (column, value)));
        for touch in touches {
            if all.iter().all(|(column, _)| **column != touch.column) {
                all.push((&touch.column, &now));
            }
        }
        self.separated(&all, ", ", |this, (column, value)| {
            let ty = relation.column(column).map_or(Type::Text, |(_, column)| column.ty.clone());
            emit!(this; Quoted(column), " = ")?;
            this.assigned(value, &ty)
        })
    }

    /// `returning …`: for a function's body with what must be true of each row.
    pub(super) fn returning(&mut self, columns: &[Output], body: Option<bool>, check: Option<String>) -> Done {
        let Some(is_last) = body else {
            if columns.is_empty() {
                return Ok(());
            }
            self.push(" returning ");
            self.unguarded = true;
            let done = self.outputs(columns, Outputs::Texts, false);
            self.unguarded = false;
            return done;
        };
        let object = Output {
            name: "row".to_owned(),
            expr: Expr {
                node: Node::JsonObject(columns.iter().map(|output| (output.name.clone(), output.expr.clone())).collect()),
                ty: Type::Json,
            },
        };
        let has_rows = is_last && !columns.is_empty();
        if has_rows {
            self.push(" returning ");
            self.outputs(&[object], Outputs::Texts, false)?;
        }
        if let Some(check) = check {
            self.push(if has_rows { ", " } else { " returning " });
            emit!(self; "((", check, ") is true) as \"allowed\"")?;
        }
        Ok(())
    }

    /// What must be true of the rows that a statement of a function's body makes: the checks of its commands, and that they can be
    /// seen when they are returned.
    pub(super) fn checks(&mut self, relation: &Arc<Relation>, commands: &[Command], row: &Seen) -> Result<Option<String>, Fault> {
        let mut checks = Vec::new();
        for command in commands {
            match command {
                Command::Select => checks.extend(self.reach(relation, Command::Select, row)?),
                _ => checks.extend(self.check(relation, *command, row)?),
            }
        }
        Ok((!checks.is_empty()).then(|| checks.join(" and ")))
    }
}

/// A table's own name on SQLite, where that of a schema's table has the schema in it.
fn sqlite_name(name: &Name) -> String {
    let whole = if name.is_public() { name.name.clone() } else { format!("{}.{}", name.schema, name.name) };
    format!("\"{}\"", whole.replace('"', "\"\""))
}

/// Whether a value is worked out from what is there.
pub(super) const fn is_computed(expr: &Expr) -> bool {
    !matches!(expr.node, Node::Literal(_) | Node::Param(_))
}
