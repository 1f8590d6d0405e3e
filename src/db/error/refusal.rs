//! The kinds of refusal.

use std::fmt::Display;
use std::path::PathBuf;

use super::{Detail, Told};

/// Why the database refused. Knows nothing of HTTP.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`crate::db::Query::fetch_one`] found nothing.
    #[error("no row was found where there must be one")]
    NoRow,
    /// A row with these values exists already.
    ///
    /// `constraint` follows PostgreSQL's naming on both databases: `users_pkey`, `users_email_key`, `memberships_team_id_user_id_key`;
    /// an index over an expression goes by its own name. `table` is as SQL text has it, such as `auth.users`.
    #[error("the row exists already ({})", constraint.as_deref().unwrap_or("a unique constraint"))]
    Unique { table: Option<String>, constraint: Option<String>, told: Box<Told> },
    /// A row that is referred to does not exist, or a row is still referred to. SQLite does not tell which.
    #[error("a foreign key does not hold ({})", constraint.as_deref().unwrap_or("unnamed"))]
    ForeignKey { table: Option<String>, constraint: Option<String>, told: Box<Told> },
    /// A `check` does not hold.
    #[error("a check does not hold ({})", constraint.as_deref().unwrap_or("unnamed"))]
    Check { table: Option<String>, constraint: Option<String>, told: Box<Told> },
    /// A column that must have a value has none.
    #[error("a column that must have a value has none ({})", column.as_deref().unwrap_or("unnamed"))]
    NotNull { table: Option<String>, column: Option<String>, told: Box<Told> },
    /// The same may succeed when it is tried again later. Nothing was changed.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The statement did not end by the deadline it was given, and was ended.
    #[error("the statement did not end by its deadline")]
    Deadline,
    /// The database's disk is full. Nothing was changed; the same succeeds once there is space.
    #[error("the database's disk is full: {0}")]
    Full(String),
    /// The database cannot be reached, is stopping, or its disk fails.
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
    /// The database was opened beside a running server, which alone writes.
    #[error("the database is open for reading only, since a server runs on this data folder")]
    ReadOnly,
    /// A file or a server could not be opened at all.
    #[error("cannot open {what}: {reason}")]
    Open { what: String, reason: String },
    /// Another server holds the data folder.
    #[error("the data folder {} is in use by another plinth server; stop that one, or give this one its own --data", .0.display())]
    InUse(PathBuf),
    /// A newer program has been here.
    #[error(
        "the {database} database is at migration {found}, but this program knows only up to {known}: \
         run the newer version of plinth, or restore a backup"
    )]
    NewerSchema { database: &'static str, found: i64, known: i64 },
    /// One of the server's own migrations cannot be applied, or is not what was applied before.
    #[error("migration {number:04}_{name}: {reason}")]
    Migration { number: i64, name: String, reason: String },
    /// A column is not there or holds something else than asked for.
    #[error("column {column}: {reason}")]
    Column { column: String, reason: String },
    /// The operation panicked; what it had written is undone.
    #[error("the operation panicked; nothing of it was kept")]
    Panicked,
    /// Anything else the database says.
    #[error("{0}")]
    Other(Detail),
}

impl Error {
    /// Whether this is the violation of the unique constraint with this (normalised) name.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Self::Unique { constraint: Some(constraint), .. } if constraint == name)
    }

    /// Whether the same may succeed later without anything being changed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Full(_) | Self::Unavailable(_))
    }

    /// What the database said of a constraint or a value, for the caller who sent it; `None` for what is no fault of the caller's.
    #[must_use]
    pub fn told(&self) -> Option<&Told> {
        match self {
            Self::Unique { told, .. } | Self::ForeignKey { told, .. } | Self::Check { told, .. } | Self::NotNull { told, .. } => {
                Some(told)
            }
            Self::Other(detail) => Some(&detail.told),
            _ => None,
        }
    }

    pub(in crate::db) fn column(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Column { column: column.into(), reason: reason.into() }
    }

    pub(in crate::db) fn open(what: impl Into<String>, reason: &dyn Display) -> Self {
        Self::Open { what: what.into(), reason: reason.to_string() }
    }
}
