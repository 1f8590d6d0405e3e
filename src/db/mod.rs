//! The server's databases: SQLite in the data folder, or PostgreSQL.
//!
//! Every feature's `queries/` takes a `&mut `[`Conn`] and one SQL text that runs on both. Reads come from [`Db::read`]. Writes go
//! through [`Db::write`], a closure that can be run again and awaits only its transaction:
//!
//! ```text
//! SQLite      many closures → one queue → one transaction, a savepoint each → one fsync → the answers
//! PostgreSQL  a transaction each on this runtime's pool; run again on serialization failures and deadlocks
//! ```
//!
//! # Invariants
//!
//! - `Ok` from [`Db::write`] means that it is on the disk.
//! - One operation's failure, panic or slowness costs itself alone: its neighbours in a transaction are committed.
//! - Values are always bound, and are in no error and no log line.
//! - Only this module knows `sqlx`, and only `conn` and `codec` look which database it is; what truly differs in SQL is named in
//!   [`Dialect`].
//! - A data folder belongs to one server at a time.

mod codec;
mod conn;
mod databases;
mod dialect;
mod error;
mod folder;
mod handle;
mod migrate;
pub mod names;
mod postgres;
mod row;
mod sqlite;
mod value;

use std::pin::Pin;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub use conn::{Conn, Query, Tx};
pub use databases::Databases;
pub use dialect::Dialect;
pub use error::{Detail, Error, Result, Told};
pub use handle::Db;
pub use migrate::{MIGRATIONS, Migration};
pub use postgres::Listener;
pub use row::{Column, FromRow, Row};
pub use value::{Kind, Typed, Value};

/// A future that can be sent, as [`Db::write`]'s closure returns it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Says what each metric of this module is, once the recorder is there.
fn describe_metrics() {
    describe_counter!("plinth_db_reruns_total", "Writes run again after PostgreSQL found them in conflict with others");
    describe_counter!("plinth_db_replays_total", "Shared SQLite transactions that failed, so that each write was run alone");
    describe_counter!("plinth_db_commits_total", "SQLite transactions committed");
    describe_histogram!("plinth_db_commit_duration_seconds", Unit::Seconds, "A COMMIT, with its wait for the disk");
    describe_histogram!("plinth_db_commit_operations", "Writes that shared one SQLite transaction");
    describe_gauge!("plinth_db_write_queue", "Writes waiting for SQLite's writer");
    describe_gauge!("plinth_db_wal_bytes", Unit::Bytes, "SQLite's write-ahead log");
}
