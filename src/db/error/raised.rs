//! What a statement failed with, as its driver says it.

use super::{Error, sqlite};

/// An error of a driver.
#[derive(Debug)]
pub(in crate::db) enum Raised {
    Sqlx(sqlx::Error),
    /// SQLite's own: the extended code and the message.
    Sqlite {
        code: i32,
        message: String,
    },
    /// The statement was ended at its deadline.
    Deadline,
    /// It was ended because the operation that it is part of took too long.
    Limit,
}

impl From<sqlx::Error> for Raised {
    fn from(err: sqlx::Error) -> Self {
        Self::Sqlx(err)
    }
}

impl From<Raised> for Error {
    fn from(raised: Raised) -> Self {
        match raised {
            Raised::Sqlx(err) => err.into(),
            Raised::Sqlite { code, message } => sqlite::refusal(code, &message),
            Raised::Deadline => Self::Deadline,
            Raised::Limit => Self::Busy("the operation took too long".to_owned()),
        }
    }
}
