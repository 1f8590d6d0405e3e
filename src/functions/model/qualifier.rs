//! Which revision of a function is meant.

use std::fmt;
use std::str::FromStr;

use super::ALIAS_CHARS;
use crate::types::InvalidName;

/// How the live revision is called where versions are.
pub const LATEST: &str = "$LATEST";

/// Which revision of a function is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// The live revision.
    Latest,
    /// A published version, from 1.
    Version(i64),
    /// Whatever the alias of this name points at.
    Alias(String),
}

impl FromStr for Qualifier {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == LATEST {
            return Ok(Self::Latest);
        }
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > ALIAS_CHARS || !text.chars().all(letter) {
            let rule = format!(
                "a qualifier is {LATEST}, a version's number, or an alias of 1 to {ALIAS_CHARS} letters, digits, '-' and '_'"
            );
            return Err(InvalidName(rule));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Alias(text.to_owned()));
        }
        // More digits than any version has are a version that is not there.
        Ok(Self::Version(text.parse().unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(LATEST),
            Self::Version(number) => number.fmt(f),
            Self::Alias(name) => f.write_str(name),
        }
    }
}
