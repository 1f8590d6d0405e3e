//! What a key may be.

use object_store::path::Path;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 1024;

/// The longest part between two slashes, in bytes: file systems allow 255, and a file that is being written has a longer name.
const MAX_PART: usize = 200;

/// A key that names no blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a blob's key has parts of letters (a-z, A-Z), digits, '.', '-' and '_', joined by '/'; a part does not begin with '.', has at \
     most {MAX_PART} characters, and all of it at most {MAX_KEY}"
)]
pub struct InvalidKey;

/// Checks a key. Nothing in it needs escaping, so it is the path in the store as it stands.
pub(super) fn parse(key: &str) -> Result<Path, InvalidKey> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let good = |part: &str| !part.is_empty() && part.len() <= MAX_PART && !part.starts_with('.') && part.chars().all(allowed);
    if key.len() > MAX_KEY || !key.split('/').all(good) {
        return Err(InvalidKey);
    }
    Path::parse(key).map_err(|_| InvalidKey)
}
