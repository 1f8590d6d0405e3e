//! What can go wrong with a database, the same for SQLite and PostgreSQL.
//!
//! An error never shows a bound value: it may end in a log line, and values are secrets until proven otherwise. What the database said
//! with values is in [`Told`], behind a [`Secret`](crate::types::Secret), for the caller whose values they are.

mod postgres;
mod raised;
mod refusal;
mod sqlite;
mod told;
mod trouble;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

pub(super) use raised::Raised;
pub use refusal::Error;
pub use told::{Detail, Told};
pub(super) use trouble::Trouble;

/// What most functions here return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<sqlx::Error> for Error {
    fn from(err: sqlx::Error) -> Self {
        match err {
            sqlx::Error::Database(inner) => from_database(inner.as_ref()),
            sqlx::Error::RowNotFound => Self::NoRow,
            sqlx::Error::PoolTimedOut => Self::Busy("no connection became free in time".to_owned()),
            sqlx::Error::PoolClosed => Self::Unavailable("it is closed".to_owned()),
            sqlx::Error::WorkerCrashed => Self::Unavailable("its thread has ended".to_owned()),
            sqlx::Error::Io(inner) => Self::Unavailable(inner.to_string()),
            sqlx::Error::Tls(inner) => Self::Unavailable(format!("TLS: {inner}")),
            sqlx::Error::ColumnNotFound(column) => Self::column(column, "the statement does not return it"),
            sqlx::Error::Encode(_) => Self::column("(bound)", "a bound value cannot be sent to the database"),
            other => Self::Other(Detail::plain("sqlx", other.to_string())),
        }
    }
}

fn from_database(err: &dyn DatabaseError) -> Error {
    match err.try_downcast_ref::<PgDatabaseError>() {
        Some(err) => postgres::refusal(err),
        None => {
            let code = err.code().and_then(|code| code.parse().ok()).unwrap_or_default();
            sqlite::refusal(code, err.message())
        }
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn constraint_name(table: &str, columns: &[&str], primary: bool) -> String {
    let table = last_part(table);
    if primary { format!("{table}_pkey") } else { format!("{table}_{}_key", columns.join("_")) }
}
