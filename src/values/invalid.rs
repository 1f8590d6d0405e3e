//! Why a value is none of its type, or an operation has no result.

/// PostgreSQL's complaint. The message quotes the value, as PostgreSQL's does: show it to who sent the value, and never log it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// The SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub code: &'static str,
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// 22P02: the text is not written as values of the type are.
    pub(crate) fn syntax(ty: &str, text: &str) -> Self {
        Self::new("22P02", format!("invalid input syntax for type {ty}: \"{text}\""))
    }

    /// 22003, with PostgreSQL's words for it.
    pub(crate) fn range(message: impl Into<String>) -> Self {
        Self::new("22003", message)
    }

    /// 22012.
    pub(crate) fn division_by_zero() -> Self {
        Self::new("22012", "division by zero")
    }
}

impl std::fmt::Debug for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invalid").field("code", &self.code).finish_non_exhaustive()
    }
}
