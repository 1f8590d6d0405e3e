//! Grants.

use std::collections::BTreeSet;

use crate::sql::catalog::{Grant, Grantee, Privilege, Relation};

/// Columns that a role may use in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnSet {
    All,
    Only(BTreeSet<String>),
}

impl ColumnSet {
    /// Whether a column is among them.
    #[must_use]
    pub fn contains(&self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(columns) => columns.contains(column),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Only(columns) if columns.is_empty())
    }
}

/// The columns of a relation that a role may use so. For [`Privilege::Delete`], which knows no columns, all or none.
#[must_use]
pub fn columns(role: Grantee, relation: &Relation, privilege: Privilege) -> ColumnSet {
    if role == Grantee::ServiceRole {
        return ColumnSet::All;
    }
    let mut only = BTreeSet::new();
    for grant in of(role, relation, privilege) {
        match &grant.columns {
            None => return ColumnSet::All,
            Some(columns) => only.extend(columns.iter().cloned()),
        }
    }
    ColumnSet::Only(only)
}

/// Whether a role may use a column so.
#[must_use]
pub fn may(role: Grantee, relation: &Relation, privilege: Privilege, column: &str) -> bool {
    let names = |grant: &Grant| grant.columns.as_ref().is_none_or(|columns| columns.iter().any(|name| name == column));
    role == Grantee::ServiceRole || of(role, relation, privilege).any(names)
}

/// Whether a role may use a relation so at all, be it one column of it.
pub(super) fn may_at_all(role: Grantee, relation: &Relation, privilege: Privilege) -> bool {
    role == Grantee::ServiceRole || of(role, relation, privilege).next().is_some()
}

fn of(role: Grantee, relation: &Relation, privilege: Privilege) -> impl Iterator<Item = &Grant> {
    let to = move |grant: &&Grant| grant.privilege == privilege && (grant.grantee == role || grant.grantee == Grantee::Public);
    relation.grants.iter().filter(to)
}
