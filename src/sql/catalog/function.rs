//! Functions `language sql`: statements kept under a name, for RPC and for expressions. And those of triggers, which are in plpgsql.

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::relation::Default as Expression;
use super::rights::Grantee;
use crate::values::Type;

/// `create function … language sql`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: Name,
    pub arguments: Vec<Argument>,
    pub returns: Returns,
    pub volatility: Volatility,
    pub security: Security,
    /// Whether a null argument gives null without running it (`strict`).
    pub strict: bool,
    /// The statements' normalised text; the last one answers.
    pub body: String,
    /// Who may call it; PostgreSQL's default is `[Public]`.
    pub execute: Vec<Grantee>,
    pub comment: Option<String>,
}

/// An argument, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Empty when it has none; then the body says `$1`.
    pub name: String,
    #[serde(rename = "type")]
    pub ty: Type,
    pub default: Option<Expression>,
    pub variadic: bool,
}

/// What a function answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    Void,
    Scalar(Type),
    SetOfScalar(Type),
    /// One row of a relation.
    Row(Name),
    /// `setof todos`.
    SetOfRow(Name),
    /// `returns table (a int, b text)`.
    Table(Vec<(String, Type)>),
    /// `returns trigger`: nothing that is called; the columns it sets to the moment.
    Trigger(Vec<String>),
}

/// Whether it may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    Immutable,
    Stable,
    #[default]
    Volatile,
}

/// With whose rights it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Those of who calls it.
    #[default]
    Invoker,
    /// The owner's: policies and grants do not apply inside.
    Definer,
}

impl Function {
    /// Whether triggers execute it and nobody calls it.
    #[must_use]
    pub const fn is_for_triggers(&self) -> bool {
        matches!(self.returns, Returns::Trigger(_))
    }

    /// Whether both have the same argument types, so that one replaces the other.
    #[must_use]
    pub fn has_same_arguments(&self, other: &Self) -> bool {
        self.arguments.iter().map(|argument| argument.ty.bare()).eq(other.arguments.iter().map(|argument| argument.ty.bare()))
    }
}
