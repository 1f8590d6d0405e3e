//! What can go wrong with a database, the same for SQLite and PostgreSQL.
//!
//! An error never shows a bound value: it may end in a log line, and values are secrets until proven otherwise.

use std::fmt::Display;
use std::path::PathBuf;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// What most functions here return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the database refused. Knows nothing of HTTP.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`super::Query::fetch_one`] found nothing.
    #[error("no row was found where there must be one")]
    NoRow,
    /// A row with these values exists already.
    ///
    /// `constraint` follows PostgreSQL's naming on both databases: `users_pkey`, `users_email_key`, `memberships_team_id_user_id_key`;
    /// an index over an expression goes by its own name. `table` is as SQL text has it, such as `auth.users`.
    #[error("the row exists already ({})", constraint.as_deref().unwrap_or("a unique constraint"))]
    Unique { table: Option<String>, constraint: Option<String> },
    /// A row that is referred to does not exist, or a row is still referred to.
    #[error("a foreign key does not hold")]
    ForeignKey,
    /// A `check` does not hold.
    #[error("a check does not hold ({})", constraint.as_deref().unwrap_or("unnamed"))]
    Check { constraint: Option<String> },
    /// A column that must have a value has none.
    #[error("a column that must have a value has none ({})", column.as_deref().unwrap_or("unnamed"))]
    NotNull { column: Option<String> },
    /// The same may succeed when it is tried again later. Nothing was changed.
    #[error("the database is busy: {0}")]
    Busy(String),
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

/// What the database said, without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Detail {
    /// PostgreSQL's SQLSTATE, or SQLite's extended result code.
    pub code: String,
    pub message: String,
    /// Where in the statement, in characters from 1; PostgreSQL alone tells.
    pub position: Option<usize>,
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

    pub(super) fn column(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Column { column: column.into(), reason: reason.into() }
    }

    pub(super) fn open(what: impl Into<String>, reason: &dyn Display) -> Self {
        Self::Open { what: what.into(), reason: reason.to_string() }
    }
}

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
            other => Self::Other(Detail { code: "sqlx".to_owned(), message: other.to_string(), position: None }),
        }
    }
}

fn from_database(err: &dyn DatabaseError) -> Error {
    let postgres = err.try_downcast_ref::<PgDatabaseError>();
    match err.kind() {
        ErrorKind::UniqueViolation => match postgres {
            Some(pg) => unique_of_postgres(pg),
            None => unique_of_sqlite(err),
        },
        ErrorKind::ForeignKeyViolation => Error::ForeignKey,
        ErrorKind::CheckViolation => Error::Check { constraint: named(err, postgres.and_then(|pg| pg.constraint())) },
        ErrorKind::NotNullViolation => {
            let column = named(err, postgres.and_then(|pg| pg.column()));
            Error::NotNull { column: column.map(|name| last_part(&name).to_owned()) }
        }
        _ => match postgres {
            Some(pg) => other_of_postgres(pg),
            None => other_of_sqlite(err),
        },
    }
}

