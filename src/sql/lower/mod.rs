//! Text in PostgreSQL's grammar to the typed tree, with every name looked up in the catalogue.
//!
//! ```text
//! text ── parse (limits) ──→ sqlparser's tree ── Lower ──→ sql::ast
//! ```
//!
//! Quoted literals and bare nulls have no type of their own: each takes one from where it stands, as PostgreSQL does, and is read
//! by the type at once, so that a date that is none is refused here (22007) and not when a row is met.
//!
//! # Invariants
//!
//! - No text, however long or deep, ends the process: `parse` bounds the tree, and [`Lower`] counts levels and nodes.
//! - What the subset lacks is refused with what to write instead, never passed on as text.
//! - Nothing but the app's own relations and functions and `auth.users` resolves.

mod aggregate;
mod builtin;
mod call;
mod coerce;
mod expr;
mod from;
mod operator;
mod parse;
mod query;
mod scope;
mod select;
mod statement;
mod types;

use sqlparser::ast as parsed;

pub use operator::document;
pub use parse::{
    MAX_STATEMENT_BYTES, Parsed, expression as parse_expression, name, place_of, quoted, statement as parse_statement,
    statements as parse,
};
pub use scope::{Arguments, Scope, object_name};
pub use types::{assigns, data_type};

use super::ast::{Expr, Query, Statement};
use super::catalog::{Catalog, ViewColumn};
use super::fault::{Fault, sqlstate};
use super::origin;
use super::schema::Schema;
use crate::values::Type;
use scope::Lower;

/// A query from its text.
///
/// # Errors
/// Any [`Fault`], with its place in the text.
pub fn query(sql: &str, schema: &Schema, scope: &Scope) -> Result<Query, Fault> {
    query_with(sql, schema.catalog(), scope)
}

/// An expression from its text. It is brought to the type that the scope expects.
///
/// # Errors
/// Any [`Fault`], with its place in the text.
pub fn expression(sql: &str, schema: &Schema, scope: &Scope) -> Result<Expr, Fault> {
    expression_with(sql, schema.catalog(), scope)
}

/// A statement that was parsed before: a query, `insert`, `update` or `delete`.
///
/// # Errors
/// Any [`Fault`], with its place in the text.
pub fn statement(statement: &parsed::Statement, schema: &Schema, scope: &Scope) -> Result<Statement, Fault> {
    Lower::new(schema.catalog(), scope).statement(statement)
}

/// The columns that a query gives, each with the column of a table that it shows unchanged, if there is one.
///
/// # Errors
/// Any [`Fault`], with its place in the text.
pub fn describe(sql: &str, catalog: &Catalog) -> Result<Vec<(String, Type, Option<ViewColumn>)>, Fault> {
    let parsed = parse::query(sql)?;
    let scope = Scope::default();
    let lowered = Lower::new(catalog, &scope).query(&parsed)?;
    let origin = |place| origin::of_output(&lowered.query, place);
    let columns = lowered.columns.iter().enumerate();
    Ok(columns.map(|(place, column)| (column.name.clone(), column.ty.clone(), origin(place))).collect())
}

/// [`query()`] against a catalogue that is not a whole schema yet.
pub(super) fn query_with(sql: &str, catalog: &Catalog, scope: &Scope) -> Result<Query, Fault> {
    let parsed = parse::query(sql)?;
    Ok(Lower::new(catalog, scope).query(&parsed)?.query)
}

/// [`expression()`] against a catalogue that is not a whole schema yet.
///
/// # Errors
/// The same.
pub fn expression_with(sql: &str, catalog: &Catalog, scope: &Scope) -> Result<Expr, Fault> {
    let parsed = parse::expression(sql)?;
    Lower::new(catalog, scope).expected(&parsed)
}

/// The statements of a function's body, against a catalogue that is not a whole schema yet. The last one's columns are brought to
/// `returned`; `None` is a function that returns nothing.
pub(super) fn body_with(
    sql: &str,
    catalog: &Catalog,
    scope: &Scope,
    returned: Option<&[(String, Type)]>,
) -> Result<Vec<Statement>, Fault> {
    let parsed = parse::statements(sql)?;
    let last = parsed.len().saturating_sub(1);
    let lowered = parsed.iter().enumerate().map(|(at, parsed)| {
        let returned = returned.filter(|_| at == last);
        Lower::new(catalog, scope).statement_returning(&parsed.statement, returned).map_err(|fault| fault.at(parsed.place))
    });
    let lowered = lowered.collect::<Result<Vec<_>, _>>()?;
    if lowered.is_empty() && returned.is_some() {
        let message = "the function's last statement must give what it returns";
        return Err(Fault::new(sqlstate::INVALID_FUNCTION_DEFINITION, message).hint("end with select …, or with … returning …"));
    }
    Ok(lowered)
}
