//! Statements in PostgreSQL's grammar that make or change an app's schema, on both databases.
//!
//! ```text
//! text ── parse ──→ change (of the catalogue) ──→ Schema::build: every policy, check, view and function still lowers
//!                        └── effect ──→ SQLite's or PostgreSQL's own definitions    ┐ one transaction
//!                   rows ── lower, compile ──→ SQL, as the service role             ┘
//! ```
//!
//! # Invariants
//!
//! - One text is one transaction: definitions, rows and the catalogue together, or nothing.
//! - Each statement sees what those before it made.
//! - What the portable subset lacks is refused on both databases, with what to write instead.
//! - On PostgreSQL native views, functions, policies and grants are there as documentation and as a second wall; requests never
//!   depend on them, so one that PostgreSQL refuses is left out, and a [`Notice`] says so.

mod alter;
mod change;
mod draft;
mod index;
mod object;
mod other;
mod postgres;
mod rename;
mod run;
mod shape;
mod sqlite;
mod table;
mod writer;

pub use run::{Applied, Error, MAX_TEXT_BYTES, Notice, Outcome, apply, apply_in, parse, parse_here};
pub use shape::{MAX_ANSWER_ROWS, Rehearsal};

use crate::sql::catalog::{ForeignKey, OnDelete};
use draft::{list, quoted, target};

/// A foreign key's definition, in the words of both databases.
fn foreign_key(key: &ForeignKey, postgres: bool) -> String {
    let mut text = format!(
        "constraint {} foreign key ({}) references {} ({})",
        quoted(&key.name),
        list(&key.columns),
        target(&key.references, postgres),
        list(&key.referenced_columns)
    );
    for (event, action) in [("delete", key.on_delete), ("update", key.on_update)] {
        let action = match action {
            OnDelete::NoAction => continue,
            OnDelete::Restrict => "restrict",
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set null",
            OnDelete::SetDefault => "set default",
        };
        text.push_str(&format!(" on {event} {action}"));
    }
    if key.deferrable {
        text.push_str(" deferrable initially deferred");
    }
    text
}
