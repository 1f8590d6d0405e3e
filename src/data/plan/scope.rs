//! What a request's names are looked up in: the columns of one source of rows, and which of them the caller may read.

use crate::data::{Error, Result};
use crate::sql::ast::{Builtin, Expr, Node, Operator, SourceId};
use crate::sql::catalog::{Name, Relation};
use crate::values::{Datum, Type};

use super::super::request::{Arrow, Field, JsonKey, JsonStep};

/// The columns of a source.
#[derive(Clone, Debug)]
pub(super) struct Scope<'a> {
    pub id: SourceId,
    /// What errors call it.
    pub label: &'a str,
    /// Where relationships begin; `None` for rows that are of no relation.
    pub origin: Option<&'a Name>,
    pub columns: Vec<Seen<'a>>,
}

/// A column and whether the caller may read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub name: &'a str,
    pub ty: &'a Type,
    pub readable: bool,
}

impl<'a> Scope<'a> {
    /// A relation's columns, with what `readable` says of each.
    pub(super) fn of_relation(id: SourceId, relation: &'a Relation, readable: impl Fn(&str) -> bool) -> Self {
        let seen =
            relation.columns.iter().map(|column| Seen { name: &column.name, ty: &column.ty, readable: readable(&column.name) });
        Self { id, label: &relation.name.name, origin: Some(&relation.name), columns: seen.collect() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// A column that the caller names.
    ///
    /// # Errors
    /// 42703 when there is none; 42501 when it may not be read. To a caller who may not read some column both are 42501, so that nobody
    /// learns which of those are there. (PostgreSQL looks names up before rights.)
    pub(super) fn column(&self, name: &str) -> Result<Expr> {
        match self.columns.iter().find(|column| column.name == name) {
            Some(column) if column.readable => Ok(self.at(column.name, column.ty)),
            None if self.columns.iter().all(|column| column.readable) => Err(Error::no_column(self.label, name)),
            _ => Err(Error::permission_denied(self.label)),
        }
    }

    /// A column that the server itself joins by, whatever the caller may read.
    pub(super) fn own(&self, name: &str) -> Result<Expr> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.map(|column| self.at(column.name, column.ty)).ok_or_else(|| Error::no_column(self.label, name))
    }

    /// Every column, as `*` means it.
    pub(super) fn all(&self) -> Result<Vec<(&'a str, Expr)>> {
        self.columns
            .iter()
            .map(|column| {
                let denied = (!column.readable).then(|| Error::permission_denied(self.label));
                denied.map_or_else(|| Ok((column.name, self.at(column.name, column.ty))), Err)
            })
            .collect()
    }

    /// A column with the steps into it. What is no JSON is shown as JSON first.
    pub(super) fn field(&self, field: &Field) -> Result<Expr> {
        self.path(&field.name, &field.path)
    }

    pub(super) fn path(&self, name: &str, path: &[JsonStep]) -> Result<Expr> {
        let column = self.column(name)?;
        if path.is_empty() {
            return Ok(column);
        }
        let is_json = matches!(column.ty, Type::Json | Type::Jsonb);
        let start = if is_json { column } else { Expr { node: Node::Call(Builtin::ToJsonb, vec![column]), ty: Type::Jsonb } };
        path.iter().try_fold(start, into)
    }

    fn at(&self, name: &str, ty: &Type) -> Expr {
        Expr { node: Node::Column(self.id, name.to_owned()), ty: ty.clone() }
    }
}

/// One step.
fn into(from: Expr, step: &JsonStep) -> Result<Expr> {
    let (operator, ty, sign) = match step.arrow {
        Arrow::Json => (Operator::JsonGet, from.ty.clone(), "->"),
        Arrow::Text => (Operator::JsonGetText, Type::Text, "->>"),
    };
    if !matches!(from.ty, Type::Json | Type::Jsonb) {
        return Err(no_operator(&from.ty, sign, None));
    }
    let key = match &step.key {
        JsonKey::Key(key) => literal(Type::Text, Datum::Text(key.clone())),
        JsonKey::Index(index) => literal(Type::Int4, Datum::Int((*index).clamp(i32::MIN.into(), i32::MAX.into()))),
    };
    Ok(Expr { node: Node::Binary(operator, Box::new(from), Box::new(key)), ty })
}

/// What a path is called in the answer: the last key of it, or the column when there are only places.
pub(super) fn key_of<'a>(name: &'a str, path: &'a [JsonStep]) -> &'a str {
    let last = path.iter().rev().find_map(|step| match &step.key {
        JsonKey::Key(key) => Some(key.as_str()),
        JsonKey::Index(_) => None,
    });
    last.unwrap_or(name)
}

pub(super) const fn literal(ty: Type, datum: Datum) -> Expr {
    Expr { node: Node::Literal(datum), ty }
}

pub(super) const fn boolean(node: Node) -> Expr {
    Expr { node, ty: Type::Bool }
}

/// All of these; `None` when there are none.
pub(super) fn all_of(mut conditions: Vec<Expr>) -> Option<Expr> {
    match conditions.len() {
        0 | 1 => conditions.pop(),
        _ => Some(boolean(Node::And(conditions))),
    }
}

/// 42883, in PostgreSQL's words; its hint follows its own rule.
pub(super) fn no_operator(left: &Type, sign: &str, right: Option<&Type>) -> Error {
    let right = right.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    Error::new("42883", format!("operator does not exist: {} {sign} {right}", left.bare()))
        .hint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}
