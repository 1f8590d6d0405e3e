//! Indexes by what they are over, so that conditions can be recognised that they serve.
//!
//! A database finds by itself that an index over a column serves a condition on it. On SQLite the rest is said to it: an expression
//! must be written as the index has it, and the words of a text are in a table of their own (FTS5), which is asked first.

use std::sync::Arc;

use sqlparser::ast as parsed;

use super::ast::{Expr, Node, SourceId};
use super::catalog::{Catalog, Index, Relation};
use super::fault::Fault;
use super::lower::{self, Scope};
use crate::values::{Family, Type};

/// An index, lowered. Its expressions see the table's row as source 0.
#[derive(Clone, Debug, PartialEq)]
pub struct LoweredIndex {
    pub name: String,
    pub over: Over,
}

/// What an index is over.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// Columns and expressions, in order.
    Values(Vec<Expr>),
    /// The words of a text: `using gin (to_tsvector('simple', text))`, or of a `tsvector`. Every configuration reads as `simple`.
    Words(Expr),
}

impl LoweredIndex {
    /// Lowers an index. `None` for one of a kind that only PostgreSQL has.
    ///
    /// # Errors
    /// What its expressions cannot mean.
    pub fn of(index: &Index, relation: &Arc<Relation>, catalog: &Catalog) -> Result<Option<Self>, Fault> {
        let parsed::Statement::CreateIndex(create) = lower::parse_statement(&index.text)? else { return Ok(None) };
        let over = match (&create.using, &*create.columns) {
            (None | Some(parsed::IndexType::BTree | parsed::IndexType::Hash), columns) => {
                let scope = Scope::row(relation);
                let keys = columns.iter().map(|key| lower::expression_with(&key.column.expr.to_string(), catalog, &scope));
                Over::Values(keys.collect::<Result<_, _>>()?)
            }
            (Some(parsed::IndexType::GIN | parsed::IndexType::GiST), [only]) if index.words => {
                let (text, scope) = match lower::document(&only.column.expr) {
                    Some(document) => (document, Scope::row(relation).expecting(Type::Text)),
                    None => (&only.column.expr, Scope::row(relation)),
                };
                Over::Words(lower::expression_with(&text.to_string(), catalog, &scope)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { name: index.name.clone(), over }))
    }

    /// The name of the table of words that stands for it on SQLite.
    #[must_use]
    pub fn words_table(&self) -> String {
        words_table(&self.name)
    }
}

/// The name of the table of words that stands for an index on SQLite, if it has one.
#[must_use]
pub fn words_table(index: &str) -> String {
    format!("plinth_fts_{index}")
}

/// What the number of a row is called on SQLite, for a table of words to keep it. `None` where no number stays with a row: without
/// any key, rows are numbered anew when the file is made smaller, and columns may take all its names.
#[must_use]
pub fn row_number(relation: &Relation) -> Option<&'static str> {
    let table = relation.table()?;
    let has_key = table.primary_key.is_some() || !table.uniques.is_empty();
    let is_free = |name: &&str| !relation.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| has_key && is_free(name))
}

/// The source whose row an expression is of, when it is the expression that an index is over.
#[must_use]
pub fn row_of(expr: &Expr, key: &Expr) -> Option<SourceId> {
    let mut row = None;
    (is_same(expr, key, &mut row)).then_some(row)?
}

/// Whether two expressions are the same, with one source in the place of source 0.
fn is_same(expr: &Expr, key: &Expr, row: &mut Option<SourceId>) -> bool {
    let (expr, key) = (bared(expr), bared(key));
    let mut all = |left: &[Expr], right: &[Expr]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right, row))
    };
    match (&expr.node, &key.node) {
        (Node::Column(source, name), Node::Column(_, other)) => name == other && *row.get_or_insert(*source) == *source,
        (Node::Literal(left), Node::Literal(right)) => left == right && expr.ty == key.ty,
        (Node::Not(left), Node::Not(right))
        | (Node::Negate(left), Node::Negate(right))
        | (Node::IsNull(left), Node::IsNull(right)) => is_same(left, right, row),
        (Node::Cast(left), Node::Cast(right)) => expr.ty == key.ty && is_same(left, right, row),
        (Node::Binary(one, left, right), Node::Binary(other, left_key, right_key)) => {
            one == other && is_same(left, left_key, row) && is_same(right, right_key, row)
        }
        (Node::Call(one, left), Node::Call(other, right)) => one == other && expr.ty == key.ty && all(left, right),
        (Node::And(left), Node::And(right)) | (Node::Or(left), Node::Or(right)) => all(left, right),
        _ => false,
    }
}

/// An expression without casts that change nothing.
fn bared(expr: &Expr) -> &Expr {
    match &expr.node {
        Node::Cast(inner) if expr.ty == Type::Text && inner.ty.family() == Family::Text && !matches!(inner.ty, Type::Char(_)) => {
            bared(inner)
        }
        _ => expr,
    }
}
