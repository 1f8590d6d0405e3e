//! `Accept-Profile` and `Content-Profile`: the schema that is meant.

use crate::data::request::fault::{Fault, quoted};

/// Which of the two headers counts for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// GET, HEAD and OPTIONS.
    Accept,
    /// All others, calls by POST included.
    Content,
}

impl Profile {
    /// For a method.
    #[must_use]
    pub fn of_method(method: &str) -> Self {
        if matches!(method, "POST" | "PATCH" | "PUT" | "DELETE") { Self::Content } else { Self::Accept }
    }

    /// The header's name, in lower case.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Accept => "accept-profile",
            Self::Content => "content-profile",
        }
    }

    /// The schema that a header's value names: one of those exposed, and the first of them when there is no header.
    ///
    /// # Errors
    ///
    /// [`Fault::Profile`] for any other.
    pub fn schema<'a>(value: Option<&str>, exposed: &[&'a str]) -> Result<&'a str, Fault> {
        let found = match value {
            None => exposed.first(),
            Some(value) => exposed.iter().find(|schema| **schema == value),
        };
        found.copied().ok_or_else(|| Fault::Profile {
            schema: quoted(value.unwrap_or_default()),
            exposed: exposed.iter().map(|schema| (*schema).to_owned()).collect(),
        })
    }
}
