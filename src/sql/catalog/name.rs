//! Names with their schemas.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name with its schema: `public.todos`, `auth.users`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    pub schema: String,
    pub name: String,
}

impl Name {
    /// The schema of the app's own things.
    pub const PUBLIC: &'static str = "public";

    /// A name in `public`.
    #[must_use]
    pub fn public(name: impl Into<String>) -> Self {
        Self { schema: Self::PUBLIC.to_owned(), name: name.into() }
    }

    /// A name in another schema.
    #[must_use]
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// Whether it is the app's own.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.schema == Self::PUBLIC
    }
}

/// Without the schema when that is `public`; not quoted, for messages alone.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_public() { f.write_str(&self.name) } else { write!(f, "{}.{}", self.schema, self.name) }
    }
}
