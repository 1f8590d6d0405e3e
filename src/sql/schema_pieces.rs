//! Which views, policies and functions of a catalogue no longer lower.

use std::fmt;
use std::sync::Arc;

use super::catalog::{Catalog, Function, Name, Shape};
use super::lower::{self, Scope};
use super::schema::{keep_columns, lower_body};
use crate::values::Type;

/// Something that is made of other things.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    View(Name),
    /// A table and the policy's name.
    Policy(Name, String),
    Function(Arc<Function>),
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(name) => write!(f, "view {name}"),
            Self::Policy(table, policy) => write!(f, "policy {policy} on table {table}"),
            Self::Function(function) => write!(f, "function {}", function.name),
        }
    }
}

impl Piece {
    /// Takes it out.
    pub fn remove(&self, catalog: &mut Catalog) {
        match self {
            Self::View(name) => {
                catalog.remove_relation(name);
            }
            Self::Policy(table, policy) => {
                if let Some(mut relation) = catalog.relation(table).map(|relation| (**relation).clone()) {
                    if let Some(table) = relation.table_mut() {
                        table.policies.retain(|other| other.name != *policy);
                    }
                    catalog.put_relation(relation);
                }
            }
            Self::Function(function) => catalog.remove_function(function),
        }
    }
}

/// The pieces that cannot be lowered, since something they name is gone.
#[must_use]
pub fn broken(catalog: &Catalog) -> Vec<Piece> {
    let mut found = Vec::new();
    for relation in catalog.relations() {
        match &relation.shape {
            Shape::View(view) => {
                let lowered = lower::query_with(&view.text, catalog, &Scope::default());
                if lowered.and_then(|mut query| keep_columns(&mut query, relation)).is_err() {
                    found.push(Piece::View(relation.name.clone()));
                }
            }
            Shape::Table(table) => {
                let scope = Scope::row(relation).expecting(Type::Bool);
                for policy in &table.policies {
                    let mut texts = policy.using.iter().chain(&policy.with_check);
                    if texts.any(|text| lower::expression_with(text, catalog, &scope).is_err()) {
                        found.push(Piece::Policy(relation.name.clone(), policy.name.clone()));
                    }
                }
            }
        }
    }
    let functions = catalog.functions().filter(|function| lower_body(function, catalog).is_err());
    found.extend(functions.cloned().map(Piece::Function));
    found
}
