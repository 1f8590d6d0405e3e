//! Why a key-value store refused.

use crate::db;

/// What may go wrong with entries.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about the question is not as it must be: what, and what is allowed.
    #[error("{field} {message}")]
    Invalid { field: &'static str, message: String },
    #[error("the value of {0} is no whole number, so nothing can be added to it; set it to one, or delete it")]
    NoNumber(String),
    #[error("the sum for {0} would be beyond what a number holds (±9007199254740991)")]
    TooLarge(String),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What the verbs of stores return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
