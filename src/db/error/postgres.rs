//! PostgreSQL's errors, which have a field for everything.

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use super::{Detail, Error, Told, constraint_name};
use crate::types::Secret;

pub(super) fn refusal(err: &PgDatabaseError) -> Error {
    let (table, constraint) = (table_of(err), err.constraint().map(str::to_owned));
    match err.kind() {
        ErrorKind::UniqueViolation => unique(err),
        ErrorKind::ForeignKeyViolation => Error::ForeignKey { table, constraint, told: told(err) },
        ErrorKind::CheckViolation => Error::Check { table, constraint, told: told(err) },
        ErrorKind::NotNullViolation => {
            let told = told(err).with_columns(err.column().as_slice());
            Error::NotNull { table, column: err.column().map(str::to_owned), told }
        }
        _ => other(err),
    }
}

fn told(err: &PgDatabaseError) -> Box<Told> {
    let mut told = Told::new(err.code(), err.message());
    told.details = Secret::new(err.detail().map(str::to_owned));
    told.hint = Secret::new(err.hint().map(str::to_owned));
    told
}

fn table_of(err: &PgDatabaseError) -> Option<String> {
    err.table().map(|table| match err.schema() {
        Some(schema) if schema != "public" => format!("{schema}.{table}"),
        _ => table.to_owned(),
    })
}

/// The columns come from the detail (`Key (a, b)=(…) already exists.` in any language): a unique index may have any name.
fn unique(err: &PgDatabaseError) -> Error {
    let table = table_of(err);
    let own_name = err.constraint().map(str::to_owned);
    let columns = err.detail().and_then(|detail| detail.split_once(")=(")).and_then(|(head, _)| head.split_once('('));
    let plain = columns.map(|(_, list)| list).filter(|list| !list.contains('('));
    let names: Vec<&str> = plain.map(|list| list.split(", ").map(|name| name.trim_matches('"')).collect()).unwrap_or_default();
    let constraint = match &table {
        Some(table) if !names.is_empty() => {
            Some(constraint_name(table, &names, err.constraint().is_some_and(|name| name.ends_with("_pkey"))))
        }
        _ => own_name,
    };
    Error::Unique { table, constraint, told: told(err).with_columns(&names) }
}

fn other(err: &PgDatabaseError) -> Error {
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
            let detail = if class == "22" { Detail::quoting(code, err.message()) } else { Detail::plain(code, err.message()) };
            let position = match err.position() {
                Some(PgErrorPosition::Original(position)) => Some(position),
                _ => None,
            };
            Error::Other(Detail { position, told: told(err), ..detail })
        }
    }
}
