//! SQLite's errors, whose messages are all there is: PostgreSQL's words are put together from them.

use sqlx::error::{DatabaseError, ErrorKind};

use super::{Detail, Error, Told, constraint_name, last_part};
use crate::sys::sqlite_functions::Fault;

const PRIMARY_KEY: &str = "1555";

pub(super) fn refusal(err: &dyn DatabaseError) -> Error {
    let what = err.message().split_once("constraint failed: ").map(|(_, what)| what);
    match err.kind() {
        ErrorKind::UniqueViolation => unique(err.code().is_some_and(|code| code == PRIMARY_KEY), what),
        ErrorKind::ForeignKeyViolation => {
            let told = Told::new("23503", "insert, update or delete violates a foreign key constraint");
            Error::ForeignKey { table: None, constraint: None, told }
        }
        ErrorKind::CheckViolation => {
            let message = format!("new row violates check constraint \"{}\"", what.unwrap_or_default());
            Error::Check { table: None, constraint: what.map(str::to_owned), told: Told::new("23514", message) }
        }
        ErrorKind::NotNullViolation => not_null(what.unwrap_or_default()),
        _ => other(err),
    }
}

/// `NOT NULL constraint failed: auth.users.email`.
fn not_null(what: &str) -> Error {
    let (table, column) = what.rsplit_once('.').unwrap_or(("", what));
    let relation = last_part(table);
    let message = format!("null value in column \"{column}\" of relation \"{relation}\" violates not-null constraint");
    let told = Told::new("23502", message).with_columns(&[column]);
    Error::NotNull { table: (!table.is_empty()).then(|| table.to_owned()), column: Some(column.to_owned()), told }
}

/// `UNIQUE constraint failed: auth.users.email`, or `… failed: index 'users_lower_email'`.
fn unique(primary: bool, what: Option<&str>) -> Error {
    let index = what.and_then(|what| what.strip_prefix("index '")).map(|name| name.trim_end_matches('\'').to_owned());
    let columns: Vec<&str> = what.filter(|_| index.is_none()).map(|what| what.split(", ").collect()).unwrap_or_default();
    let table = columns.first().and_then(|column| column.rsplit_once('.')).map(|(table, _)| table.to_owned());
    let names: Vec<&str> = columns.iter().map(|column| last_part(column)).collect();
    let constraint = table.as_ref().map(|table| constraint_name(table, &names, primary)).or(index);
    let message = format!("duplicate key value violates unique constraint \"{}\"", constraint.as_deref().unwrap_or_default());
    Error::Unique { table, constraint, told: Told::new("23505", message).with_columns(&names) }
}

fn other(err: &dyn DatabaseError) -> Error {
    let code = err.code().unwrap_or_default();
    let message = err.message();
    if let Some((code, message)) = Fault::found(message) {
        return Error::Other(Detail::quoting(code, message));
    }
    // The low byte is the primary code: https://sqlite.org/rescode.html
    match primary_code(&code) {
        5 | 6 => Error::Busy("a lock did not become free in time".to_owned()),
        9 => Error::Busy("a statement took too long".to_owned()),
        13 => Error::Full(format!("{message} ({code})")),
        7 | 8 | 10 | 11 | 14 | 26 => Error::Unavailable(format!("{message} ({code})")),
        _ => Error::Other(Detail::plain(code, message)),
    }
}

pub(super) fn primary_code(code: &str) -> i32 {
    code.parse::<i32>().map_or(0, |code| code & 0xff)
}
