//! Sessions, and what a client gets for one.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::Account;
use crate::types::{Secret, SessionId, Timestamp, UserId};

/// How a session was begun, as `amr` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Password,
    Anonymous,
}

impl Method {
    /// The method's name in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Anonymous => "anonymous",
        }
    }
}

/// A signed-in session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    /// The assurance level, such as `aal1`.
    pub aal: String,
    /// How the user proved to be who they are: `[{"method": …, "timestamp": …}]`.
    pub amr: Value,
    pub refresh_salt: Vec<u8>,
    /// The counter of the one refresh token that is current.
    pub refresh_counter: i64,
    /// When the counter last moved.
    pub refreshed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// Where a session was begun.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub user_agent: Option<String>,
    pub ip: Option<IpAddr>,
}

/// What a client gets for signing in or refreshing.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub access_token: Secret<String>,
    pub expires_in: Duration,
    pub expires_at: Timestamp,
    pub refresh_token: Secret<String>,
    pub account: Account,
}
