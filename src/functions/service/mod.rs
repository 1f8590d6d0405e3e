//! The verbs of functions: their rules and transactions. A file for each kind of thing.

mod aliases;
mod asynchronous;
mod calls;
mod deploy;
mod life;
mod policies;
mod provisioned;
mod reading;
mod urls;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;

pub use self::aliases::AliasChange;
pub use self::asynchronous::{EventConfigDraft, MAX_EVENT, MappingDraft, MappingFilter};
pub use self::calls::{Event, Target};
pub use self::deploy::Draft;
pub use self::life::Status;
pub use self::reading::Totals;
pub use self::versions::Publication;
use super::egress::Own;
use super::events::{Feeders, Runner};
use super::invoker::Invoker;
use super::logs::Logs;
use super::packages::Packages;
use super::registry::Registry;
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config;
use crate::db::Databases;
use crate::queues::QueuesService;
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionName, Timestamp};

/// How often a change is tried when others change the same thing meanwhile.
const TRIES: usize = 8;

/// Deploys, finds and calls functions. Cheap to clone.
#[derive(Clone)]
pub struct FunctionsService(Arc<Inner>);

struct Inner {
    config: config::Functions,
    databases: Databases,
    clock: Clock,
    auth: AuthService,
    registry: Registry,
    packages: Packages,
    logs: Logs,
    invoker: Invoker,
    vault: Vault,
    events: Runner,
    queues: QueuesService,
    feeders: Feeders,
}

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
    fn changed(&self, name: &FunctionName) {
        self.0.registry.forget(name);
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
