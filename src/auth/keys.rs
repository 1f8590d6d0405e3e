//! The server's own keys: made at the first start, kept in the database, sealed under the master key.
//!
//! | name | what |
//! | --- | --- |
//! | `check` | a known text, which proves the master key |
//! | `signing` | the P-256 key that signs tokens, published by its `kid` |
//! | `anon`, `service` | the API keys: long-lived JWTs with the roles `anon` and `service_role` |
//! | `access` | the access key for clients that sign their requests |
//!
//! An API key is recognised by its digest, not by its signature, so that one that was revoked is worth nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::principal::{Kind, Principal, Role};
use super::queries::keys as queries;
use super::token::{self, Signer, TokenHash};
use super::vault::Vault;
use super::{Error, Result};
use crate::db::{self, Db};
use crate::types::{Clock, KeyId, Secret, Timestamp};

/// How long an API key is good for: ten years.
const API_KEY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
const CHECK: &[u8] = b"plinth";

/// How often, and after which pause, [`show`] looks again for keys that another process is making.
const SHOW_TRIES: u32 = 50;
const SHOW_PAUSE: Duration = Duration::from_millis(100);

/// The keys a client or an operator may hold.
#[derive(Clone)]
pub struct KeySet {
    /// For clients: the role `anon`.
    pub anon_key: String,
    /// For the server's owner: the role `service_role`.
    pub service_key: String,
    /// Names the secret below, as AWS's access key ids do.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: String,
}

/// A key as the database has it.
#[derive(Clone, Debug)]
pub(super) struct StoredKey {
    pub id: KeyId,
    /// Unique; what makes two first starts end with one set.
    pub name: String,
    pub kind: String,
    /// What the key is known by: a `kid`, or an access key id.
    pub public_id: Option<String>,
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
}

/// The keys, open.
pub(super) struct Keys {
    pub signer: Signer,
    /// For verifying tokens, by `kid`.
    pub verifiers: HashMap<String, DecodingKey>,
    /// What `.well-known/jwks.json` says.
    pub published: JwkSet,
    api: HashMap<TokenHash, ApiKey>,
    /// By their ids.
    access: HashMap<String, Arc<AccessKey>>,
    /// The key that clients hold; it is no secret.
    pub anon: String,
}

/// A key that signs requests. Its owner is the server's.
pub struct AccessKey {
    pub secret: Secret<String>,
    pub principal: Arc<Principal>,
}

struct ApiKey {
    principal: Arc<Principal>,
    expires: Timestamp,
}

impl Keys {
    /// Makes the keys if there are none yet, and opens them.
    ///
    /// # Errors
    /// [`Error::WrongMasterKey`], or the database failed.
    pub(super) async fn open(db: &Db, vault: &Vault, clock: &Clock) -> Result<Self> {
        let stored = ensure(db, vault, clock).await?;
        let mut signing = Vec::new();
        let (mut api, mut access) = (HashMap::new(), HashMap::new());
        let mut anon = String::new();
        for key in &stored {
            let plain = vault.unwrap(&context(&key.name), &key.sealed)?;
            match (key.kind.as_str(), &key.public_id) {
                ("signing", Some(kid)) => signing.push((kid, plain)),
                ("api", _) => {
                    if key.name == "anon" {
                        anon = String::from_utf8_lossy(&plain).into_owned();
                    }
                    api.insert(token::hash(&plain), api_key_of(key)?);
                }
                ("access", Some(id)) => drop(access.insert(id.clone(), Arc::new(access_key_of(key, plain)?))),
                _ => {}
            }
        }
        // They come oldest first: the newest signs, and all are published.
        let (kid, pkcs8) = signing.last().ok_or(Error::Inconsistent("plinth.keys has no signing key"))?;
        let signer = Signer::new(kid, pkcs8);
        let mut verifiers = HashMap::new();
        let mut published = JwkSet { keys: Vec::new() };
        for (kid, pkcs8) in &signing {
            let jwk = publish(kid, pkcs8)?;
            let verifier = DecodingKey::from_jwk(&jwk).map_err(|_| Error::Crypto("reading a signing key"))?;
            verifiers.insert((*kid).clone(), verifier);
            published.keys.push(jwk);
        }
        Ok(Self { signer, verifiers, published, api, access, anon })
    }

    /// The access key of an id; `None` if it is not a live one.
    pub(super) fn access_key(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.access.get(id)
    }

    /// The owner of an API key; `None` if it is not a live one.
    pub(super) fn find(&self, key: &str, now: Timestamp) -> Option<&Arc<Principal>> {
        if key.len() > token::MAX_TOKEN {
            return None;
        }
        let found = self.api.get(&token::hash(key.as_bytes()))?;
        (found.expires > now).then_some(&found.principal)
    }
}

fn api_key_of(key: &StoredKey) -> Result<ApiKey> {
    let role = role_of(&key.name).ok_or(Error::Inconsistent("an API key has an unknown role"))?;
    Ok(ApiKey { principal: owner(Kind::ApiKey, role, key.id), expires: key.created_at.plus(API_KEY_LIFETIME) })
}

fn access_key_of(key: &StoredKey, secret: Vec<u8>) -> Result<AccessKey> {
    let secret = String::from_utf8(secret).map_err(|_| Error::Inconsistent("a key is not text"))?;
    Ok(AccessKey { secret: Secret::new(secret), principal: owner(Kind::AccessKey, Role::ServiceRole, key.id) })
}

