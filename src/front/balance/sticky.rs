//! The cookie that leads a client back to its server.
//!
//! Its value is a keyed hash of the upstream's name and the server's address: who does not have the key cannot make one for a server of
//! its choice, and learns nothing of addresses from it.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::front::{SameSite, Sticky};

/// Bytes of the hash that are sent.
const BYTES: usize = 16;

/// Makes the values of cookies.
#[derive(Clone)]
pub(super) struct Tokens(hmac::Key);

impl Tokens {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(super) fn of(&self, upstream: &str, address: SocketAddr) -> String {
        let tag = hmac::sign(&self.0, format!("{upstream}\n{address}").as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..BYTES])
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens([secret])")
    }
}

/// The `Set-Cookie` that leads a client back to the server of this token.
pub(super) fn set_cookie(how: &Sticky, token: &str) -> String {
    let mut cookie = format!("{}={token}; Path={}", how.name, how.path);
    if let Some(ttl) = how.ttl {
        let _ = write!(cookie, "; Max-Age={}", ttl.as_secs());
    }
    if let Some(domain) = &how.domain {
        let _ = write!(cookie, "; Domain={domain}");
    }
    cookie.push_str(match how.same_site {
        SameSite::Strict => "; SameSite=Strict",
        SameSite::Lax => "; SameSite=Lax",
        SameSite::None => "; SameSite=None",
    });
    // Browsers take SameSite=None with Secure alone.
    if how.secure || how.same_site == SameSite::None {
        cookie.push_str("; Secure");
    }
    if how.http_only {
        cookie.push_str("; HttpOnly");
    }
    cookie
}
