//! Brings the server's own schema up to date.
//!
//! A migration is a file for each database, with the same number and name, taken into the program by `files`. It belongs to the
//! app's database, or, when its first line is `-- database: system`, to the system database (on PostgreSQL that is the same one).
//! What was applied stands in `plinth.migrations` with a checksum: a file that is changed afterwards is refused, and so is a database
//! that a newer program has written to.
//!
//! Each migration is one transaction. On PostgreSQL an advisory lock keeps nodes that start together from colliding; on SQLite the
//! data folder belongs to one server.

mod files;
mod plan;
mod run;

pub use files::{MIGRATIONS, Migration};
pub(super) use run::run;