/// Who a key of the server stands for.
fn owner(kind: Kind, role: Role, key: KeyId) -> Arc<Principal> {
    let mut claims = Map::new();
    claims.insert("role".to_owned(), role.as_str().into());
    let (scopes, claims) = (Vec::new(), Arc::new(claims));
    Arc::new(Principal { kind, role, claims, scopes, key_id: Some(key), session_id: None, user_id: None })
}

/// The keys for `plinth keys`; makes them if there are none yet.
///
/// # Errors
/// [`Error::WrongMasterKey`], or the database failed.
pub async fn show(db: &Db, vault: &Vault, clock: &Clock) -> Result<KeySet> {
    let mut tries = 0;
    let stored = loop {
        match ensure(db, vault, clock).await {
            // A server that starts for the first time beside this command is about to make them.
            Err(Error::Db(db::Error::ReadOnly)) if tries < SHOW_TRIES => tries += 1,
            ensured => break ensured?,
        }
        tokio::time::sleep(SHOW_PAUSE).await;
    };
    let find = |name: &str| {
        stored.iter().find(|key| key.name == name).ok_or(Error::Inconsistent("plinth.keys lacks one of the server's keys"))
    };
    let open = |name: &str| {
        let plain = vault.unwrap(&context(name), &find(name)?.sealed)?;
        String::from_utf8(plain).map_err(|_| Error::Inconsistent("a key is not text"))
    };
    Ok(KeySet {
        anon_key: open("anon")?,
        service_key: open("service")?,
        access_key_id: find("access")?.public_id.clone().ok_or(Error::Inconsistent("the access key has no id"))?,
        secret_access_key: open("access")?,
    })
}

/// Reads the keys, having made them where there are none, and proves the master key.
async fn ensure(db: &Db, vault: &Vault, clock: &Clock) -> Result<Vec<StoredKey>> {
    let mut stored = queries::live(&mut db.read().await?).await?;
    if stored.is_empty() {
        let made = Arc::new(make(vault, clock.now())?);
        // Another node may do the same at this moment: in whichever order the two run, one node's keys are all there and
        // the other's are all passed over.
        stored = db
            .write(move |tx| {
                let made = Arc::clone(&made);
                Box::pin(async move {
                    for key in made.iter() {
                        queries::insert(tx, key).await?;
                    }
                    Ok::<_, Error>(queries::live(tx).await?)
                })
            })
            .await?;
    }
    let check = stored.iter().find(|key| key.kind == "check").ok_or(Error::Inconsistent("plinth.keys has no check"))?;
    if vault.unwrap(&context(&check.name), &check.sealed)? != CHECK {
        return Err(Error::WrongMasterKey);
    }
    Ok(stored)
}

fn make(vault: &Vault, now: Timestamp) -> Result<Vec<StoredKey>> {
    let stored = |id: KeyId, name: &str, kind: &str, public_id: Option<String>, plain: &[u8]| -> Result<StoredKey> {
        let sealed = vault.wrap(&context(name), plain)?;
        Ok(StoredKey { id, name: name.to_owned(), kind: kind.to_owned(), public_id, sealed, created_at: now })
    };
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Error::Crypto("making a signing key"))?;
    let kid = Uuid::new_v4().to_string();
    let signer = Signer::new(&kid, pkcs8.as_ref());

    let mut keys = vec![
        stored(KeyId::random(), "check", "check", None, CHECK)?,
        stored(KeyId::random(), "signing", "signing", Some(kid), pkcs8.as_ref())?,
    ];
    for name in ["anon", "service"] {
        let id = KeyId::random();
        let role = role_of(name).ok_or(Error::Inconsistent("an API key has an unknown role"))?;
        keys.push(stored(id, name, "api", None, api_key(&signer, id, role, now)?.as_bytes())?);
    }
    let access_id = format!("PLNT{}", random_text::<16>(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")?);
    let secret = random_text::<40>(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")?;
    keys.push(stored(KeyId::random(), "access", "access", Some(access_id), secret.as_bytes())?);
    Ok(keys)
}

fn api_key(signer: &Signer, id: KeyId, role: Role, now: Timestamp) -> Result<String> {
    let claims = json!({
        "iss": "plinth",
        "role": role.as_str(),
        "key_id": id,
        "iat": now.seconds(),
        "exp": now.plus(API_KEY_LIFETIME).seconds(),
    });
    match claims {
        Value::Object(claims) => signer.sign(&claims),
        _ => Err(Error::Crypto("writing an API key")),
    }
}

fn role_of(name: &str) -> Option<Role> {
    match name {
        "anon" => Some(Role::Anon),
        "service" => Some(Role::ServiceRole),
        _ => None,
    }
}

fn context(name: &str) -> String {
    format!("plinth.keys {name}")
}

fn publish(kid: &str, pkcs8: &[u8]) -> Result<Jwk> {
    let key = EncodingKey::from_ec_der(pkcs8);
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(|_| Error::Crypto("reading a signing key"))?;
    jwk.common.key_id = Some(kid.to_owned());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    jwk.common.key_operations = Some(vec![KeyOperations::Verify]);
    Ok(jwk)
}

/// Random text over an alphabet whose length divides 256, so that every letter is as likely.
fn random_text<const N: usize>(alphabet: &[u8]) -> Result<String> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Crypto("random bytes"))?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
