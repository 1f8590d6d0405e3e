//! The verbs of functions: their rules and transactions. A file for each kind of thing.

mod aliases;
mod asynchronous;
mod calls;
mod deploy;
mod life;
mod parts;
mod policies;
mod provisioned;
mod reading;
mod schedules;
mod urls;
mod usage;
mod versions;

use std::sync::Arc;

pub use self::aliases::AliasChange;
pub use self::asynchronous::{EventConfigDraft, MAX_EVENT, MappingDraft, MappingFilter, Work};
pub use self::calls::{Event, Target};
pub use self::deploy::{Draft, Earlier};
pub use self::life::Status;
pub(super) use self::life::WeakService;
pub use self::parts::Parts;
pub use self::reading::Totals;
pub use self::schedules::Declarations;
pub use self::versions::Publication;
use super::events::{Feeders, Runner};
use super::invoker::Invoker;
use super::logs::Logs;
use super::metering::Usage;
use super::packages::Packages;
use super::registry::Registry;
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::config;
use crate::db::Databases;
use crate::queues::QueuesService;
use crate::secrets::SecretsService;
use crate::types::Clock;

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
    secrets: SecretsService,
    events: Runner,
    queues: QueuesService,
    feeders: Feeders,
    schedules: schedules::Wake,
    usage: Usage,
}
