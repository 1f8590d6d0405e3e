//! Users, and the ways in which they sign in.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Email, Phone};
use crate::auth::principal::Role;
use crate::auth::{Error, Result};
use crate::types::{Secret, Timestamp, UserId};

/// A JSON object that belongs to a user.
pub type Metadata = Map<String, Value>;

/// The most bytes of JSON a user may keep in `user_metadata`.
pub const MAX_USER_METADATA: usize = 64 * 1024;

/// The most bytes of JSON in `app_metadata`, which stands in every access token.
pub const MAX_APP_METADATA: usize = 4 * 1024;

/// A user of the app.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub role: Role,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    /// A PHC string; `None` where the user has no password.
    pub password_hash: Option<Secret<String>>,
    pub email_confirmed_at: Option<Timestamp>,
    pub phone_confirmed_at: Option<Timestamp>,
    pub last_sign_in_at: Option<Timestamp>,
    pub banned_until: Option<Timestamp>,
    pub app_metadata: Metadata,
    pub user_metadata: Metadata,
    pub is_anonymous: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    /// A user as one begins: with no address, no password, nothing.
    #[must_use]
    pub fn new(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            role: Role::Authenticated,
            email: None,
            phone: None,
            password_hash: None,
            email_confirmed_at: None,
            phone_confirmed_at: None,
            last_sign_in_at: None,
            banned_until: None,
            app_metadata: Metadata::new(),
            user_metadata: Metadata::new(),
            is_anonymous: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a ban is on.
    #[must_use]
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// When the first of the user's addresses was confirmed.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        [self.email_confirmed_at, self.phone_confirmed_at].into_iter().flatten().min()
    }

    /// Says in `app_metadata` how the user signs in, as clients expect: `provider` is the first, `providers` are all.
    pub fn add_provider(&mut self, provider: &str) {
        self.app_metadata.entry("provider").or_insert_with(|| provider.into());
        let providers = self.app_metadata.entry("providers").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(names) = providers
            && !names.iter().any(|name| name == provider)
        {
            names.push(provider.into());
        }
    }
}

/// One of the ways in which a user signs in.
#[derive(Clone, Debug)]
pub struct Identity {
    pub id: Uuid,
    pub user_id: UserId,
    pub provider: Provider,
    /// The user's id at the provider; for `email` and `phone` the user's own.
    pub provider_id: String,
    pub data: Metadata,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Who vouches for an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Email,
    Phone,
}

impl Provider {
    /// The provider's name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// The provider of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Email, Self::Phone].into_iter().find(|provider| provider.as_str() == name)
    }
}

/// A user with the ways to sign in.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    pub identities: Vec<Identity>,
}

/// Lays `changes` over `target`: a null takes a key away, anything else replaces what was there.
pub fn merge(target: &mut Metadata, changes: &Metadata) {
    for (key, value) in changes {
        if value.is_null() {
            target.remove(key);
        } else {
            target.insert(key.clone(), value.clone());
        }
    }
}

/// Refuses metadata over its limit; `field` is what the client calls it.
///
/// # Errors
/// [`Error::Invalid`], naming the field and the limit.
pub fn check_metadata(field: &str, metadata: &Metadata, limit: usize) -> Result<()> {
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if size > limit {
        return Err(Error::invalid(format!("{field}: has {size} bytes of JSON, and at most {limit} are allowed")));
    }
    Ok(())
}
