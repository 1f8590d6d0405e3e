//! The portable subset of SQL: PostgreSQL's grammar and meaning, on both databases.
//!
//! ```text
//! text in PostgreSQL's grammar ── lower ──┐
//!                                         ├─→ ast (typed, names resolved) ── compile ──→ SQL text + bound values, for one dialect
//! a request of the data API ── data::plan ┘
//! ```
//!
//! Policies, checks, defaults, views, functions, `/admin/v1/sql` and the data API's requests all go through the one [`ast`], so each
//! means the same wherever it stands.

pub mod ast;
pub mod catalog;
pub mod compile;
mod fault;
pub mod indexes;
pub mod lower;
mod origin;
mod schema;
pub mod schema_pieces;
mod system;
pub mod walk;

pub use fault::{Fault, Place, sqlstate};
pub use schema::{LoweredCheck, Schema};
pub use system::{buckets, objects};
