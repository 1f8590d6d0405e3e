//! A refused statement as a problem.

use std::time::Duration;

use crate::api::{Code, Problem, StatementError};
use crate::data::migrate::Error;
use crate::db;
use crate::sql::{Fault, Place};

/// When a client that found the database busy should try again.
const RETRY: Duration = Duration::from_secs(1);

/// The problem of an error. `timeout`: the setting that says how long statements may run.
pub(super) fn problem(err: Error, timeout: &str) -> Problem {
    match statement(err, timeout) {
        Ok((message, statement)) => Code::SqlRefused.because(message).with_statement(statement),
        Err(source) => failure(source),
    }
}

/// What is wrong, and with which statement; the failure of the database where it is no statement's fault.
pub(super) fn statement(err: Error, timeout: &str) -> Result<(String, StatementError), db::Error> {
    let (place, source) = match err {
        Error::Refused(Fault { line, column, code, message, hint }) => {
            let place = located(Place { line, column });
            return Ok((message, StatementError { code: code.to_owned(), hint, ..place }));
        }
        Error::Statement { place, source } => (place, source),
        Error::Db(source) => (Place::default(), source),
    };
    if matches!(source, db::Error::Deadline) {
        let hint = Some(format!("do it in parts, or raise {timeout}"));
        let message = "canceling statement due to statement timeout".to_owned();
        return Ok((message, StatementError { code: "57014".to_owned(), hint, ..located(place) }));
    }
    let (code, message) = told(&source).ok_or(source)?;
    Ok((message, StatementError { code, ..located(place) }))
}

/// A failure of the database itself.
pub(super) fn failure(source: db::Error) -> Problem {
    match source {
        db::Error::Busy(_) => Code::Unavailable.because(source).retry_after(RETRY),
        db::Error::Full(_) => Code::StorageFull.because("the database's disk is full; nothing was changed"),
        db::Error::Unavailable(_) => {
            tracing::warn!(error = %source, "the database cannot be used: {source}");
            Code::Unavailable.because("the database cannot be used at the moment").retry_after(RETRY)
        }
        source => Problem::internal(source),
    }
}

fn located(Place { line, column }: Place) -> StatementError {
    let known = |number: u64| (number > 0).then_some(number);
    StatementError { line: known(line), column: known(column), ..StatementError::default() }
}

/// PostgreSQL's code and words for what the database refused; `None` for failures of the server itself.
fn told(err: &db::Error) -> Option<(String, String)> {
    let told = match err {
        db::Error::Unique { told, .. }
        | db::Error::ForeignKey { told, .. }
        | db::Error::Check { told, .. }
        | db::Error::NotNull { told, .. } => told,
        db::Error::Other(detail) => return Some((detail.code.clone(), detail.message.clone())),
        _ => return None,
    };
    Some((told.code.clone(), told.message.expose().clone()))
}