/// The name a constraint error gives: PostgreSQL has a field for it, SQLite writes it after a colon.
fn named(err: &dyn DatabaseError, field: Option<&str>) -> Option<String> {
    let name = field.or_else(|| err.message().split_once("constraint failed: ").map(|(_, name)| name))?;
    Some(name.to_owned())
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `UNIQUE constraint failed: auth.users.email`, or `… failed: index 'users_lower_email'`.
fn unique_of_sqlite(err: &dyn DatabaseError) -> Error {
    const PRIMARY_KEY: &str = "1555";
    let nameless = Error::Unique { table: None, constraint: None };
    let Some((_, what)) = err.message().split_once("constraint failed: ") else { return nameless };
    if let Some(index) = what.strip_prefix("index '") {
        return Error::Unique { table: None, constraint: Some(index.trim_end_matches('\'').to_owned()) };
    }
    let columns: Vec<&str> = what.split(", ").collect();
    let Some((table, _)) = columns.first().and_then(|column| column.rsplit_once('.')) else { return nameless };
    let primary = err.code().is_some_and(|code| code == PRIMARY_KEY);
    let names: Vec<&str> = columns.iter().map(|column| last_part(column)).collect();
    Error::Unique { table: Some(table.to_owned()), constraint: Some(constraint_name(table, &names, primary)) }
}

/// The columns come from the detail (`Key (a, b)=(…) already exists.` in any language): a unique index may have any name.
fn unique_of_postgres(err: &PgDatabaseError) -> Error {
    let table = err.table().map(|table| match err.schema() {
        Some(schema) if schema != "public" => format!("{schema}.{table}"),
        _ => table.to_owned(),
    });
    let own_name = err.constraint().map(str::to_owned);
    let columns = err.detail().and_then(|detail| detail.split_once(")=(")).and_then(|(head, _)| head.split_once('('));
    let plain = columns.map(|(_, list)| list).filter(|list| !list.contains('('));
    let constraint = match (&table, plain) {
        (Some(table), Some(list)) => {
            let names: Vec<&str> = list.split(", ").map(|name| name.trim_matches('"')).collect();
            Some(constraint_name(table, &names, err.constraint().is_some_and(|name| name.ends_with("_pkey"))))
        }
        _ => own_name,
    };
    Error::Unique { table, constraint }
}

fn constraint_name(table: &str, columns: &[&str], primary: bool) -> String {
    let table = last_part(table);
    if primary { format!("{table}_pkey") } else { format!("{table}_{}_key", columns.join("_")) }
}

fn other_of_postgres(err: &PgDatabaseError) -> Error {
    let code = err.code();
    let class = &code[..code.len().min(2)];
    match code {
        "40001" | "40P01" => Error::Busy("other writes touch the same rows".to_owned()),
        "55P03" => Error::Busy("a lock did not become free in time".to_owned()),
        "57014" => Error::Busy("a statement took too long".to_owned()),
        "53100" => Error::Full(format!("{} ({code})", err.message())),
        _ if matches!(class, "08" | "53" | "57" | "58" | "XX") => Error::Unavailable(format!("{} ({code})", err.message())),
        _ => {
            // Class 22 (data exceptions) quotes the value it complains about.
            let message = if class == "22" { without_quoted(err.message()) } else { err.message().to_owned() };
            let position = match err.position() {
                Some(sqlx::postgres::PgErrorPosition::Original(position)) => Some(position),
                _ => None,
            };
            Error::Other(Detail { code: code.to_owned(), message, position })
        }
    }
}

fn other_of_sqlite(err: &dyn DatabaseError) -> Error {
    let code = err.code().unwrap_or_default().into_owned();
    let message = err.message();
    // The low byte is the primary code: https://sqlite.org/rescode.html
    match primary_code(&code) {
        5 | 6 => Error::Busy("a lock did not become free in time".to_owned()),
        9 => Error::Busy("a statement took too long".to_owned()),
        13 => Error::Full(format!("{message} ({code})")),
        7 | 8 | 10 | 11 | 14 | 26 => Error::Unavailable(format!("{message} ({code})")),
        _ => Error::Other(Detail { code, message: message.to_owned(), position: None }),
    }
}

fn primary_code(code: &str) -> i32 {
    code.parse::<i32>().map_or(0, |code| code & 0xff)
}

/// Replaces everything between double quotes, the first to the last, by `…`.
fn without_quoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}\"…{}", &message[..first], &message[last..]),
        _ => message.to_owned(),
    }
}

/// What an error means for the transaction it happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The statement failed, and nothing else.
    Failed,
    /// PostgreSQL asks that the transaction be run again (serialization failure, deadlock).
    Retry,
    /// SQLite may have rolled the whole transaction back by itself; what follows would run outside it.
    Lost,
}

impl Trouble {
    pub(super) fn of(err: &sqlx::Error) -> Self {
        let Some(err) = err.as_database_error() else { return Self::Lost };
        let code = err.code().unwrap_or_default();
        if err.try_downcast_ref::<PgDatabaseError>().is_some() {
            return if matches!(code.as_ref(), "40001" | "40P01") { Self::Retry } else { Self::Failed };
        }
        // https://sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction"
        if matches!(primary_code(&code), 5 | 7 | 9 | 10 | 13) { Self::Lost } else { Self::Failed }
    }
}
