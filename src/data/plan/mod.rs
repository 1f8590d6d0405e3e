//! A request and the catalogue to statements: names looked up, values read as their columns' types, relationships followed, rights to
//! columns checked. Pure: no database, and the same request of the same role over the same catalogue gives the same statement.
//!
//! ```text
//! request::Query + relation ── read ──→ ast::Query: one row, the body as JSON text (and the count)
//! body, Prefer             ── write ──→ ast::Insert, Update, Delete, returning rows as JSON and whether the policies let them be
//! a function's arguments   ── call ───→ the function's statements with its arguments put in
//! ```
//!
//! # Invariants
//!
//! - What reaches a statement is a name of the catalogue, or a literal of a known type; nothing else of a request does.
//! - A column that the caller may not read is refused wherever it stands: selected, filtered, sorted, aggregated, joined by.
//! - Row policies are not here: `sql::compile` puts them beside every table.

mod call;
mod filter;
mod incoming;
mod looking;
mod outputs;
mod planner;
mod relationships;
mod scope;
mod select;
mod spread;
mod suggest;
mod typing;
mod write;

pub use call::{Call, Given, Gives};
pub use incoming::{Incoming, Purpose, values_of_row};
pub use looking::Referring;
pub use planner::{Planner, key};
pub use relationships::{Found, Relationship, Relationships, Way};
pub use write::{OnConflict, Shown};

use planner::{count_rows, text_of};
