//! Enumerations: `create type … as enum`. What is of one has its labels with it, so a change of the type is one of all of them.

use std::sync::Arc;

use super::{Catalog, Returns};
use crate::values::{Enum, Type};

impl Catalog {
    /// `create type … as enum`, by its name.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<&Enum> {
        self.enumerations.get(name)
    }

    /// All enumerations, by name.
    pub fn enumerations(&self) -> impl Iterator<Item = &Enum> {
        self.enumerations.values()
    }

    /// Adds an enumeration, or puts it in the place of the one with its name, also where columns and functions are of it.
    pub fn put_enumeration(&mut self, of: Enum) {
        self.retype(&of.name, &of);
        self.enumerations.insert(of.name.clone(), of);
    }

    /// Gives an enumeration another name.
    pub fn rename_enumeration(&mut self, old: &str, new: &str) {
        if let Some(of) = self.enumerations.remove(old) {
            let of = Enum { name: new.to_owned(), ..of };
            self.retype(old, &of);
            self.enumerations.insert(new.to_owned(), of);
        }
    }

    /// Takes an enumeration out.
    pub fn remove_enumeration(&mut self, name: &str) {
        self.enumerations.remove(name);
    }

    /// The labels that the transaction added may be used from now on.
    pub fn settle_enumerations(&mut self) {
        let fresh = self.enumerations.values().filter(|of| !of.fresh.is_empty()).cloned().collect::<Vec<_>>();
        for of in fresh {
            self.put_enumeration(Enum { fresh: Vec::new(), ..of });
        }
    }

    fn retype(&mut self, name: &str, of: &Enum) {
        for relation in self.relations.values_mut() {
            if relation.columns.iter().any(|column| is_of(&column.ty, name)) {
                for column in &mut Arc::make_mut(relation).columns {
                    retyped(&mut column.ty, name, of);
                }
            }
        }
        for function in self.functions.values_mut().flatten() {
            let function = Arc::make_mut(function);
            function.arguments.iter_mut().for_each(|argument| retyped(&mut argument.ty, name, of));
            match &mut function.returns {
                Returns::Scalar(ty) | Returns::SetOfScalar(ty) => retyped(ty, name, of),
                Returns::Table(columns) => columns.iter_mut().for_each(|(_, ty)| retyped(ty, name, of)),
                Returns::Void | Returns::Row(_) | Returns::SetOfRow(_) | Returns::Trigger(_) => {}
            }
        }
    }
}

/// Whether a type is an enumeration, or an array of it.
#[must_use]
pub fn is_of(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Enum(of) => of.name == name,
        Type::Array(element) => is_of(element, name),
        _ => false,
    }
}

fn retyped(ty: &mut Type, name: &str, new: &Enum) {
    match ty {
        Type::Enum(of) if of.name == name => **of = new.clone(),
        Type::Array(element) => retyped(element, name, new),
        _ => {}
    }
}
