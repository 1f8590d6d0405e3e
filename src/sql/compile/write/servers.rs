//! Statements of the server itself over the tables whose policies apps write.

use std::sync::Arc;

use super::super::context::{Compiled, Context};
use super::super::state::{Compiler, Done, Seen, emit};
use crate::sql::ast::{Expr, Statement};
use crate::sql::catalog::{Command, Relation};
use crate::sql::fault::Fault;
use crate::values::{Datum, Type};

/// A statement of the server itself, with its arguments put in. It may write to tables that apps only see; the caller's rights hold in
/// it as everywhere. Its rows are those of [`super::super::function()`].
///
/// # Errors
/// See [`super::super::statement()`].
pub fn servers(statement: &Statement, arguments: &[Expr], context: &Context<'_>) -> Result<Compiled, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.enter_servers(arguments)?;
    compiler.body_statement(statement, true)?;
    compiler.finish()
}

/// Whether the caller may insert a row, asked before it is: one row with `allowed`. `columns` are all that the table has.
///
/// # Errors
/// 42501 when the caller may insert none at all; see [`super::super::statement()`].
pub fn insertable(
    into: &Arc<Relation>,
    columns: &[(String, Type)],
    row: Vec<Datum>,
    context: &Context<'_>,
) -> Result<Compiled, Fault> {
    let mut compiler = Compiler::new(context);
    compiler.insertable(into, columns, row)?;
    compiler.finish()
}

impl Compiler<'_> {
    /// Whether the policies let a row be inserted that is not there.
    fn insertable(&mut self, relation: &Arc<Relation>, columns: &[(String, Type)], row: Vec<Datum>) -> Done {
        self.may_write(relation, Command::Insert)?;
        let alias = self.alias();
        let seen = Seen::Columns { alias: alias.clone(), relation: Some(Arc::clone(relation)), guarded: false, optional: false };
        let check = self.check(relation, Command::Insert, &seen)?.unwrap_or_else(|| "true".to_owned());
        emit!(self; "select ((", check, ") is true) as \"allowed\" from ")?;
        self.values(columns, &[row])?;
        emit!(self; " as ", alias)
    }
}
