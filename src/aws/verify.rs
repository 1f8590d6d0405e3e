//! Computes signatures and compares them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;

use super::canonical::{PathStyle, Signed};
use super::chunked::Chain;
use super::credential::{ALGORITHM, Credential, Payload, basic};
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
    /// [`Refused::OutOfScope`], [`Refused::Skewed`], [`Refused::Expired`], [`Refused::UnsignedHeader`].
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
        Payload::Computed => sha256(body),
        payload => payload.stands().to_owned(),
    };
    compare(check, credential, secret, request, &payload)?;
    // Only after the signature, which is over the hash: what a stranger sends tells nothing.
    match &credential.payload {
        Payload::Hash(hash) if *hash != sha256(body) => Err(Refused::OtherBody),
        Payload::Chunked(_) => Err(Refused::Incomplete("a body in chunks is not taken here".to_owned())),
        _ => Ok(()),
    }
}

/// Whether the head of a request was signed with this secret; its body is looked at as it comes, as [`Credential::payload`] says. Gives
/// what verifies the signatures of chunks. A body of which nothing is said is not signed.
///
/// # Errors
/// [`Refused::Mismatch`], and those of [`Check::before_body`].
pub fn verify_head(
    check: &Check<'_>,
    credential: &Credential,
    secret: &Secret<String>,
    request: &Signed<'_>,
) -> Result<Chain, Refused> {
    check.before_body(credential, request)?;
    let key = compare(check, credential, secret, request, credential.payload.stands())?;
    Ok(Chain::new(key, &credential.date, &credential.scope, hex::encode(&credential.signature)))
}

fn compare(
    check: &Check<'_>,
    credential: &Credential,
    secret: &Secret<String>,
    request: &Signed<'_>,
    payload: &str,
) -> Result<hmac::Key, Refused> {
    let canonical = request.canonical(check.path, &credential.signed_headers, payload);
    let text = to_be_signed(&credential.date, &credential.scope, &canonical);
    let key = signing_key(secret, &credential.day, &credential.region, &credential.service);
    hmac::verify(&key, text.as_bytes(), &credential.signature).map_err(|_| Refused::Mismatch)?;
    Ok(key)
}

/// The `Authorization` header of a request that this server makes, or that a test makes: over all its headers, which must hold
/// `host` and `x-amz-date` (see [`basic`]); what `x-amz-content-sha256` says stands for the body where it is there.
#[must_use]
pub fn sign(check: &Check<'_>, access_key_id: &str, secret: &Secret<String>, request: &Signed<'_>, body: &[u8]) -> String {
    let date = basic(check.now);
    let (day, region) = (&date[..8], "local");
    let mut names: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let said = request.one("x-amz-content-sha256").map_or_else(|| sha256(body), str::to_owned);
    let canonical = request.canonical(check.path, &names, &said);
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

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes).as_ref())
}
