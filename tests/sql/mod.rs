//! The portable subset of SQL.

mod lower;
