//! What the database said.

use crate::types::Secret;

/// What the database said, without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Detail {
    /// PostgreSQL's SQLSTATE, or SQLite's extended result code.
    pub code: String,
    pub message: String,
    /// Where in the statement, in characters from 1; PostgreSQL alone tells.
    pub position: Option<usize>,
    /// The same with values.
    pub told: Box<Told>,
}

/// What the database said in PostgreSQL's words, with values: for the caller who sent them, and for no log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// PostgreSQL's SQLSTATE on both databases, but SQLite's extended result code for what only SQLite says.
    pub code: String,
    pub message: Secret<String>,
    /// `Key (email)=(…) already exists.`; SQLite has none.
    pub details: Secret<Option<String>>,
    pub hint: Secret<Option<String>>,
    /// The columns of a unique constraint, or the one that must not be null.
    pub columns: Vec<String>,
}

impl Told {
    /// A message alone.
    pub(in crate::db) fn new(code: impl Into<String>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { code: code.into(), message: Secret::new(message.into()), ..Self::default() })
    }

    pub(super) fn with_columns(mut self: Box<Self>, columns: &[&str]) -> Box<Self> {
        self.columns = columns.iter().map(|name| (*name).to_owned()).collect();
        self
    }
}

impl Detail {
    /// What was said, which has no values.
    pub(in crate::db) fn plain(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { told: Told::new(code.clone(), message.clone()), code, message, position: None }
    }

    /// What was said, which quotes values.
    pub(super) fn quoting(code: &str, message: &str) -> Self {
        Self { told: Told::new(code, message), ..Self::plain(code, without_quoted(message)) }
    }
}

/// Replaces everything between double quotes, the first to the last, by `…`.
fn without_quoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}\"…{}", &message[..first], &message[last..]),
        _ => message.to_owned(),
    }
}
