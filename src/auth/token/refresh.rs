//! Refresh tokens: a session's id and a counter, signed.
//!
//! The text is base64url of `version (1) | session id (16) | counter (8) | HMAC-SHA256 (32)`. The key is the session's own: HMAC
//! of the session's random salt under a key derived from the master key. Whoever has the database has the salts and the
//! counters, and still cannot write a token; a token says nothing about another session's.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::auth::Result;
use crate::auth::vault::Vault;
use crate::types::{Secret, SessionId};

/// The length of a session's salt, in bytes.
pub const SALT_LENGTH: usize = 16;

const VERSION: u8 = 1;
const SIGNED: usize = 1 + 16 + 8;
const LENGTH: usize = SIGNED + 32;

/// What a refresh token says, before anybody asked whether it is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    pub session: SessionId,
    /// Which of the session's tokens it is, counted from 0.
    pub counter: i64,
    tag: [u8; 32],
}

impl RefreshToken {
    /// Reads a token's text; `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != LENGTH.div_ceil(3) * 4 {
            return None;
        }
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (version, rest) = bytes.split_first()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (counter, tag) = rest.split_first_chunk::<8>()?;
        if *version != VERSION {
            return None;
        }
        Some(Self {
            session: SessionId(Uuid::from_bytes(*session)),
            counter: i64::from_be_bytes(*counter),
            tag: tag.try_into().ok()?,
        })
    }
}

/// Writes refresh tokens and tells the genuine ones.
#[derive(Clone, Debug)]
pub struct RefreshKeys(hmac::Key);

impl RefreshKeys {
    /// The keys of the servers that share this vault's master key.
    ///
    /// # Errors
    /// Deriving the key failed.
    pub fn new(vault: &Vault) -> Result<Self> {
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &vault.derive("refresh tokens")?)))
    }

    /// Writes the session's token with this counter: always the same text.
    #[must_use]
    pub fn write(&self, session: SessionId, counter: i64, salt: &[u8]) -> Secret<String> {
        let signed = signed(session, counter);
        let tag = hmac::sign(&self.of_session(salt), &signed);
        Secret::new(URL_SAFE_NO_PAD.encode([&signed[..], tag.as_ref()].concat()))
    }

    /// Whether this server wrote the token, for a session with this salt. Takes the same time either way.
    #[must_use]
    pub fn is_genuine(&self, token: &RefreshToken, salt: &[u8]) -> bool {
        hmac::verify(&self.of_session(salt), &signed(token.session, token.counter), &token.tag).is_ok()
    }

    fn of_session(&self, salt: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&self.0, salt).as_ref())
    }
}

fn signed(session: SessionId, counter: i64) -> [u8; SIGNED] {
    let mut bytes = [VERSION; SIGNED];
    bytes[1..17].copy_from_slice(session.0.as_bytes());
    bytes[17..].copy_from_slice(&counter.to_be_bytes());
    bytes
}
