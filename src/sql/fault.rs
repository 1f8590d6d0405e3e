//! Why SQL was refused.

use std::fmt;

/// Codes of PostgreSQL's that the subset uses (`SQLSTATE`).
pub mod sqlstate {
    pub const FEATURE_NOT_SUPPORTED: &str = "0A000";
    pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub const UNDEFINED_COLUMN: &str = "42703";
    pub const UNDEFINED_FUNCTION: &str = "42883";
    pub const UNDEFINED_TABLE: &str = "42P01";
    pub const UNDEFINED_PARAMETER: &str = "42P02";
    pub const INVALID_OBJECT_DEFINITION: &str = "42P17";
    pub const TOO_COMPLEX: &str = "54001";
    pub const PROGRAM_LIMIT: &str = "54000";
}

/// Why a text was refused, with PostgreSQL's code for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: u64,
    pub column: u64,
    /// The SQLSTATE.
    pub code: &'static str,
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Fault {
    /// A refusal whose place is not known yet.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, code, message: message.into(), hint: None }
    }

    /// A construct that PostgreSQL has and the portable subset has not, with what to write instead.
    #[must_use]
    pub fn unsupported(what: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::new(sqlstate::FEATURE_NOT_SUPPORTED, format!("{what} is not in the portable subset of SQL")).hint(hint)
    }

    /// The same with what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Fault {}
