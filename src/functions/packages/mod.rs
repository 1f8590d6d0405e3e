//! Packages: the code of revisions, by hash in the blob store, with the node's cache before it.

pub(super) mod single;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use moka::sync::Cache;

use super::error::{Error, Result};
use super::invoker::hex;
use super::model::Revision;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::types::RevisionId;

/// Code kept in memory, in bytes.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Reads and writes packages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Packages {
    blobs: Blobs,
    vault: Vault,
    /// Code by its hash; what is in here was checked.
    cache: Cache<String, Bytes>,
}

impl Packages {
    pub(super) fn new(blobs: Blobs, vault: Vault) -> Self {
        let weigh = |key: &String, code: &Bytes| u32::try_from(key.len() + code.len()).unwrap_or(u32::MAX);
        Self { blobs, vault, cache: Cache::builder().weigher(weigh).max_capacity(CACHE_BYTES).build() }
    }

    /// Stores bytes durably, and gives their hash.
    pub(super) async fn put(&self, bytes: Bytes) -> Result<String> {
        let sha256 = sha256(&bytes);
        self.blobs.put(&key(&sha256), bytes).await?;
        Ok(sha256)
    }

    /// The code of a revision, checked against its hash, and its variables.
    pub(super) async fn open(&self, revision: &Revision) -> Result<(Bytes, BTreeMap<String, String>)> {
        Ok((self.code(revision).await?, self.variables(revision)?))
    }

    /// Seals the variables of a revision that is about to be made.
    pub(super) fn seal(&self, id: RevisionId, variables: &BTreeMap<String, String>) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(variables).map_err(|_| Error::Damaged(id, "its variables are no JSON"))?;
        Ok(self.vault.wrap(&Revision::env_context(id), &json)?)
    }

    /// The source of a revision as it was uploaded.
    pub(super) async fn source(&self, revision: &Revision) -> Result<Bytes> {
        let source = self.blobs.get(&key(&revision.package.source_sha256)).await?;
        source.ok_or(Error::Damaged(revision.id, "its source is not in the blob store"))
    }

    async fn code(&self, revision: &Revision) -> Result<Bytes> {
        let expected = &revision.package.code_sha256;
        if let Some(code) = self.cache.get(expected) {
            return Ok(code);
        }
        let code = self.blobs.get(&key(expected)).await?.ok_or(Error::Damaged(revision.id, "it is not in the blob store"))?;
        if sha256(&code) != *expected || revision.package.code_len > code.len() {
            return Err(Error::Damaged(revision.id, "its hash is another"));
        }
        self.cache.insert(expected.clone(), code.clone());
        Ok(code)
    }

    /// The variables of a revision.
    pub(super) fn variables(&self, revision: &Revision) -> Result<BTreeMap<String, String>> {
        let json = self.vault.unwrap(&Revision::env_context(revision.id), &revision.sealed_env)?;
        serde_json::from_slice(&json).map_err(|_| Error::Damaged(revision.id, "its variables are no JSON"))
    }
}

/// The SHA-256 of bytes, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn key(sha256: &str) -> String {
    format!("functions/{sha256}")
}
