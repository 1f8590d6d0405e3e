//! Access tokens: ES256 JWTs that name a user and a session.
//!
//! A token is good when its `kid` is one of this server's keys, its algorithm that key's, its signature right, its audience
//! ours and its time not over. `iss` is written but not compared: only this server's keys can have signed the token, whatever
//! address it was reached at then, and a server's public address may change while its users stay signed in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde_json::{Map, Value, json};

use crate::auth::model::{AUDIENCE, Account, Session};
use crate::auth::principal::{Kind, Principal, Refusal, Role};
use crate::auth::{Error, Result};
use crate::types::{Secret, Timestamp};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;

/// The memory that verified tokens may take, in bytes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// A digest that stands for a token in caches, so that they hold no tokens.
pub type TokenHash = [u8; 32];

/// The SHA-256 of a token.
#[must_use]
pub fn hash(token: &[u8]) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token).as_ref());
    hash
}

/// Signs with one key.
#[derive(Clone, Debug)]
pub struct Signer {
    header: Header,
    key: EncodingKey,
}

impl Signer {
    /// A signer with a PKCS #8 document of a P-256 key.
    #[must_use]
    pub fn new(kid: &str, pkcs8: &[u8]) -> Self {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.to_owned());
        Self { header, key: EncodingKey::from_ec_der(pkcs8) }
    }

    /// Signs claims.
    ///
    /// # Errors
    /// The key is not a P-256 key.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map_err(|_| Error::Crypto("signing a token"))
    }
}

/// Verifies tokens, and remembers the ones it verified.
#[derive(Debug)]
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    rules: Validation,
    verified: Cache<TokenHash, Verified>,
}

#[derive(Clone, Debug)]
struct Verified {
    principal: Arc<Principal>,
    expires: i64,
    /// The token's, in bytes.
    length: usize,
}

impl Verifier {
    /// A verifier for these keys, by their `kid`.
    #[must_use]
    pub fn new(keys: HashMap<String, DecodingKey>) -> Self {
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "aud", "sub"]);
        // Compared here instead, with the server's own clock and without leeway.
        rules.validate_exp = false;
        // Claims take about twice their text when parsed; the rest is the entry itself.
        let weigh = |_: &TokenHash, verified: &Verified| u32::try_from(512 + 2 * verified.length).unwrap_or(u32::MAX);
        let verified = Cache::builder().max_capacity(CACHE_BYTES).weigher(weigh).build();
        Self { keys, rules, verified }
    }

    /// Verifies a user's token; whether its session still lives is not looked at.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::BadToken("token is longer than 8192 bytes"));
        }
        let hash = hash(token.as_bytes());
        let known = self.verified.get(&hash);
        let is_known = known.is_some();
        let verified = known.map_or_else(|| self.verify_anew(token), Ok)?;
        if verified.expires <= now.seconds() {
            self.verified.invalidate(&hash);
            return Err(Refusal::Expired);
        }
        if !is_known {
            self.verified.insert(hash, verified.clone());
        }
        Ok(verified.principal)
    }

    fn verify_anew(&self, token: &str) -> Result<Verified, Refusal> {
        let malformed = Refusal::BadToken("token is malformed");
        let header = jsonwebtoken::decode_header(token).map_err(|_| malformed)?;
        if header.alg != Algorithm::ES256 {
            return Err(Refusal::BadToken("signing method is not ES256"));
        }
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(Refusal::BadToken("kid is not one of this server's"))?;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.rules).map_err(|err| refusal(err.kind()))?;
        let (principal, expires) = principal(decoded.claims)?;
        Ok(Verified { principal: Arc::new(principal), expires, length: token.len() })
    }
}

fn refusal(kind: &jsonwebtoken::errors::ErrorKind) -> Refusal {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidSignature => Refusal::BadToken("token signature is invalid"),
        ErrorKind::InvalidAudience => Refusal::BadToken("token has invalid audience"),
        ErrorKind::MissingRequiredClaim(_) => Refusal::BadToken("token lacks exp, aud or sub"),
        _ => Refusal::BadToken("token is malformed"),
    }
}

/// The user whom the claims name, and when they expire; a signature alone is not enough, since API keys are signed with the same key.
fn principal(claims: Map<String, Value>) -> Result<(Principal, i64), Refusal> {
    fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
        claims.get(name).and_then(Value::as_str)
    }
    if claims.contains_key("key_id") {
        return Err(Refusal::UnknownKey);
    }
    let expires = claims.get("exp").and_then(Value::as_i64).ok_or(Refusal::BadToken("exp must be a whole number"))?;
    let role = text(&claims, "role").and_then(Role::parse).ok_or(Refusal::BadToken("role is unknown"))?;
    let user = text(&claims, "sub").and_then(|id| id.parse().ok()).ok_or(Refusal::BadToken("sub must be a UUID"))?;
    let session =
        text(&claims, "session_id").and_then(|id| id.parse().ok()).ok_or(Refusal::BadToken("session_id must be a UUID"))?;
    let principal = Principal {
        kind: Kind::User,
        role,
        claims: Arc::new(claims),
        scopes: Vec::new(),
        key_id: None,
        session_id: Some(session),
        user_id: Some(user),
    };
    Ok((principal, expires))
}

/// Writes access tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub signer: Signer,
    /// `iss`: the public address with `/auth/v1`.
    pub name: String,
    pub lifetime: Duration,
}

impl Issuer {
    /// Signs a token for a session; the answer is the token and when it expires (a whole second).
    ///
    /// A token must fit into a header, so `user_metadata` is left out of one that would be longer than [`MAX_TOKEN`];
    /// the user object always has it whole.
    ///
    /// # Errors
    /// Signing failed.
    pub fn issue(&self, account: &Account, session: &Session, now: Timestamp) -> Result<(Secret<String>, Timestamp)> {
        let expires = now.seconds() + i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX / 2);
        let mut claims = self.claims(account, session, now.seconds(), expires);
        let mut token = self.signer.sign(&claims)?;
        if token.len() > MAX_TOKEN {
            claims.insert("user_metadata".to_owned(), json!({}));
            token = self.signer.sign(&claims)?;
        }
        let expires = Timestamp::from_micros(expires.saturating_mul(1_000_000)).unwrap_or(now);
        Ok((Secret::new(token), expires))
    }

    fn claims(&self, account: &Account, session: &Session, issued: i64, expires: i64) -> Map<String, Value> {
        let user = &account.user;
        let claims = json!({
            "iss": self.name,
            "sub": user.id,
            "aud": AUDIENCE,
            "exp": expires,
            "iat": issued,
            "email": user.email.as_ref().map_or("", |email| email.as_str()),
            "phone": user.phone.as_ref().map_or("", |phone| phone.as_str()),
            "app_metadata": user.app_metadata,
            "user_metadata": user.user_metadata,
            "role": user.role.as_str(),
            "aal": session.aal,
            "amr": session.amr,
            "session_id": session.id,
            "is_anonymous": user.is_anonymous,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }
}
