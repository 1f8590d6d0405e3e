//! What a role may do with a table: grants, down to the column, and row policies.
//!
//! ```text
//! grant to the table or a column?  no ─→ 42501
//!          │ yes
//! row level security?              no ─→ every row
//!          │ yes
//! (one of the permissive policies) and (all of the restrictive ones) ─→ a condition on the row
//! ```
//!
//! `service_role` passes over all of it. What [`Caller`] says is put into each statement by [`crate::sql::compile`], next to the
//! table it is about, wherever that stands: in a view, in a function's body, in another policy.
//!
//! # Invariants
//!
//! - What nothing allows is refused: no grant is 42501, no permissive policy is no row.
//! - A condition that is null allows nothing.
//! - Which policies apply to which command, and to old or new rows, is as PostgreSQL has it ("Policies Applied by Command Type").

mod bindings;
mod caller;
mod grants;
mod rows;

pub use bindings::bindings;
pub use caller::{Caller, rights};
pub use grants::{ColumnSet, columns, may};
pub use rows::{check, visible};
