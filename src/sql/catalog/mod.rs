//! What the app's schema consists of: plain data, kept by the server itself on both databases.
//!
//! Expressions are kept as text in PostgreSQL's grammar, normalised, and lowered when they are needed: [`super::ast`] may change from
//! one version of the server to the next, the text may not.

mod enumeration;
mod function;
mod name;
mod relation;
mod rights;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use enumeration::is_of;
pub use function::{Argument, Function, Returns, Security, Volatility};
pub use name::Name;
pub use relation::{
    Check, Column, Default, ForeignKey, Generated, Index, Key, OnDelete, Relation, Shape, Table, Touch, View, ViewColumn,
};
pub use rights::{Command, Grant, Grantee, Policy, Privilege};

/// Every relation and function of an app, at one version. Immutable: a migration makes the next one.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Counts migrations that changed it; the same on every node.
    pub version: i64,
    relations: BTreeMap<Name, Arc<Relation>>,
    /// By name; several when the arguments differ.
    functions: BTreeMap<Name, Vec<Arc<Function>>>,
    /// In `public`, by name.
    enumerations: BTreeMap<String, crate::values::Enum>,
}

impl Catalog {
    /// A table or view.
    #[must_use]
    pub fn relation(&self, name: &Name) -> Option<&Arc<Relation>> {
        self.relations.get(name)
    }

    /// All tables and views, by name.
    pub fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values()
    }

    /// The functions of a name; empty when there is none.
    #[must_use]
    pub fn functions_named(&self, name: &Name) -> &[Arc<Function>] {
        self.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values().flatten()
    }

    /// Adds a relation, or puts it in the place of the one with its name.
    pub fn put_relation(&mut self, relation: Relation) {
        self.relations.insert(relation.name.clone(), Arc::new(relation));
    }

    /// Takes a relation out.
    pub fn remove_relation(&mut self, name: &Name) -> Option<Arc<Relation>> {
        self.relations.remove(name)
    }

    /// Adds a function, or puts it in the place of the one with its name and argument types.
    pub fn put_function(&mut self, function: Function) {
        let same = self.functions.entry(function.name.clone()).or_default();
        same.retain(|other| !other.has_same_arguments(&function));
        same.push(Arc::new(function));
    }

    /// Takes a function out.
    pub fn remove_function(&mut self, function: &Function) {
        if let Some(same) = self.functions.get_mut(&function.name) {
            same.retain(|other| !other.has_same_arguments(function));
        }
        self.functions.retain(|_, same| !same.is_empty());
    }
}
