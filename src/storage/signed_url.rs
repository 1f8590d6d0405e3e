//! Signed URLs: tokens that allow one thing with one object until a time.
//!
//! A token is a JWT under a key that is derived from the master key for nothing else (HS256), so that neither is it taken for an access
//! token (ES256), nor an access token for one of these.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::ObjectPath;
use super::{Error, Result};
use crate::auth;
use crate::auth::vault::Vault;
use crate::types::Timestamp;

/// Whom the tokens are for.
const AUDIENCE: &str = "storage";

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// The longest time that a URL may be good for.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Download,
    Upload,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    aud: String,
    /// The bucket and the name with `/` between.
    url: String,
    action: Action,
    /// For uploads: whether an object that is there is replaced.
    #[serde(default)]
    pub upsert: bool,
    /// For uploads: who signed it, and so owns the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Uuid>,
    iat: i64,
    exp: i64,
}

/// Signs and verifies.
pub(super) struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    rules: Validation,
}

impl Signer {
    /// # Errors
    /// The cryptography library failed.
    pub(super) fn new(vault: &Vault) -> auth::Result<Self> {
        let key = vault.derive("storage signed urls")?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "aud"]);
        // Compared here instead, with the server's own clock and without leeway.
        rules.validate_exp = false;
        Ok(Self { encoding: EncodingKey::from_secret(&key), decoding: DecodingKey::from_secret(&key), rules })
    }

    /// A token for an object.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when the time is too long, or none.
    pub(super) fn sign(
        &self,
        path: &ObjectPath,
        (action, upsert): (Action, bool),
        owner: Option<Uuid>,
        (now, lifetime): (Timestamp, Duration),
    ) -> Result<String> {
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(Error::InvalidInput("expiresIn must be from 1 to 315360000 seconds".to_owned()));
        }
        let exp = now.seconds().saturating_add(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims { aud: AUDIENCE.to_owned(), url: url(path), action, upsert, owner, iat: now.seconds(), exp };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|_| Error::InvalidInput("the URL cannot be signed".to_owned()))
    }

    /// What a token says of an object.
    ///
    /// # Errors
    /// [`Error::InvalidToken`].
    pub(super) fn verify(&self, token: &str, path: &ObjectPath, action: Action, now: Timestamp) -> Result<Claims> {
        if token.len() > MAX_TOKEN {
            return Err(Error::InvalidToken("jwt malformed"));
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.rules);
        let claims = decoded.map_err(|err| match err.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => Error::InvalidToken("invalid signature"),
            _ => Error::InvalidToken("jwt malformed"),
        })?;
        let claims = claims.claims;
        if claims.exp <= now.seconds() {
            return Err(Error::InvalidToken("\"exp\" claim timestamp check failed"));
        }
        if claims.action != action || claims.url != url(path) {
            return Err(Error::InvalidToken("the token was signed for something else"));
        }
        Ok(claims)
    }
}

fn url(path: &ObjectPath) -> String {
    format!("{}/{}", path.bucket, path.name)
}
