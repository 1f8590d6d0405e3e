//! The typed tree to SQL text and bound values, for SQLite and for PostgreSQL.
//!
//! ```text
//! ast ─→ Compiler ─→ text with $1, $2 …    every literal and every value of the request is bound
//!           │         values
//!           ├─ Lowered   views, functions, defaults: put in the place of their names
//!           └─ Rights    each table as the caller may see it
//! ```
//!
//! Each piece that is put in (a view, a function's body, a policy) has source numbers of its own, so every source gets a fresh alias
//! `s1`, `s2`… in the statement. On PostgreSQL operators are its own, and every parameter says its type. On SQLite whatever means
//! something else there is one of the functions and collations `plinth_*` that `db` registers.
//!
//! # Invariants
//!
//! - The text holds keywords, names of the catalogue, quoted output names and placeholders: no value of a request.
//! - Statements of one shape have one text and bind the same kinds, so that prepared statements are found again. (A null is typed.)
//! - No table is reached but through [`Rights`], wherever it stands.

mod aggregate;
mod call;
mod cast;
mod context;
mod expr;
mod json;
mod literal;
mod operators;
mod query;
mod rows;
mod source;
mod state;
mod write;

pub use context::{Bindings, Compiled, Context, Lowered, Owner, Reach, Rights, RowPolicy};
pub use expr::{expression, expression_of, index_key};
pub use write::{insertable, servers};

use self::state::Compiler;
use super::ast::{Expr, Query, Statement};
use super::catalog::Function;
use super::fault::Fault;
use crate::db::Dialect;

/// A statement as the database runs it.
///
/// Columns of the type `json` are given as text on both databases. The columns of `returning` are not held against the caller's
/// rights, so that the server may ask for keys and for the results of checks: whoever shows them to a caller asks
/// [`Rights::may`] before.
///
/// # Errors
/// 42501 when the caller may not, 42P17 for policies that go round in a circle, 54000 and 54001 for statements that are too large or
/// too deep, 0A000 for what one of the databases cannot do.
pub fn statement(statement: &Statement, context: &Context<'_>) -> Result<Compiled, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.statement(statement)?;
    compiler.finish()
}

/// A query as the database runs it, see [`statement`].
///
/// # Errors
/// See [`statement`].
pub fn query(query: &Query, context: &Context<'_>) -> Result<Compiled, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.top_query(query)?;
    compiler.finish()
}

/// A query over what a statement of a function's body says, with the function's arguments put in, as the owner sees it.
///
/// # Errors
/// See [`statement`].
pub fn looking(query: &Query, function: &Function, arguments: &[Expr], context: &Context<'_>) -> Result<Compiled, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.enter_function(function, arguments)?;
    compiler.top_query(query)?;
    compiler.finish()
}

/// A query of one row with `body`, a text, and `total` when it counts, that on PostgreSQL does not send a body of more than so many
/// bytes: of a longer one comes more than that, for the server to refuse, but no more than four times as much.
#[must_use]
pub fn bounded(compiled: Compiled, dialect: Dialect, counts: bool, bytes: usize) -> Compiled {
    if dialect == Dialect::Sqlite {
        return compiled;
    }
    let total = if counts { ", b.total" } else { "" };
    let most = i32::try_from(bytes).unwrap_or(i32::MAX).saturating_add(1);
    let sql = format!("select left(b.body, {most}) as body{total} from ({}) as b", compiled.sql);
    Compiled { sql, ..compiled }
}

/// The statements of a function's body with its arguments put in, under the rights that the function runs with.
///
/// Each row that the last one gives has one column, `row`: a JSON object of its columns. A write's row has a second one, `allowed`:
/// unless that is true on each, the row breaks a policy and nothing may be kept (42501).
///
/// # Errors
/// 42501 when the caller may not call it; see [`statement`].
pub fn function(function: &Function, arguments: &[Expr], context: &Context<'_>) -> Result<Vec<Compiled>, Fault> {
    let body = Compiler::new(context).body_of(function)?;
    let last = body.len().saturating_sub(1);
    let compile = |(index, statement): (usize, &Statement)| {
        let mut compiler = Compiler::new(context);
        compiler.enter_function(function, arguments)?;
        compiler.body_statement(statement, index == last)?;
        compiler.finish()
    };
    body.iter().enumerate().map(compile).collect()
}
