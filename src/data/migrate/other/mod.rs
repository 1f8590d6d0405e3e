//! Statements beside those of tables, views and functions: rights, enumerations, what dumps begin with, `truncate`, triggers, and
//! what goes along with something that is dropped.

pub(super) mod depend;
pub(super) mod rights;
pub(super) mod statement;
pub(super) mod trigger;
pub(super) mod types;
