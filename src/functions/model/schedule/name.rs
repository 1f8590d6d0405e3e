//! Names of schedules.

use std::fmt;
use std::str::FromStr;

use crate::types::InvalidName;

/// A schedule's name, unique in its function: 1 to 64 letters (a–z, A–Z), digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleName(String);

impl ScheduleName {
    /// The longest name, in characters.
    pub const MAX: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScheduleName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || text.len() > Self::MAX || !text.chars().all(allowed) {
            let rule = format!("a schedule's name has 1 to {} letters (a-z, A-Z), digits, '-' and '_'", Self::MAX);
            return Err(InvalidName(rule));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
