//! Computes signatures and compares them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;

use super::canonical::{PathStyle, Signed};
use super::credential::{ALGORITHM, Credential, Payload, UNSIGNED, basic};
use super::{Refused, hex};
use crate::types::{Secret, Timestamp};

/// What a signature is checked for.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The service the credential must be for, such as `lambda`.
    pub service: &'a str,
    pub path: PathStyle,
    pub now: Timestamp,
}

impl Check<'_> {
    /// What can be checked before the body is read and the key is looked up: service, date, headers.
    ///
    /// # Errors
    /// [`Refused::OutOfScope`], or [`Refused::UnknownKey`] for a session token.
    pub fn before_body(&self, credential: &Credential, request: &Signed<'_>) -> Result<(), Refused> {
        credential.check_scope(self.service, self.now)?;
        credential.check_headers(request)
    }
}

/// Whether the request was signed with this secret, and has this body.
///
/// # Errors
/// [`Refused::Mismatch`] or [`Refused::OtherBody`], and those of [`Check::before_body`].
pub fn verify(
    check: &Check<'_>,
    credential: &Credential,
    secret: &Secret<String>,
    request: &Signed<'_>,
    body: &[u8],
) -> Result<(), Refused> {
    check.before_body(credential, request)?;
    let payload = match &credential.payload {
        Payload::Unsigned => UNSIGNED.to_owned(),
        Payload::Computed => sha256(body),
        Payload::Hash(hash) => hash.clone(),
    };
    let canonical = request.canonical(check.path, &credential.signed_headers, &payload);
    let text = to_be_signed(&credential.date, &credential.scope, &canonical);
    let key = signing_key(secret, &credential.day, &credential.region, &credential.service);
    hmac::verify(&key, text.as_bytes(), &credential.signature).map_err(|_| Refused::Mismatch)?;
    // Only after the signature, which is over the hash: what a stranger sends tells nothing.
    match &credential.payload {
        Payload::Hash(hash) if *hash != sha256(body) => Err(Refused::OtherBody),
        _ => Ok(()),
    }
}

/// The `Authorization` header of a request that this server makes, or that a test makes: over all its headers, which must hold
/// `host` and `x-amz-date` (see [`basic`]).
#[must_use]
pub fn sign(check: &Check<'_>, access_key_id: &str, secret: &Secret<String>, request: &Signed<'_>, body: &[u8]) -> String {
    let date = basic(check.now);
    let (day, region) = (&date[..8], "local");
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let canonical = request.canonical(check.path, &names, &sha256(body));
    let scope = format!("{day}/{region}/{}/aws4_request", check.service);
    let key = signing_key(secret, day, region, check.service);
    let signature = hex::encode(hmac::sign(&key, to_be_signed(&date, &scope, &canonical).as_bytes()).as_ref());
    format!("{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={}, Signature={signature}", names.join(";"))
}

fn to_be_signed(date: &str, scope: &str, canonical: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256(canonical.as_bytes()))
}

fn signing_key(secret: &Secret<String>, day: &str, region: &str, service: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", secret.expose()).as_bytes());
    for part in [day, region, service, "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes).as_ref())
}
