//! SQLite: one writer that commits for many at once, and a pool of readers.
//!
//! ```text
//! Db::write -> Job -> Writer (queue) -> begin, savepoint per job, commit -> answers
//! Db::read  -> Readers -> Lease
//! ```
//!
//! # Invariants
//!
//! - One connection writes. Nothing is answered before its COMMIT returned, and COMMIT returns after the fsync (`synchronous=FULL`).
//! - Every statement is stepped to its end: an `insert … returning` that is reset earlier keeps SQLite from its automatic checkpoint,
//!   and the WAL grows without bound.
//! - No memory map: a disk error under a map is a SIGBUS, which would end the server.

mod batch;
mod file;
mod functions;
mod handle;
mod job;
mod readers;
mod wal;
mod writer;

pub(super) use file::{Settings, Sqlite};
pub(super) use handle::Handle;
pub(super) use readers::Lease;
