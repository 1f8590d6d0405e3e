//! Who asks, what is wanted besides the query, and what comes of it.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::principal::{Principal, Role};

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

/// What a write answers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    #[default]
    Minimal,
    /// The key of the one row, for `Location`.
    HeadersOnly,
    Representation,
}

/// What `Prefer: resolution` says about rows whose key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The row there is changed.
    Merged,
    /// The row there stays.
    Ignored,
}

/// What is wanted besides the query.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    pub shape: Shape,
    /// Leave keys out whose value is null.
    pub nulls_stripped: bool,
    /// Count all rows that match, page or not; `planned` and `estimated` counts are exact too.
    pub count: bool,
    /// From `Range`: first and last row, both counted from 0. Narrows `limit` and `offset`.
    pub range: Option<(u64, Option<u64>)>,
    /// The body is not sent.
    pub head: bool,
    pub returning: Return,
    pub resolution: Option<Kept>,
    /// `missing=default`: a listed column that a row lacks gets its default, not null.
    pub missing_default: bool,
    /// `max-affected` under `handling=strict`.
    pub max_affected: Option<u64>,
    /// `tx=rollback`; honoured only when the configuration allows it.
    pub rollback: bool,
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
    /// The key of the one row inserted, as columns and values; for `Location`.
    pub location: Vec<(String, String)>,
    /// The function returns nothing: 204.
    pub is_void: bool,
    /// `max-affected` was looked at; for `Preference-Applied`.
    pub rolled_back: bool,
}
