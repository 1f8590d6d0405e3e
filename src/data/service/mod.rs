//! Runs the data API's requests: one statement a read, one transaction a write.
//!
//! ```text
//! read   plan ── compile ──→ one statement: the rows as one JSON text, and the count
//! write  plan ── compile ──→ Db::write { the write, returning each row as JSON and whether the policies let it be
//!                                        [, what `select` says of those rows, where it has embeds or an order] }
//! ```
//!
//! What a write shows comes from the rows that the write itself gave, never from looking them up again: so it also works for tables
//! without a primary key and for rows that were deleted, and is in the body's order. Embeds of such rows are read after the write.
//!
//! # Invariants
//!
//! - A row that a policy refuses undoes the whole write.
//! - A write's closure awaits only its transaction, and begins from the same values each time.
//! - Reads and writes alike have a deadline and a size: see [`transaction::Limits`].
//! - Both databases refuse with the same code and words, outside the list in `docs/data.md`.

mod answer;
mod call;
mod change;
mod describe;
mod explain;
mod handle;
mod insert;
mod json;
mod model;
mod plans;
mod run;
mod transaction;

pub use handle::{Current, DataService};
pub use model::{Answer, Caller, Shape, Wants};
