//! Grants and row policies.

use serde::{Deserialize, Serialize};

/// A thing that may be granted on a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
}

/// To whom: one of the roles that a caller can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// Everybody.
    Public,
    Anon,
    Authenticated,
    ServiceRole,
}

/// `grant select (id, title) on … to authenticated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub grantee: Grantee,
    pub privilege: Privilege,
    /// `None` is every column, also those that are added later.
    pub columns: Option<Vec<String>>,
}

/// The command a policy is for; also what a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// `create policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub name: String,
    /// `false` is `as restrictive`.
    pub permissive: bool,
    pub command: Command,
    /// Empty is `public`.
    pub roles: Vec<Grantee>,
    /// Normalised text of the condition on rows that are there.
    pub using: Option<String>,
    /// Normalised text of the condition on rows as they become.
    pub with_check: Option<String>,
}
