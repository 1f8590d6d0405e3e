//! Tokens: the ones that say who is calling, and the ones that get new ones.

mod access;
mod refresh;

pub use self::access::{Issuer, MAX_TOKEN, Signer, TokenHash, Verifier, hash};
pub use self::refresh::{RefreshKeys, RefreshToken, SALT_LENGTH};
