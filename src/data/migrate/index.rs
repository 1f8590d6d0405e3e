//! Indexes, written so that conditions as `sql::compile` writes them find them.
//!
//! On SQLite the words of a text are in a table of their own (FTS5) without its content: three triggers keep it in the same transaction
//! as the rows, by their numbers. A statement asks it for the rows that may match, and then each row itself.

use sqlparser::ast as parsed;

use super::draft::{quoted, target};
use super::writer::Writer;
use crate::db::Dialect;
use crate::sql::Fault;
use crate::sql::ast::Expr;
use crate::sql::catalog::{Index, Relation};
use crate::sql::indexes::{LoweredIndex, Over, row_number, words_table};
use crate::sql::lower::{self, Scope};
use crate::values::Type;

/// What forgets the words of an index on SQLite, if it has any.
pub(super) fn forget_words(index: &str) -> Vec<String> {
    let table = words_table(index);
    let triggers = TRIGGERS.iter().map(|(kind, _)| format!("drop trigger if exists {}", quoted(&trigger(&table, kind))));
    triggers.chain([format!("drop table if exists {}", quoted(&table))]).collect()
}

const TRIGGERS: [(&str, &str); 3] = [("insert", "after insert"), ("update", "after update"), ("delete", "after delete")];

fn trigger(table: &str, kind: &str) -> String {
    format!("{table}_{kind}")
}

impl Writer<'_> {
    /// An index's definition on SQLite: nothing for one of a kind that it lacks, which speeds up and does not decide.
    pub(super) fn sqlite_index(&self, relation: &Relation, index: &Index) -> Result<Vec<String>, Fault> {
        let Some((create, lowered)) = self.lowered(relation, index)? else { return Ok(Vec::new()) };
        match lowered.over {
            Over::Values(keys) => self.values_index(relation, index, &create, &keys).map(|text| vec![text]),
            Over::Words(document) => self.words_index(relation, index, &document),
        }
    }

    fn lowered(&self, relation: &Relation, index: &Index) -> Result<Option<(parsed::CreateIndex, LoweredIndex)>, Fault> {
        let parsed::Statement::CreateIndex(create) = lower::parse_statement(&index.text)? else { return Ok(None) };
        let Some(relation) = self.schema.relation(&relation.name) else { return Ok(None) };
        let lowered = LoweredIndex::of(index, relation, self.schema.catalog())?;
        Ok(lowered.map(|lowered| (create, lowered)))
    }

    fn values_index(
        &self,
        relation: &Relation,
        index: &Index,
        create: &parsed::CreateIndex,
        keys: &[Expr],
    ) -> Result<String, Fault> {
        let mut parts = Vec::with_capacity(keys.len());
        for (key, column) in keys.iter().zip(&create.columns) {
            let mut part = self.index_key(key, Dialect::Sqlite)?;
            if matches!(column.column.options.sort, Some(parsed::OrderBySort::Desc)) {
                part.push_str(" desc");
            }
            parts.push(part);
        }
        let unique = if index.unique { "unique " } else { "" };
        let table = quoted(&relation.name.name);
        let condition = self.condition(relation, create, Dialect::Sqlite)?;
        Ok(format!("create {unique}index {} on {table} ({}){condition}", quoted(&index.name), parts.join(", ")))
    }

    /// `where …` of an index that has one.
    fn condition(&self, relation: &Relation, create: &parsed::CreateIndex, dialect: Dialect) -> Result<String, Fault> {
        let (Some(predicate), Some(relation)) = (&create.predicate, self.schema.relation(&relation.name)) else {
            return Ok(String::new());
        };
        let scope = Scope::row(relation).expecting(Type::Bool);
        let condition = lower::expression(&predicate.to_string(), self.schema, &scope)?;
        Ok(format!(" where {}", self.expression(&condition, dialect)?))
    }

    /// A table of words, filled from the rows that are there. An index's `where` is not looked at: more rows than it asks for do no harm.
    fn words_index(&self, relation: &Relation, index: &Index, document: &Expr) -> Result<Vec<String>, Fault> {
        let Some(row) = row_number(relation) else { return Ok(forget_words(&index.name)) };
        let (name, table) = (words_table(&index.name), quoted(&relation.name.name));
        let words = quoted(&name);
        let words_of = |text: String| match document.ty {
            Type::Tsvector => format!("plinth_tsvector_words({text})"),
            _ => text,
        };
        let of_row = words_of(self.expression(document, Dialect::Sqlite)?);
        let of = |row| self.expression_of(row, document, Dialect::Sqlite).map(words_of);
        let (old, new) = (of("old")?, of("new")?);
        let mut statements = forget_words(&index.name);
        statements.push(format!(
            "create virtual table {words} using fts5(words, content='', contentless_delete=1, detail=none, tokenize='plinth')"
        ));
        statements
            .push(format!("insert into {words} (rowid, words) select {row}, {of_row} from {table} where {of_row} is not null"));
        let add = format!("insert into {words} (rowid, words) select new.{row}, {new} where {new} is not null;");
        let remove = format!("delete from {words} where rowid = old.{row};");
        for (kind, event) in TRIGGERS {
            let (when, body) = match kind {
                "insert" => (String::new(), add.clone()),
                "delete" => (String::new(), remove.clone()),
                _ => (format!(" when old.{row} <> new.{row} or {old} is not {new}"), format!("{remove} {add}")),
            };
            let trigger = quoted(&trigger(&name, kind));
            statements.push(format!("create trigger {trigger} {event} on {table}{when} begin {body} end"));
        }
        Ok(statements)
    }

    /// An index's definition on PostgreSQL. Its expressions are those of statements, so that each is found; what is over columns alone,
    /// or of a kind that only PostgreSQL has, is as the app wrote it.
    pub(super) fn postgres_index(&self, relation: &Relation, index: &Index) -> Result<String, Fault> {
        let as_written = || Ok(index.text.clone());
        let Some((create, lowered)) = self.lowered(relation, index)? else { return as_written() };
        let is_plain = create.predicate.is_none() && !index.columns.is_empty();
        if is_plain || !create.include.is_empty() || !create.with.is_empty() {
            return as_written();
        }
        let keys = match &lowered.over {
            Over::Words(document) => {
                let of_row = self.expression(document, Dialect::Postgres)?;
                let is_vector = document.ty == Type::Tsvector;
                vec![if is_vector { of_row } else { format!("to_tsvector('simple', {of_row})") }]
            }
            Over::Values(keys) => {
                let keys = keys.iter().zip(&create.columns).map(|(key, written)| {
                    let class = written.operator_class.as_ref().map(|class| format!(" {class}")).unwrap_or_default();
                    Ok(format!("{}{class}{}", self.index_key(key, Dialect::Postgres)?, written.column.options))
                });
                keys.collect::<Result<Vec<_>, Fault>>()?
            }
        };
        let unique = if index.unique { "unique " } else { "" };
        let using = create.using.as_ref().map(|using| format!(" using {using}")).unwrap_or_default();
        let (name, table) = (quoted(&index.name), target(&relation.name, true));
        let condition = self.condition(relation, &create, Dialect::Postgres)?;
        Ok(format!("create {unique}index {name} on {table}{using} ({}){condition}", keys.join(", ")))
    }
}
