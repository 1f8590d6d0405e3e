//! Statements that write.
//!
//! Rows that are there are reached through the caller's policies. Whether rows as they become are allowed is a column of what is
//! returned, since it is known only then: in a function's body it is added here, elsewhere by who builds the statement.
//!
//! The table is called by its own name on SQLite, whose `returning` knows no alias, and no other source is.

mod change;
mod insert;
mod parts;
mod servers;

pub use servers::{insertable, servers};
