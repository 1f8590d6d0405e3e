//! What a statement is compiled with: the database's kind, the schema, the caller's values and rights.

use std::sync::Arc;

use uuid::Uuid;

use crate::db::{Dialect, Value};
use crate::sql::ast::{Expr, Param, Query, Statement};
use crate::sql::catalog::{Command, Function, Grantee, Name, Privilege, Relation};
use crate::sql::fault::Fault;
use crate::sql::indexes::LoweredIndex;
use crate::types::Timestamp;

/// What a statement is compiled with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub dialect: Dialect,
    pub schema: &'a dyn Lowered,
    pub bindings: &'a Bindings,
    pub rights: &'a dyn Rights,
}

/// The values that a request brings, for [`crate::sql::ast::Param`].
#[derive(Clone, Debug)]
pub struct Bindings {
    /// `auth.uid()`: nothing unless a user is signed in.
    pub uid: Option<Uuid>,
    /// `auth.role()`: `anon`, `authenticated` or `service_role`.
    pub role: String,
    /// `auth.jwt()`: the claims that users cannot edit.
    pub jwt: serde_json::Value,
    /// `auth.email()`.
    pub email: Option<String>,
    /// `now()`.
    pub now: Timestamp,
}

/// SQL text, and the values of `$1`, `$2`… in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    pub sql: String,
    pub values: Vec<Value>,
    /// Which of the values came from [`Bindings`], by their places from 0: all that differs when the same is asked for again.
    pub bound: Vec<(usize, Param)>,
}

impl Compiled {
    /// The same for a request with other bindings.
    #[must_use]
    pub fn with(&self, bindings: &Bindings) -> Self {
        let mut same = self.clone();
        for (place, param) in &self.bound {
            if let Some(value) = same.values.get_mut(*place) {
                *value = bindings.value(param);
            }
        }
        same
    }
}

/// The lowered pieces of a schema.
pub trait Lowered: Sync {
    /// A table or view.
    fn relation(&self, name: &Name) -> Option<&Arc<Relation>>;

    /// A view's query.
    fn view(&self, name: &Name) -> Option<&Arc<Query>>;

    /// A table's row policies; the row is the source 0.
    fn policies(&self, name: &Name) -> &[RowPolicy];

    /// What a column gets when a row does not say.
    fn default_of(&self, name: &Name, column: &str) -> Option<&Expr>;

    /// A table's indexes, but for those that only PostgreSQL has.
    fn indexes(&self, name: &Name) -> &[LoweredIndex];

    /// The statements of a function's body.
    fn body(&self, function: &Function) -> Option<&[Statement]>;
}

/// `create policy`, lowered.
#[derive(Clone, Debug, PartialEq)]
pub struct RowPolicy {
    pub name: String,
    /// `false` is `as restrictive`.
    pub permissive: bool,
    pub command: Command,
    /// Empty is `public`.
    pub roles: Vec<Grantee>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

/// Which rows of a relation a command reaches.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    Everything,
    /// Those for which this is true; the row is the source 0.
    Where(Expr),
    Denied(Fault),
}

/// What a caller may do.
pub trait Rights: Sync {
    /// The rows that are there and that a command reaches.
    fn rows(&self, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach;

    /// What must be true of rows that an insert or an update makes.
    fn check(&self, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach;

    /// Whether a column may be used so.
    fn may(&self, relation: &Relation, privilege: Privilege, column: &str) -> bool;

    /// Whether a function may be called.
    fn may_call(&self, function: &Function) -> bool;
}

/// Everything is allowed: the server itself, `service_role`, and the inside of functions that are `security definer`.
#[derive(Clone, Copy, Debug)]
pub struct Owner;

impl Rights for Owner {
    fn rows(&self, _: &dyn Lowered, _: &Relation, _: Command) -> Reach {
        Reach::Everything
    }

    fn check(&self, _: &dyn Lowered, _: &Relation, _: Command) -> Reach {
        Reach::Everything
    }

    fn may(&self, _: &Relation, _: Privilege, _: &str) -> bool {
        true
    }

    fn may_call(&self, _: &Function) -> bool {
        true
    }
}
