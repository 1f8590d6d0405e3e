//! Storage's SQL.
//!
//! [`own`] are the statements that run with the caller's rights, by the compiler of policies; the others are the server's own.

pub(super) mod buckets;
pub(super) mod garbage;
pub(super) mod objects;
pub(super) mod own;
pub(super) mod uploads;

pub(super) use own::{Ask, Own, Statements, Value};
