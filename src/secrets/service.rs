//! The verbs of secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::error::{Error, Result};
use super::model::{Given, MAX_SECRETS, SecretInfo, SecretName, check_value};
use super::queries;
use crate::auth::vault::Vault;
use crate::db::Db;
use crate::tasks::Tasks;
use crate::types::{Clock, Secret};

/// How soon a node knows of a change that another made.
pub const FOLLOWED_WITHIN: Duration = Duration::from_secs(1);

/// Keeps secrets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SecretsService {
    db: Db,
    vault: Vault,
    clock: Clock,
    /// The count of changes, as far as this node knows.
    changes: Arc<AtomicI64>,
}

impl SecretsService {
    /// Secrets in the app's database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open(db: Db, vault: Vault, clock: Clock, tasks: &Tasks) -> Result<Self> {
        let changes = queries::changes(&mut db.read().await?).await?;
        let secrets = Self { db, vault, clock, changes: Arc::new(AtomicI64::new(changes)) };
        if secrets.db.is_postgres() {
            drop(tasks.spawn(secrets.clone().follow(tasks.clone())));
        }
        Ok(secrets)
    }

    /// Writes a secret; true when there was none of that name. Environments that begin when this has returned are given it.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::TooMany`], or the database fails: nothing is written.
    pub async fn put(&self, name: SecretName, value: Secret<String>) -> Result<(SecretInfo, bool)> {
        check_value(value.expose())?;
        let (id, now) = (Uuid::new_v4(), self.clock.now());
        let sealed = self.vault.wrap(&context(id), value.expose().as_bytes())?;
        let written = self.db.write(move |tx| {
            let (name, sealed) = (name.clone(), sealed.clone());
            Box::pin(async move {
                // First, so that two that change secrets at once come one after the other.
                let changes = queries::changed(tx).await?;
                let is_new = queries::find(tx, &name).await?.is_none();
                if is_new && queries::count(tx).await? >= MAX_SECRETS {
                    return Err(Error::TooMany);
                }
                Ok((queries::put(tx, &name, (id, &sealed), now).await?, is_new, changes))
            })
        });
        let (info, is_new, changes) = written.await?;
        self.learn(changes);
        Ok((info, is_new))
    }

    /// Deletes a secret. Environments that begin when this has returned are not given it.
    ///
    /// # Errors
    /// [`Error::Unknown`], or the database fails.
    pub async fn delete(&self, name: SecretName) -> Result<()> {
        let deleted = self.db.write(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                let changes = queries::changed(tx).await?;
                if queries::delete(tx, &name).await? { Ok(changes) } else { Err(Error::Unknown(name)) }
            })
        });
        self.learn(deleted.await?);
        Ok(())
    }

    /// All secrets, in the order of their names; never their values.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<SecretInfo>> {
        Ok(queries::list(&mut self.db.read().await?, MAX_SECRETS).await?)
    }

    /// The values of these secrets, for a function that names them.
    ///
    /// # Errors
    /// [`Error::Damaged`], or the database fails.
    pub async fn give(&self, names: &[String]) -> Result<Given> {
        let changes = self.changes();
        let (mut values, mut missing) = (BTreeMap::new(), Vec::new());
        if names.is_empty() {
            return Ok(Given { changes, ..Given::default() });
        }
        let mut conn = self.db.read().await?;
        for name in names {
            let name = SecretName::new(name)?;
            match queries::find(&mut conn, &name).await? {
                Some((id, sealed)) => drop(values.insert(name.to_string(), self.unseal(&name, id, &sealed)?)),
                None => missing.push(name.to_string()),
            }
        }
        Ok(Given { values: Secret::new(values), missing, changes })
    }

    /// The count of changes: values that were given at a lower one may be others by now.
    #[must_use]
    pub fn changes(&self) -> i64 {
        self.changes.load(Ordering::Acquire)
    }

    fn unseal(&self, name: &SecretName, id: Uuid, sealed: &[u8]) -> Result<String> {
        let plain = self.vault.unwrap(&context(id), sealed).map_err(|err| Error::Damaged(name.clone(), err.to_string()))?;
        String::from_utf8(plain).map_err(|_| Error::Damaged(name.clone(), "it is no text".to_owned()))
    }

    fn learn(&self, changes: i64) {
        self.changes.fetch_max(changes, Ordering::AcqRel);
    }

    /// Learns of changes that other nodes make, until the server stops.
    async fn follow(self, tasks: Tasks) {
        while !tasks.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep(FOLLOWED_WITHIN) => {}
                () = tasks.soft_stopped() => return,
            }
            let changes = async { queries::changes(&mut self.db.read().await?).await };
            match changes.await {
                Ok(changes) => self.learn(changes),
                Err(err) => tracing::warn!(error = %err, "changes of secrets are not known for now: {err}"),
            }
        }
    }
}

/// What the vault binds a value to.
fn context(id: Uuid) -> String {
    format!("secrets.{id}")
}
