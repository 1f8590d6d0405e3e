//! Keeps secrets at rest: what goes into the database is sealed under the server's master key.
//!
//! The master key is 32 random bytes: `PLINTH_MASTER_KEY`, or the file `master.key` in the data folder, made at the first
//! start. Nothing is encrypted with it directly; each use has a key of its own derived from it.
//!
//! A sealed value is `version (1) | nonce (12) | AES-256-GCM ciphertext and tag`, with the context it was sealed for as
//! associated data, so that a value copied to another row or column does not open.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{Error, Result};
use crate::types::Secret;

/// The name of the master key's file in the data folder.
pub const KEY_FILE: &str = "master.key";

const VERSION: u8 = 1;
const NONCE: usize = 12;
const SALT: &[u8] = b"plinth master key 1";

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    aead: RandomizedNonceKey,
    root: hkdf::Prk,
}

impl Vault {
    /// Takes the master key from `env_key` where that is given, else from `data`/`master.key`, which is made if there is none.
    ///
    /// # Errors
    /// The key is not 32 bytes in base64 or hex, or the file cannot be read or made.
    pub fn open(data: &Path, env_key: Option<&Secret<String>>) -> Result<Self> {
        let master = match env_key {
            Some(text) => decode(text.expose()).ok_or_else(|| bad_key("PLINTH_MASTER_KEY"))?,
            None => read_or_create(data)?,
        };
        Self::with_key(&master)
    }

    /// A vault over a master key that the caller holds.
    ///
    /// # Errors
    /// The cryptography library refused, which it does not for 32 bytes.
    pub fn with_key(master: &[u8; 32]) -> Result<Self> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(master);
        let key = derive(&root, "seal")?;
        let aead = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| Error::Crypto("the sealing key"))?;
        Ok(Self(Arc::new(Inner { aead, root })))
    }

    /// Seals a secret for `context`, which must be named again to open it.
    ///
    /// # Errors
    /// The cryptography library failed.
    pub fn wrap(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut body = plain.to_vec();
        let aad = Aad::from(context.as_bytes());
        let nonce = self.0.aead.seal_in_place_append_tag(aad, &mut body).map_err(|_| Error::Crypto("sealing a secret"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Opens what [`Vault::wrap`] sealed for the same context.
    ///
    /// # Errors
    /// [`Error::WrongMasterKey`]: it was sealed under another key or for another context, or it was changed since.
    pub fn unwrap(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (version, rest) = sealed.split_first().ok_or(Error::WrongMasterKey)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(Error::WrongMasterKey)?;
        if *version != VERSION {
            return Err(Error::WrongMasterKey);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::WrongMasterKey)?;
        let mut body = body.to_vec();
        let aad = Aad::from(context.as_bytes());
        let plain = self.0.aead.open_in_place(nonce, aad, &mut body).map_err(|_| Error::WrongMasterKey)?;
        Ok(plain.to_vec())
    }

    /// A key for one purpose, the same on every node that has this master key.
    ///
    /// # Errors
    /// The cryptography library failed.
    pub fn derive(&self, purpose: &str) -> Result<[u8; 32]> {
        derive(&self.0.root, purpose)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault([secret])")
    }
}

fn derive(root: &hkdf::Prk, purpose: &str) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    root.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|_| Error::Crypto("deriving a key"))?;
    Ok(key)
}

/// 32 bytes from hex, or from base64 of either alphabet, padded or not.
fn decode(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(key);
    }
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok()?.try_into().ok())
}

fn bad_key(place: &str) -> Error {
    Error::MasterKey(format!("the master key in {place} must be 32 bytes in base64 (44 characters) or hex (64)"))
}

fn read_or_create(data: &Path) -> Result<[u8; 32]> {
    let path = data.join(KEY_FILE);
    if !path.exists() {
        create(data, &path).map_err(|err| Error::MasterKey(format!("cannot make {}: {err}", path.display())))?;
    }
    let read = |err: io::Error| Error::MasterKey(format!("cannot read {}: {err}", path.display()));
    let mode = fs::metadata(&path).map_err(read)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the master key can be read by others: its mode should be 0600");
    }
    decode(&fs::read_to_string(&path).map_err(read)?).ok_or_else(|| bad_key(&path.display().to_string()))
}

/// Writes a new key beside the name and links it there, so that a crash leaves no half key, and of two servers that start
/// at once on a new folder the second takes the first's.
fn create(data: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(data)?;
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("the system gave no random bytes"))?;
    let draft = data.join(format!(".{KEY_FILE}.{}", Uuid::new_v4()));
    let written = write_draft(&draft, &key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written?;
    removed?;
    File::open(data)?.sync_all()
}

fn write_draft(draft: &Path, key: &[u8; 32]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()
}
