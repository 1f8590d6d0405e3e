//! Packages: the sources of revisions, by hash in the blob store, and what runs of them.
//!
//! What runs ([`built`]) is made from the source by a locked worker, and can be made again: by another build of the server, whose V8
//! takes no cache of this one's, or after it was lost. It is kept in the blob store too, and the node keeps what it used last.

pub mod archive;
mod build;
mod built;
mod upkeep;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;
use moka::sync::Cache;

pub(in crate::functions) use self::build::BuildId;
pub(super) use self::built::Built;
use self::built::{MadeOf, sha256};
pub(super) use self::upkeep::Unneeded;
use super::error::{Error, Result};
use super::invoker::hex;
use super::model::{Package, Revision};
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::db::Db;
use crate::types::RevisionId;

/// Reads and writes packages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Packages {
    db: Db,
    blobs: Blobs,
    vault: Vault,
    secret: Arc<hmac::Key>,
    build: BuildId,
    /// Packages by their keys; what is in here was checked.
    cache: Cache<String, Arc<Built>>,
}

impl Packages {
    /// `cache_bytes` is what the node keeps in memory.
    pub(super) fn new(db: Db, blobs: Blobs, vault: Vault, build: BuildId, cache_bytes: usize) -> Result<Self> {
        let secret = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &vault.derive("functions.built")?));
        let weigh = |_: &String, built: &Arc<Built>| built.weight();
        let cache = Cache::builder().weigher(weigh).max_capacity(u64::try_from(cache_bytes).unwrap_or(u64::MAX)).build();
        Ok(Self { db, blobs, vault, secret, build, cache })
    }

    /// Stores a source durably under a key that was never used before, and gives the key and the source's hash. The key is announced
    /// first, so that nobody takes the source for one that is not needed.
    pub(super) async fn put(&self, source: Bytes) -> Result<(String, String)> {
        let sha256 = sha256(&source);
        let key = format!("functions/{sha256}-{}", RevisionId::random());
        self.announce(key.clone()).await?;
        self.blobs.put(&key, source).await?;
        Ok((key, sha256))
    }

    /// The source of a revision, checked against its hash.
    pub(super) async fn source(&self, revision: &Revision) -> Result<Bytes> {
        let expected = &revision.package.source_sha256;
        let source = self.blobs.get(&revision.package.source_key).await?;
        let source = source.ok_or(Error::Damaged(revision.id, "it is not in the blob store"))?;
        if sha256(&source) == *expected { Ok(source) } else { Err(Error::Damaged(revision.id, "its hash is another")) }
    }

    /// Keeps what was made of a source.
    pub(super) async fn keep(&self, package: &Package, handler: Option<&str>, built: Built) -> Result<Arc<Built>> {
        let key = self.key(package, handler).await?;
        self.blobs.put(&key, built.seal(&key, &self.secret)).await?;
        let built = Arc::new(built);
        self.cache.insert(key, Arc::clone(&built));
        Ok(built)
    }

    /// What was made of a source by this build; `None` when it is to be made.
    pub(super) async fn built(&self, package: &Package, handler: Option<&str>) -> Result<Option<Arc<Built>>> {
        let key = self.key(package, handler).await?;
        if let Some(built) = self.cache.get(&key) {
            return Ok(Some(built));
        }
        let Some(sealed) = self.blobs.get(&key).await? else { return Ok(None) };
        let Some(built) = Built::open(&sealed, &key, &self.secret) else {
            tracing::warn!(key, "a built package does not hold its seal; it is made anew");
            return Ok(None);
        };
        let built = Arc::new(built);
        self.cache.insert(key, Arc::clone(&built));
        Ok(Some(built))
    }

    /// Seals the variables of a revision that is about to be made.
    pub(super) fn seal(&self, id: RevisionId, variables: &BTreeMap<String, String>) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(variables).map_err(|_| Error::Damaged(id, "its variables are no JSON"))?;
        Ok(self.vault.wrap(&Revision::env_context(id), &json)?)
    }

    /// The variables of a revision.
    pub(super) fn variables(&self, revision: &Revision) -> Result<BTreeMap<String, String>> {
        let json = self.vault.unwrap(&Revision::env_context(revision.id), &revision.sealed_env)?;
        serde_json::from_slice(&json).map_err(|_| Error::Damaged(revision.id, "its variables are no JSON"))
    }

    /// Where what this build makes of a source is kept. The handler decides which file is the entry.
    async fn key(&self, package: &Package, handler: Option<&str>) -> Result<String> {
        let made_of = MadeOf { source_sha256: &package.source_sha256, kind: package.kind, handler };
        Ok(made_of.key(&self.build().await?))
    }

    /// The name of this build among the keys.
    async fn build(&self) -> Result<String> {
        let build = self.build.get().await.map_err(|err| Error::NoWorker(format!("the program cannot be read: {err}")))?;
        Ok(hex(&build[..8]))
    }
}
