//! Why SQL was refused.

use std::fmt;

use crate::values::Invalid;

/// Codes of PostgreSQL's that the subset uses (`SQLSTATE`).
pub mod sqlstate {
    pub const FEATURE_NOT_SUPPORTED: &str = "0A000";
    pub const CARDINALITY: &str = "21000";
    pub const NOT_NULL: &str = "23502";
    pub const INVALID_TRANSACTION: &str = "25001";
    pub const DEPENDENT_OBJECTS: &str = "2BP01";
    pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub const SYNTAX_ERROR: &str = "42601";
    pub const INVALID_NAME: &str = "42602";
    pub const NAME_TOO_LONG: &str = "42622";
    pub const DUPLICATE_COLUMN: &str = "42701";
    pub const AMBIGUOUS_COLUMN: &str = "42702";
    pub const UNDEFINED_COLUMN: &str = "42703";
    pub const UNDEFINED_OBJECT: &str = "42704";
    pub const DUPLICATE_OBJECT: &str = "42710";
    pub const DUPLICATE_ALIAS: &str = "42712";
    pub const DUPLICATE_FUNCTION: &str = "42723";
    pub const AMBIGUOUS_FUNCTION: &str = "42725";
    pub const GROUPING: &str = "42803";
    pub const DATATYPE_MISMATCH: &str = "42804";
    pub const WRONG_OBJECT_TYPE: &str = "42809";
    pub const INVALID_FOREIGN_KEY: &str = "42830";
    pub const CANNOT_COERCE: &str = "42846";
    pub const UNDEFINED_FUNCTION: &str = "42883";
    pub const RESERVED_NAME: &str = "42939";
    pub const UNDEFINED_TABLE: &str = "42P01";
    pub const UNDEFINED_PARAMETER: &str = "42P02";
    pub const DUPLICATE_TABLE: &str = "42P07";
    pub const INVALID_COLUMN_REFERENCE: &str = "42P10";
    pub const INVALID_FUNCTION_DEFINITION: &str = "42P13";
    pub const INVALID_TABLE_DEFINITION: &str = "42P16";
    pub const INVALID_OBJECT_DEFINITION: &str = "42P17";
    pub const INDETERMINATE_TYPE: &str = "42P18";
    pub const TOO_COMPLEX: &str = "54001";
    pub const PROGRAM_LIMIT: &str = "54000";
}

/// A place in a text, both from 1; 0 when it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u64,
    pub column: u64,
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

    /// The same at a place, unless it already has a nearer one.
    #[must_use]
    pub const fn at(mut self, place: Place) -> Self {
        if self.line == 0 {
            self.line = place.line;
            self.column = place.column;
        }
        self
    }

    /// The same with what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.code, invalid.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        write!(f, "{} ({})", self.message, self.code)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

impl std::error::Error for Fault {}
