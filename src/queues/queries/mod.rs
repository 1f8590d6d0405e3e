//! The SQL of queues, in the system database.

pub(super) mod messages;
pub(super) mod queues;

use crate::db;

/// A column that holds what the server never writes there.
fn unreadable(column: &'static str) -> db::Error {
    db::Error::Column { column: column.to_owned(), reason: "the server never writes such a value".to_owned() }
}
