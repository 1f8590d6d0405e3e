//! Auth's verbs: its rules and transactions. One file a verb.

mod admin;
mod identify;
mod issue;
mod logout;
mod signup;
mod token;
mod upkeep;
mod user;

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

pub use self::admin::{AdminUser, Page};
pub use self::logout::Scope;
pub use self::signup::NewUser;
pub use self::user::UserChanges;
use super::keys::Keys;
use super::password::Passwords;
use super::session::Sessions;
use super::token::{Issuer, RefreshKeys, Verifier};
use super::vault::Vault;
use super::{Error, Result};
use crate::api::PublicUrl;
use crate::config;
use crate::db::{self, Db};
use crate::types::{Clock, Timestamp};

/// Signs users up and in, and says who is calling. Cheap to clone.
#[derive(Clone)]
pub struct AuthService(Arc<Inner>);

struct Inner {
    config: config::Auth,
    db: Db,
    clock: Clock,
    keys: Keys,
    issuer: Issuer,
    verifier: Verifier,
    refresh: RefreshKeys,
    sessions: Sessions,
    passwords: Passwords,
}

impl AuthService {
    /// Opens the server's keys, which are made at the first start, and starts the hashing threads.
    ///
    /// `db` is the app's database, migrated; tokens name `public_url` as their issuer.
    ///
    /// # Errors
    /// [`Error::WrongMasterKey`], or the database failed.
    pub async fn open(config: &config::Auth, db: Db, vault: &Vault, clock: Clock, public_url: &PublicUrl) -> Result<Self> {
        let keys = Keys::open(&db, vault, &clock).await?;
        let issuer = Issuer {
            signer: keys.signer.clone(),
            name: format!("{}/auth/v1", public_url.0.trim_end_matches('/')),
            lifetime: config.token_lifetime,
        };
        Ok(Self(Arc::new(Inner {
            verifier: Verifier::new(keys.verifiers.clone()),
            refresh: RefreshKeys::new(vault)?,
            sessions: Sessions::default(),
            passwords: Passwords::start(config)?,
            config: config.clone(),
            db,
            clock,
            keys,
            issuer,
        })))
    }

    /// The key that clients of this server hold. It is no secret.
    #[must_use]
    pub fn anon_key(&self) -> &str {
        &self.0.keys.anon
    }

    /// The keys that verify this server's tokens.
    #[must_use]
    pub fn published_keys(&self) -> &JwkSet {
        &self.0.keys.published
    }

    /// The settings that clients may know.
    #[must_use]
    pub fn config(&self) -> &config::Auth {
        &self.0.config
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl fmt::Debug for AuthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("issuer", &self.0.issuer.name).finish_non_exhaustive()
    }
}

/// An update that was refused because the address or the number is another user's.
fn taken(err: db::Error) -> Error {
    if err.is_unique("users_email_key") {
        Error::EmailExists
    } else if err.is_unique("users_phone_key") {
        Error::PhoneExists
    } else {
        Error::Db(err)
    }
}
