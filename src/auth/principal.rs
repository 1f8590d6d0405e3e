//! Who is calling: the one idea of a caller, on every surface.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::types::{KeyId, SessionId, UserId};

/// What kind of credential named the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the server's own API keys.
    ApiKey,
    /// A user's access token.
    User,
    /// A request that is signed with an access key.
    AccessKey,
}

/// What the caller may do at the most; row policies decide the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Nobody is signed in.
    Anon,
    /// A signed-in user.
    Authenticated,
    /// The server's owner: row policies do not apply.
    ServiceRole,
}

impl Role {
    /// The role's name in tokens and in SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::ServiceRole => "service_role",
        }
    }

    /// The role of that name; `None` for any other text.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Anon, Self::Authenticated, Self::ServiceRole].into_iter().find(|role| role.as_str() == name)
    }
}

/// A caller whose credential was checked: signature, lifetime, and that its session still lives.
#[derive(Clone, Debug)]
pub struct Principal {
    pub kind: Kind,
    pub role: Role,
    /// The token's claims as verified; for an API key `{"role": …}`.
    pub claims: Arc<Map<String, Value>>,
    /// What the credential is limited to; empty means everything its role may do.
    pub scopes: Vec<String>,
    /// The API key that was used.
    pub key_id: Option<KeyId>,
    /// The user's session.
    pub session_id: Option<SessionId>,
    /// The user, taken from `sub`.
    pub user_id: Option<UserId>,
}

impl Principal {
    /// Whether this is the server's owner.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.role == Role::ServiceRole
    }
}

/// Why a credential does not do. The texts are meant for the client, and never repeat the credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no credential.
    #[error("This endpoint requires a valid Bearer token")]
    Missing,
    /// The token is malformed, forged, or not a user's; says what is wrong.
    #[error("invalid JWT: unable to parse or verify signature, {0}")]
    BadToken(&'static str),
    /// The token's lifetime is over.
    #[error("invalid JWT: unable to parse or verify signature, token has invalid claims: token is expired")]
    Expired,
    /// An API key stands where a user's token is needed.
    #[error("invalid claim: missing sub claim")]
    NoUser,
    /// The session was signed out.
    #[error("Session from session_id claim in JWT does not exist")]
    SessionOver,
    /// The user was deleted.
    #[error("User from sub claim in JWT does not exist")]
    UserGone,
    /// The user is banned.
    #[error("User is banned")]
    Banned,
    /// The API key is not one of this server's, or was revoked.
    #[error("Invalid API key")]
    UnknownKey,
    /// The credential is good, but this needs the service key.
    #[error("User not allowed")]
    NotService,
    /// Whether the session still lives could not be found out.
    #[error("the session could not be checked; try again")]
    Unavailable,
}

/// One of the credentials a request may bring.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// It brought none.
    #[default]
    Absent,
    /// It brought one that does not do.
    Refused(Refusal),
    /// It brought a good one.
    Known(Arc<Principal>),
}

impl Credential {
    /// The caller it names.
    ///
    /// # Errors
    /// Why it names none.
    pub fn principal(&self) -> Result<&Arc<Principal>, Refusal> {
        match self {
            Self::Known(principal) => Ok(principal),
            Self::Refused(refusal) => Err(refusal.clone()),
            Self::Absent => Err(Refusal::Missing),
        }
    }
}

/// What the credentials of one request came to. The bearer decides who is calling; the key alone does where there is no bearer.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// `Authorization: Bearer …`: a user's token, or an API key.
    pub bearer: Credential,
    /// `apikey`, as a header or in the query.
    pub api_key: Credential,
}

impl Identity {
    /// Who is calling. A bearer that does not do is not made up for by a good key.
    ///
    /// # Errors
    /// Why nobody is known to be.
    pub fn caller(&self) -> Result<&Arc<Principal>, Refusal> {
        match &self.bearer {
            Credential::Absent => self.api_key.principal(),
            bearer => bearer.principal(),
        }
    }

    /// The API key of the request: `apikey`, or a bearer that is one.
    ///
    /// # Errors
    /// [`Refusal::Missing`] or [`Refusal::UnknownKey`].
    pub fn key(&self) -> Result<&Arc<Principal>, Refusal> {
        match (&self.api_key, &self.bearer) {
            (Credential::Absent, Credential::Known(principal)) if principal.kind == Kind::ApiKey => Ok(principal),
            (key, _) => key.principal(),
        }
    }
}
