//! The portable subset of SQL.

mod compile;
mod lower;
