//! The app's own migrations: files `<version>_<name>.sql` that are applied once each, in the order of their versions.
//!
//! ```text
//! folder, or the body of a request ── file (names, limits) ──→ plan (what was applied? what was changed since?) ──→ up
//! up: for each that is pending one transaction: its statements (data::migrate) and its row in plinth.app_migrations
//! ```
//!
//! # Invariants
//!
//! - A migration and its row are one transaction: after a crash it is applied wholly and is known to be, or it is not applied at all.
//! - Of two that apply at once, on whichever nodes, one waits: each migration runs once.
//! - What was applied is never run again, and a file that was changed since is refused rather than passed over.

mod check;
mod file;
mod folder;
mod plan;
mod up;

pub use check::{check, rehearse};
pub use file::{FileFault, MAX_MIGRATIONS, Migration, in_order};
pub use folder::{new_file, read};
pub use plan::{Entry, Plan, Record, State};
pub use up::{Error, Options, Report, Stopped};
