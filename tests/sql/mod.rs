//! The portable subset of SQL.

mod compile;
