//! Who asks, what is wanted besides the query, and what comes of it.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::principal::{Principal, Role};
use crate::data::request::{Preferences, Representation, Resolution};
use crate::sql::catalog::Grantee;

/// Whose rights a request has.
#[derive(Clone, Debug)]
pub struct Caller {
    pub role: Role,
    /// The token's claims as verified; for an API key its role alone.
    pub claims: Arc<Map<String, Value>>,
    /// The user who is signed in.
    pub uid: Option<Uuid>,
}

impl Caller {
    /// The server's owner: policies and grants do not apply.
    #[must_use]
    pub fn service() -> Self {
        Self { role: Role::ServiceRole, claims: Arc::default(), uid: None }
    }

    /// The user's address as the token has it.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.claims.get("email").and_then(Value::as_str)
    }

    /// The role as grants and policies name it.
    #[must_use]
    pub const fn grantee(&self) -> Grantee {
        match self.role {
            Role::Anon => Grantee::Anon,
            Role::Authenticated => Grantee::Authenticated,
            Role::ServiceRole => Grantee::ServiceRole,
        }
    }
}

impl From<&Principal> for Caller {
    fn from(principal: &Principal) -> Self {
        Self { role: principal.role, claims: Arc::clone(&principal.claims), uid: principal.user_id.map(|id| id.0) }
    }
}

/// The form of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// A JSON array.
    #[default]
    Array,
    /// The one row; anything but one is PGRST116, and a write is undone.
    Object,
    /// RFC 4180 with a header line.
    Csv,
}

/// What is wanted besides the query. A `Range` header has narrowed the query's own limit before.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    pub shape: Shape,
    /// Leave keys out whose value is null.
    pub nulls_stripped: bool,
    pub preferences: Preferences,
}

impl Wants {
    /// Whether all rows that match are counted, page or not; `planned` and `estimated` counts are exact too.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.preferences.count.is_some()
    }

    pub(super) fn shows(&self) -> bool {
        self.preferences.representation == Some(Representation::Full)
    }

    pub(super) fn merges(&self) -> bool {
        self.preferences.resolution == Some(Resolution::MergeDuplicates)
    }
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// JSON text, or CSV; empty where nothing is to be sent.
    pub body: String,
    /// Rows in the body, or rows written.
    pub rows: u64,
    /// Rows that match, where a count was wanted.
    pub total: Option<u64>,
    /// Rows before the first of the body.
    pub offset: u64,
    /// How many of the written rows are new; `None` but for inserts, upserts and PUT.
    pub inserted: Option<u64>,
    /// The key of the one row inserted, as columns and values, for `Location`; empty unless `return=headers-only`.
    pub location: Vec<(String, String)>,
    /// The function returns nothing: 204.
    pub is_void: bool,
    /// Whether duplicates could be known, so that `resolution` had a meaning.
    pub has_key: bool,
}
