//! Definitions on SQLite: `STRICT` tables under the same names, with the same constraints.
//!
//! What `alter table` lacks there is done by making the table anew. Its rows are put over; those of the tables that refer to it are
//! set aside meanwhile and put back, since dropping a table does to referring rows what deleting its rows would.

use super::draft::{Ddl, From, list, quoted};
use super::foreign_key;
use super::writer::Writer;
use crate::db::Dialect;
use crate::sql::ast::{Expr, Node, Param};
use crate::sql::catalog::{Column, Generated, Name, Relation};
use crate::sql::{Fault, sqlstate};
use crate::types::Timestamp;
use crate::values::{Datum, Type};

/// The name of a table while it is made anew.
const NEW: &str = "plinth_new";

impl Writer<'_> {
    /// The statements of a definition, in order.
    pub(super) fn statements(&self, ddl: &Ddl) -> Result<Vec<String>, Fault> {
        match ddl {
            Ddl::Sql(text) => Ok(vec![text.clone()]),
            Ddl::CreateTable(name) => Ok(vec![self.create_table(self.relation(name)?, &name.name)?]),
            Ddl::CreateIndex(table, name) => {
                let relation = self.relation(table)?;
                let indexes = relation.table().map(|table| &*table.indexes).unwrap_or_default();
                indexes
                    .iter()
                    .find(|index| index.name == *name)
                    .map_or(Ok(Vec::new()), |index| self.sqlite_index(relation, index))
            }
            Ddl::Rebuild { table, columns } => self.rebuild(table, columns),
        }
    }

    /// `called` is the table's own name, or another while it is made anew.
    fn create_table(&self, relation: &Relation, called: &str) -> Result<String, Fault> {
        let Some(table) = relation.table() else {
            return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", relation.name)));
        };
        let identity = relation.columns.iter().any(is_identity);
        let mut parts = Vec::new();
        for column in &relation.columns {
            parts.push(self.column(relation, column)?);
        }
        if let Some(key) = table.primary_key.as_ref().filter(|_| !identity) {
            parts.push(super::postgres::key(key, "primary key"));
        }
        parts.extend(table.uniques.iter().map(|key| super::postgres::key(key, "unique")));
        for check in self.schema.checks(&relation.name) {
            parts.push(format!(
                "constraint {} check ({})",
                quoted(&check.name),
                self.expression(&check.condition, Dialect::Sqlite)?
            ));
        }
        for key in &table.foreign_keys {
            let mut key = key.clone();
            if key.references == relation.name {
                called.clone_into(&mut key.references.name);
            }
            parts.push(foreign_key(&key, false));
        }
        Ok(format!("create table {} ({}) strict", quoted(called), parts.join(", ")))
    }

    fn column(&self, relation: &Relation, column: &Column) -> Result<String, Fault> {
        let mut text = format!("{} {}", quoted(&column.name), column.ty.sqlite());
        match column.ty {
            Type::Numeric(_) => text.push_str(" collate plinth_numeric"),
            Type::Jsonb => text.push_str(" collate plinth_jsonb"),
            _ => {}
        }
        if is_identity(column) {
            let key = relation.table().and_then(|table| table.primary_key.as_ref());
            let name = key.map_or_else(|| format!("{}_pkey", relation.name.name), |key| key.name.clone());
            text.push_str(&format!(" constraint {} primary key autoincrement", quoted(&name)));
            return Ok(text);
        }
        if let Some(generated) = self.schema.generated(&relation.name, &column.name) {
            text.push_str(&format!(" generated always as ({}) stored", self.expression(generated, Dialect::Sqlite)?));
        }
        if column.not_null {
            text.push_str(" not null");
        }
        Ok(text)
    }

    /// Makes a table anew.
    fn rebuild(&self, name: &Name, columns: &[(String, From)]) -> Result<Vec<String>, Fault> {
        let relation = self.relation(name)?;
        let own = quoted(&name.name);
        let referring = self.referring(name);
        let mut statements = vec!["pragma defer_foreign_keys = on".to_owned()];
        for (place, other) in referring.iter().enumerate() {
            statements.push(format!(
                "create temp table plinth_kept_{place} as select {} from {}",
                stored(other),
                quoted(&other.name.name)
            ));
        }
        // Those that refer to others go first.
        statements.extend(referring.iter().map(|other| format!("delete from {}", quoted(&other.name.name))));
        statements.push(self.create_table(relation, NEW)?);
        let named = columns.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>();
        let sources = columns.iter().map(|(column, from)| self.source(relation, column, from)).collect::<Result<Vec<_>, _>>()?;
        statements.push(format!("insert into {NEW} ({}) select {} from {own}", list(&named), sources.join(", ")));
        if relation.columns.iter().any(is_identity) {
            statements.push(format!("delete from sqlite_sequence where name = '{NEW}'"));
            let quoted_name = name.name.replace('\'', "''");
            statements.push(format!(
                "insert into sqlite_sequence (name, seq) select '{NEW}', seq from sqlite_sequence where name = '{quoted_name}'"
            ));
        }
        statements.push(format!("drop table {own}"));
        statements.push(format!("alter table {NEW} rename to {own}"));
        for index in relation.table().map(|table| &*table.indexes).unwrap_or_default() {
            statements.extend(self.sqlite_index(relation, index)?);
        }
        for (place, other) in referring.iter().enumerate().rev() {
            let columns = stored(other);
            let other = quoted(&other.name.name);
            statements.push(format!("insert into {other} ({columns}) select {columns} from temp.plinth_kept_{place}"));
            statements.push(format!("drop table temp.plinth_kept_{place}"));
        }
        Ok(statements)
    }

    /// Where a column of the new table gets its values.
    fn source(&self, relation: &Relation, column: &str, from: &From) -> Result<String, Fault> {
        Ok(match from {
            From::Column(column) => quoted(column),
            From::Null => "null".to_owned(),
            From::Using(value) => self.expression(value, Dialect::Sqlite)?,
            From::Cast(column, old) => self.expression(
                &Expr {
                    ty: relation.column(column).map_or_else(|| old.clone(), |(_, column)| column.ty.clone()),
                    node: Node::Cast(Box::new(Expr {
                        node: Node::Column(crate::sql::ast::SourceId(0), column.clone()),
                        ty: old.clone(),
                    })),
                },
                Dialect::Sqlite,
            )?,
            From::Default => match self.schema.default_of(&relation.name, column) {
                None => "null".to_owned(),
                Some(default) => self.expression(&timed(default, self.now), Dialect::Sqlite)?,
            },
        })
    }

    /// The tables whose rows refer to a table's, over others too; those that refer come before those they refer to.
    fn referring(&self, name: &Name) -> Vec<&Relation> {
        let refers = |relation: &Relation, to: &Name| {
            relation.table().is_some_and(|table| table.foreign_keys.iter().any(|key| key.references == *to))
        };
        let mut found: Vec<&Relation> = Vec::new();
        let mut next = vec![name.clone()];
        while let Some(to) = next.pop() {
            for relation in self.schema.catalog().relations().filter(|relation| relation.name != *name && refers(relation, &to)) {
                if !found.iter().any(|other| other.name == relation.name) {
                    found.push(relation);
                    next.push(relation.name.clone());
                }
            }
        }
        let mut ordered: Vec<&Relation> = Vec::new();
        while !found.is_empty() {
            let free = found.iter().position(|one| !found.iter().any(|other| other.name != one.name && refers(other, &one.name)));
            ordered.push(found.remove(free.unwrap_or(0)));
        }
        ordered
    }
}

fn is_identity(column: &Column) -> bool {
    matches!(column.generated, Some(Generated::IdentityAlways | Generated::IdentityByDefault))
}

/// The columns that a row brings.
fn stored(relation: &Relation) -> String {
    let stored = relation.columns.iter().filter(|column| !matches!(column.generated, Some(Generated::Stored { .. })));
    list(&stored.map(|column| column.name.clone()).collect::<Vec<_>>())
}

/// `now()` as the moment it is, since a definition takes no values.
fn timed(expr: &Expr, now: Timestamp) -> Expr {
    let node = match &expr.node {
        Node::Param(Param::Now) => Node::Literal(Datum::Text(now.rfc3339())),
        Node::Cast(inner) => Node::Cast(Box::new(timed(inner, now))),
        other => other.clone(),
    };
    Expr { node, ty: expr.ty.clone() }
}
