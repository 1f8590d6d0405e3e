//! What functions are made of, and the parts that others use.

use std::path::PathBuf;

use super::FunctionsService;
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config;
use crate::db::Databases;
use crate::functions::egress::Own;
use crate::queues::QueuesService;
use crate::secrets::SecretsService;
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionName, Timestamp};

/// What a [`FunctionsService`] is made of.
pub struct Parts {
    pub config: config::Functions,
    /// Migrated.
    pub databases: Databases,
    pub blobs: Blobs,
    pub vault: Vault,
    pub auth: AuthService,
    pub queues: QueuesService,
    pub clock: Clock,
    /// The data folder, for the snapshot's cache.
    pub data: PathBuf,
    /// What function workers are started from: the server's own program, or what a test puts in its place.
    pub program: PathBuf,
    pub tasks: Tasks,
    /// Where this server is, for functions that call it.
    pub own: Own,
}

impl FunctionsService {
    /// Forgets what this node remembers of a function, since it was changed.
    pub(super) fn changed(&self, name: &FunctionName) {
        self.0.registry.forget(name);
        // An alias may point at another version now, whose environments are to be there.
        self.0.invoker.provisioning_changed();
    }

    /// The settings that bound functions.
    #[must_use]
    pub fn config(&self) -> &config::Functions {
        &self.0.config
    }

    /// What keeps the server's secrets.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// What functions are given as variables.
    #[must_use]
    pub fn secrets(&self) -> &SecretsService {
        &self.0.secrets
    }

    /// Who is calling.
    #[must_use]
    pub fn auth(&self) -> &AuthService {
        &self.0.auth
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}
