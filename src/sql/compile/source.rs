//! `from`: tables as the caller may see them, views and functions put in their places, joins.

use std::sync::Arc;

use super::query::Outputs;
use super::state::{Compiler, Done, Quoted, Seen, emit};
use crate::sql::ast::{Expr, Join, JoinKind, Query, Rows, Source};
use crate::sql::catalog::{Command, Function, Name, Relation, Returns};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::Type;

impl Compiler<'_> {
    /// `from …`, or nothing; what must be true of the first source's rows is added to `conditions`.
    pub(super) fn from(&mut self, joins: &[Join], conditions: &mut Vec<String>) -> Done {
        for (index, join) in joins.iter().enumerate() {
            if index == 0 {
                self.push(" from ");
                conditions.extend(self.source(&join.source, false)?);
                if let Some(on) = &join.on {
                    conditions.push(self.text_of(on)?);
                }
            } else {
                self.join(join)?;
            }
        }
        Ok(())
    }

    /// A source after the first. The caller's rights are part of the condition: rows that may not be seen do not match.
    pub(super) fn join(&mut self, join: &Join) -> Done {
        let is_left = join.kind == JoinKind::Left;
        self.push(if is_left { " left join " } else { " join " });
        let guard = self.source(&join.source, is_left)?;
        self.push(" on ");
        match (guard, &join.on) {
            (Some(guard), Some(on)) => emit!(self; guard, " and ", on),
            (Some(guard), None) => emit!(self; guard),
            (None, Some(on)) => emit!(self; on),
            (None, None) => emit!(self; "true"),
        }
    }

    /// A source under a new alias, and the condition that makes its rows those that the caller may see.
    pub(super) fn source(&mut self, source: &Source, optional: bool) -> Result<Option<String>, Fault> {
        let alias = self.alias();
        let plain = |relation| Seen::Columns { alias: alias.clone(), relation, guarded: true, optional };
        match &source.rows {
            Rows::Relation(relation) => {
                let seen = plain(Some(Arc::clone(relation)));
                let guard = self.reach(relation, Command::Select, &seen)?;
                if relation.table().is_some() {
                    self.table(&relation.name)?;
                } else {
                    self.view(relation)?;
                }
                emit!(self; " as ", alias)?;
                self.see(source.id, seen);
                Ok(guard)
            }
            Rows::Query(query) => {
                emit!(self; "(", **query, ") as ", alias)?;
                self.see(source.id, plain(None));
                Ok(None)
            }
            Rows::Function(function, arguments) => {
                let names = self.columns_of(function)?;
                self.push("(");
                self.function_rows(function, arguments, &names)?;
                emit!(self; ") as ", alias)?;
                self.see(source.id, plain(None));
                Ok(None)
            }
            Rows::Values { columns, rows } => {
                self.values(columns, rows)?;
                emit!(self; " as ", alias)?;
                self.see(source.id, plain(None));
                Ok(None)
            }
            Rows::Elements { of, as_text } => {
                let seen = self.elements(of, *as_text, &alias)?;
                self.see(source.id, seen);
                Ok(None)
            }
        }
    }

    /// A table's name.
    pub(super) fn table(&mut self, name: &Name) -> Done {
        match (name.is_public(), self.is_sqlite()) {
            (true, true) => emit!(self; Quoted(&name.name)),
            (true, false) => emit!(self; "public.", Quoted(&name.name)),
            // Those of the server itself, whose names are plain words that `db` knows.
            (false, _) => emit!(self; name.schema, ".", name.name),
        }
    }

    /// A view's query in its place: the same rights apply inside.
    fn view(&mut self, relation: &Relation) -> Done {
        let Some(query) = self.context.schema.view(&relation.name) else {
            return Err(Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", relation.name)));
        };
        let names: Vec<String> = relation.columns.iter().map(|column| column.name.clone()).collect();
        let query: &Query = query;
        self.push("(");
        self.within(self.piece_like_this(), |this| this.query_as(query, Outputs::Named(&names)))?;
        emit!(self; ")")
    }

    /// The columns of a function's rows: those that it declares, or one by its own name.
    pub(super) fn columns_of(&self, function: &Function) -> Result<Vec<String>, Fault> {
        Ok(match &function.returns {
            Returns::Scalar(_) | Returns::SetOfScalar(_) => vec![function.name.name.clone()],
            Returns::Table(columns) => columns.iter().map(|(name, _)| name.clone()).collect(),
            Returns::Row(name) | Returns::SetOfRow(name) => {
                let relation = self
                    .context
                    .schema
                    .relation(name)
                    .ok_or_else(|| Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))?;
                relation.columns.iter().map(|column| column.name.clone()).collect()
            }
            Returns::Void | Returns::Trigger(_) => {
                return Err(Fault::new("42804", format!("function {} returns nothing", function.name)));
            }
        })
    }

    /// The elements of an array or of a JSON array.
    fn elements(&mut self, of: &Expr, as_text: bool, alias: &str) -> Result<Seen, Fault> {
        let is_array = matches!(of.ty, Type::Array(_));
        if self.is_sqlite() {
            emit!(self; "json_each(", of, ") as ", alias)?;
            let json = format!("({alias}.json -> {alias}.fullkey)");
            return Ok(Seen::Value(match (is_array, as_text) {
                (true, _) => format!("{alias}.value"),
                (false, false) => json,
                (false, true) => format!(
                    "case {alias}.type when 'text' then {alias}.value when 'null' then null else plinth_text({json}, 'jsonb') end"
                ),
            }));
        }
        let function = match (is_array, as_text, &of.ty) {
            (true, ..) => "unnest",
            (false, false, Type::Json) => "json_array_elements",
            (false, true, Type::Json) => "json_array_elements_text",
            (false, false, _) => "jsonb_array_elements",
            (false, true, _) => "jsonb_array_elements_text",
        };
        emit!(self; function, "(", of, ") as ", alias, "(\"value\")")?;
        Ok(Seen::Columns { alias: alias.to_owned(), relation: None, guarded: false, optional: false })
    }
}
