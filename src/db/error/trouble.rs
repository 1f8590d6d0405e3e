//! What an error means for a transaction.

use sqlx::postgres::PgDatabaseError;

use super::Raised;
use super::sqlite::primary_code;

/// What an error means for the transaction it happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Trouble {
    /// The statement failed, and nothing else.
    Failed,
    /// PostgreSQL asks that the transaction be run again (serialization failure, deadlock).
    Retry,
    /// SQLite may have rolled the whole transaction back by itself; what follows would run outside it.
    Lost,
    /// The operation was ended because it took too long, which takes the transaction down too.
    TooLong,
    /// A statement was ended at the operation's own deadline, which took the transaction down. Run again, it would be again.
    Ended,
}

impl Trouble {
    pub(in crate::db) fn of(raised: &Raised) -> Self {
        match raised {
            Raised::Sqlx(err) => Self::of_sqlx(err),
            Raised::Sqlite { code, .. } => Self::of_sqlite(*code),
            Raised::Deadline => Self::Ended,
            Raised::Limit => Self::TooLong,
        }
    }

    pub(in crate::db) fn of_sqlx(err: &sqlx::Error) -> Self {
        let Some(err) = err.as_database_error() else { return Self::Lost };
        let code = err.code().unwrap_or_default();
        if err.try_downcast_ref::<PgDatabaseError>().is_some() {
            return if matches!(code.as_ref(), "40001" | "40P01") { Self::Retry } else { Self::Failed };
        }
        Self::of_sqlite(code.parse().unwrap_or_default())
    }

    fn of_sqlite(code: i32) -> Self {
        // https://sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"
        if matches!(primary_code(code), 5 | 7 | 9 | 10 | 13) { Self::Lost } else { Self::Failed }
    }
}
