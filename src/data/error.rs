//! Why the data API refused: PostgREST's codes and wording, and PostgreSQL's SQLSTATEs, on both databases.

use std::borrow::Cow;

use serde_json::Value;

use super::request;
use crate::auth::principal::Role;
use crate::values::Invalid;
use crate::{db, sql};

/// What most functions of the data API return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal as the client sees it: all four keys of PostgREST's error body.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    /// `PGRST…`, or a SQLSTATE.
    pub code: Cow<'static, str>,
    /// The HTTP status that goes with the code; see [`Error::status_for`] for the one that depends on the caller.
    pub status: u16,
    pub message: String,
    pub details: Option<Box<Value>>,
    pub hint: Option<String>,
    /// How many rows there are, where an offset is beyond them.
    pub total: Option<u64>,
}

impl Error {
    /// A refusal with the status that PostgREST gives its code.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        let status = status_of(&code);
        Self { code, status, message, details: None, hint: None, total: None }
    }

    /// With details.
    #[must_use]
    pub fn details(mut self, details: impl Into<Value>) -> Self {
        self.details = Some(Box::new(details.into()));
        self
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The status for a caller: what the role may not do is 401 for those who have not signed in, since signing in may help.
    #[must_use]
    pub fn status_for(&self, role: Role) -> u16 {
        if self.code == "42501" && role == Role::Anon { 401 } else { self.status }
    }

    /// 42501: a grant is missing. Which column it was is not told, as PostgreSQL does not either.
    #[must_use]
    pub fn permission_denied(relation: &str) -> Self {
        Self::new("42501", format!("permission denied for table {relation}"))
    }

    /// 42501: a row that the policies do not let be written.
    #[must_use]
    pub fn row_refused(relation: &str) -> Self {
        Self::new("42501", format!("new row violates row-level security policy for table \"{relation}\""))
    }

    /// 42703.
    #[must_use]
    pub fn no_column(relation: &str, column: &str) -> Self {
        Self::new("42703", format!("column {relation}.{column} does not exist"))
    }

    /// PGRST116: not one row where one was asked for.
    #[must_use]
    pub fn not_single(rows: u64) -> Self {
        Self::new("PGRST116", "Cannot coerce the result to a single JSON object")
            .details(format!("The result contains {rows} rows"))
    }

    /// PGRST124.
    #[must_use]
    pub fn too_many_affected(rows: u64) -> Self {
        Self::new("PGRST124", "Query result exceeds max-affected preference constraint")
            .details(format!("The query affects {rows} rows"))
    }

    /// PGRST103: an offset beyond the rows there are.
    #[must_use]
    pub fn out_of_range(offset: u64, total: u64) -> Self {
        let error = Self::new("PGRST103", "Requested range not satisfiable")
            .details(format!("An offset of {offset} was requested, but there are only {total} rows."));
        Self { total: Some(total), ..error }
    }

    /// 54000: an answer, or a value on the way to it, that is larger than the limit.
    #[must_use]
    pub fn too_large() -> Self {
        let hint =
            "Ask for fewer rows or columns: limit, select and filters; data.max_result_bytes says how much an answer may hold.";
        Self::limit("the answer is larger than data.max_result_bytes allows", hint)
    }

    /// 54000 or alike: one of the server's own limits, named.
    #[must_use]
    pub fn limit(what: impl Into<String>, hint: impl Into<String>) -> Self {
        let mut error = Self::new("54000", what).hint(hint);
        error.status = 413;
        error
    }
}

/// PostgREST's status for a code of its own or a SQLSTATE.
#[must_use]
pub fn status_of(code: &str) -> u16 {
    match code {
        "PGRST103" => 416,
        "PGRST101" | "PGRST105" | "PGRST117" | "25006" => 405,
        "PGRST106" | "PGRST107" | "PGRST116" => 406,
        "PGRST125" | "PGRST126" | "PGRST202" | "PGRST205" | "42883" | "42P01" => 404,
        "PGRST201" | "PGRST203" => 300,
        "PGRST301" | "PGRST302" | "PGRST303" => 401,
        "PGRST003" => 504,
        "PGRST000" | "PGRST001" | "PGRST002" | "57P01" => 503,
        "PGRST111" | "PGRST112" | "PGRST121" | "PGRST300" | "53400" | "42P17" | "21000" => 500,
        "23503" | "23505" => 409,
        "42501" => 403,
        "P0001" => 400,
        _ if code.starts_with("PT") => code[2..].parse().ok().filter(|status| (200..600).contains(status)).unwrap_or(500),
        _ => match code.get(..2) {
            Some("08" | "53") => 503,
            Some("0L" | "0P" | "28") => 403,
            Some("54") => 413,
            Some("09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "55" | "57" | "58" | "F0" | "HV" | "P0" | "XX") => 500,
            _ => 400,
        },
    }
}

/// What the database said, to the caller who sent the values in it. Constraints are told better by `service::explain`.
impl From<db::Error> for Error {
    fn from(err: db::Error) -> Self {
        if err.told().is_some_and(|told| told.code == "54000") {
            return Self::too_large();
        }
        if let Some(told) = err.told().filter(|told| told.code.len() == 5) {
            return Self {
                details: told.details.expose().clone().map(|details| Box::new(Value::from(details))),
                hint: told.hint.expose().clone(),
                ..Self::new(told.code.clone(), told.message.expose().clone())
            };
        }
        match err {
            db::Error::Deadline => Self::new("57014", "canceling statement due to statement timeout"),
            db::Error::Busy(_) => Self::new("PGRST003", "Timed out acquiring connection from connection pool."),
            db::Error::Full(_) => Self::new("53100", "the database's disk is full"),
            db::Error::Unavailable(_) => Self::new("PGRST000", "Database connection error."),
            other => {
                tracing::error!(error = %other, "the data API's database failed");
                Self::new("XX000", "the database failed; the server's log says how")
            }
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.code, invalid.message)
    }
}

impl From<sql::Fault> for Error {
    fn from(fault: sql::Fault) -> Self {
        let error = Self::new(fault.code, fault.message);
        match fault.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<request::Fault> for Error {
    fn from(fault: request::Fault) -> Self {
        let error = Self { status: fault.status(), hint: fault.hint(), ..Self::new(fault.code(), fault.message()) };
        match fault.details() {
            Some(details) => error.details(details),
            None => error,
        }
    }
}
