//! SQLite's errors, whose messages are all there is: PostgreSQL's words are put together from them.

use libsqlite3_sys as ffi;

use super::{Detail, Error, Told, constraint_name, last_part};
use crate::sys::sqlite_functions::Fault;

/// What a code and a message of SQLite's mean; the code is an extended one: <https://sqlite.org/rescode.html>
pub(super) fn refusal(code: i32, message: &str) -> Error {
    let what = message.split_once("constraint failed: ").map(|(_, what)| what);
    match code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY => unique(true, what),
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID => unique(false, what),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => {
            let told = Told::new("23503", "insert, update or delete violates a foreign key constraint");
            Error::ForeignKey { table: None, constraint: None, told }
        }
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let message = format!("new row violates check constraint \"{}\"", what.unwrap_or_default());
            Error::Check { table: None, constraint: what.map(str::to_owned), told: Told::new("23514", message) }
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => not_null(what.unwrap_or_default()),
        _ => other(code, message),
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

fn other(code: i32, message: &str) -> Error {
    if let Some((code, message)) = Fault::found(message) {
        return Error::Other(Detail::quoting(code, message));
    }
    match primary_code(code) {
        5 | 6 => Error::Busy("a lock did not become free in time".to_owned()),
        9 => Error::Busy("a statement took too long".to_owned()),
        13 => Error::Full(format!("{message} ({code})")),
        18 => Error::Other(Detail::plain("54000", message)),
        7 | 8 | 10 | 11 | 14 | 26 => Error::Unavailable(format!("{message} ({code})")),
        _ => Error::Other(Detail::plain(code.to_string(), message)),
    }
}

/// The code without what extends it, its low byte.
pub(super) const fn primary_code(code: i32) -> i32 {
    code & 0xff
}
