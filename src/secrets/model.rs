//! What secrets are called, and what is told of them.

use std::collections::BTreeMap;
use std::fmt;

use super::error::{Error, Result};
use crate::types::{Secret, Timestamp};

/// The longest name, in characters.
const NAME: usize = 128;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// The most secrets there may be.
pub const MAX_SECRETS: u32 = 1000;

/// A secret's name, which is that of a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// What may be told of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretInfo {
    pub name: SecretName,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Secrets as a function is given them.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub values: Secret<BTreeMap<String, String>>,
    /// Names that there are no secrets of.
    pub missing: Vec<String>,
    /// The count of changes that were known before the values were read.
    pub changes: i64,
}

impl SecretName {
    /// # Errors
    /// When it is not 1 to 128 letters, digits and `_`, of which the first is no digit, or the runtime sets such a variable itself.
    pub fn new(name: &str) -> Result<Self> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let invalid = |message: String| Error::Invalid { field: "name", message };
        if name.is_empty() || name.len() > NAME || !name.chars().all(is_allowed) || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(invalid(format!("must have 1 to {NAME} letters, digits or _, and not begin with a digit")));
        }
        if name.starts_with("AWS_") || name.starts_with("LAMBDA_") || matches!(name, "_HANDLER" | "_X_AMZN_TRACE_ID" | "TZ") {
            return Err(invalid(format!("{name} is a variable that the runtime sets itself; choose another")));
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a value.
pub(super) fn check_value(value: &str) -> Result<()> {
    let invalid = |message: String| Err(Error::Invalid { field: "value", message });
    match value.len() {
        0 => invalid("must not be empty".to_owned()),
        bytes if bytes > MAX_VALUE => invalid(format!("has {bytes} bytes; {MAX_VALUE} are allowed")),
        _ if value.contains('\0') => invalid("must not hold the character U+0000, which no variable can".to_owned()),
        _ => Ok(()),
    }
}
