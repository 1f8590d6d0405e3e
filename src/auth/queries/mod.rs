//! Auth's SQL, one file a table.

pub(super) mod identities;
pub(super) mod keys;
pub(super) mod sessions;
pub(super) mod users;

use crate::db;

/// A column that holds what the server never writes there.
fn unreadable(column: &'static str) -> db::Error {
    db::Error::Column { column: column.to_owned(), reason: "the server never writes such a value".to_owned() }
}
