//! What definitions are written with, for both databases.

use crate::db::Dialect;
use crate::sql::ast::Expr;
use crate::sql::catalog::{Name, Relation};
use crate::sql::compile::{self, Bindings, Context, Owner};
use crate::sql::{Fault, Schema, sqlstate};
use crate::types::Timestamp;

/// What definitions are written with.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) schema: &'a Schema,
    pub(super) now: Timestamp,
}

impl<'a> Writer<'a> {
    pub(super) fn relation(&self, name: &Name) -> Result<&'a Relation, Fault> {
        let found = self.schema.relation(name).map(|relation| &**relation);
        found.ok_or_else(|| Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))
    }

    /// An expression over a row's columns by their names alone.
    pub(super) fn expression(&self, expr: &Expr, dialect: Dialect) -> Result<String, Fault> {
        self.with(dialect, |context| compile::expression(expr, context))
    }

    /// The same over the row that is called so.
    pub(super) fn expression_of(&self, row: &str, expr: &Expr, dialect: Dialect) -> Result<String, Fault> {
        self.with(dialect, |context| compile::expression_of(row, expr, context))
    }

    /// A key of an index.
    pub(super) fn index_key(&self, expr: &Expr, dialect: Dialect) -> Result<String, Fault> {
        self.with(dialect, |context| compile::index_key(expr, context))
    }

    fn with<T>(&self, dialect: Dialect, compile: impl FnOnce(&Context<'_>) -> T) -> T {
        let bindings =
            Bindings { uid: None, role: "service_role".to_owned(), jwt: serde_json::Value::Null, email: None, now: self.now };
        compile(&Context { dialect, schema: self.schema, bindings: &bindings, rights: &Owner })
    }
}
