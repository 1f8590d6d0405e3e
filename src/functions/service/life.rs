//! Begins and ends the functions of a node, and tells how they are.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::schedules::Wake;
use super::{FunctionsService, Inner, Parts};
use crate::functions::egress::{Builtins, Egress};
use crate::functions::error::Result;
use crate::functions::events::{Feeders, Runner};
use crate::functions::invoker::{self, Counts, Evicted, Invoker};
use crate::functions::logs::Logs;
use crate::functions::metering::Usage;
use crate::functions::model::Revision;
use crate::functions::packages::BuildId;
use crate::functions::packages::{Packages, Unneeded};
use crate::functions::queries::functions as queries;
use crate::functions::registry::Registry;
use crate::isolate::protocol::Sandbox;
use crate::kv::KvService;
use crate::secrets::SecretsService;

/// How often the end of running calls is looked for while stopping.
const STOP_TICK: Duration = Duration::from_millis(10);

/// How often, at the least, blobs are looked for that nobody needs any more.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// A [`FunctionsService`] that is not kept alive, for what it is made of.
pub(in crate::functions) struct WeakService(Weak<Inner>);

/// What the functions of this node are doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// Which layers of the sandbox hold, as the last worker found them; `None` before there was one.
    pub sandbox: Option<Sandbox>,
    pub environments: usize,
    pub idle: usize,
    /// Environments that are kept initialised though nobody calls.
    pub provisioned: usize,
    pub spares: usize,
    /// Worker processes that live.
    pub processes: usize,
    pub running: usize,
    pub waiting: usize,
    /// What the workers hold of memory, in bytes.
    pub memory: u64,
    /// What they may hold.
    pub memory_allowed: u64,
    /// Environments ended though they did nothing wrong, since the server began.
    pub(in crate::functions) evicted: Evicted,
    /// Calls refused with 429 since then.
    pub throttled: u64,
}

impl FunctionsService {
    /// Starts what runs functions. Workers are started when there is a function for them, now or later.
    ///
    /// # Errors
    /// When the database cannot be read or a thread cannot be started.
    pub async fn open(parts: Parts) -> Result<Self> {
        let Parts { config, databases, blobs, vault, auth, queues, clock, data, program, tasks, own } = parts;
        let registry = Registry::new(databases.app.clone());
        let build = BuildId::of(program.clone());
        let packages = Packages::new(databases.app.clone(), blobs, vault.clone(), build.clone(), config.package_cache)?;
        let logs = Logs::start(databases.system.clone(), clock.clone(), config.log_lines, config.log_followers, &tasks);
        let usage = Usage::new(databases.system.clone(), clock.clone(), tasks.clone());
        let kv = KvService::open(databases.system.clone(), clock.clone(), &tasks);
        let secrets = SecretsService::open(databases.app.clone(), vault.clone(), clock.clone(), &tasks).await?;
        let builtins = Arc::new(Builtins::new(kv, queues.clone()));
        let invoker = Invoker::start(invoker::Setup {
            config: config.clone(),
            packages: packages.clone(),
            logs: logs.clone(),
            usage: usage.clone(),
            vault: vault.clone(),
            build,
            data,
            program,
            tasks: tasks.clone(),
            egress: Egress::new(own),
            platform: Arc::clone(&builtins) as Arc<_>,
            secrets: secrets.clone(),
            anon_key: auth.anon_key().to_owned(),
        })?;
        let any = queries::any(&mut databases.app.read().await?).await?;
        if any {
            invoker.warm_up();
        }
        let events = Runner::new(databases.system.clone(), clock.clone(), most_events(&config));
        let inner = Inner {
            config,
            databases,
            clock,
            auth,
            registry,
            packages,
            logs,
            invoker,
            vault,
            secrets,
            events,
            usage,
            queues,
            feeders: Feeders::default(),
            schedules: Wake::default(),
        };
        let functions = Self(Arc::new(inner));
        builtins.serve(&functions);
        drop(tasks.spawn(functions.clone().keep_provisioned()));
        drop(tasks.spawn(functions.clone().remove_unneeded()));
        drop(tasks.spawn(functions.clone().run_events()));
        drop(tasks.spawn(functions.clone().keep_events()));
        drop(tasks.spawn(functions.clone().feed()));
        drop(tasks.spawn(functions.clone().run_schedules()));
        drop(tasks.spawn(functions.clone().keep_usage()));
        Ok(functions)
    }

    /// A handle that does not keep it alive.
    pub(in crate::functions) fn downgrade(&self) -> WeakService {
        WeakService(Arc::downgrade(&self.0))
    }

    /// Removes what nobody needs any more from the blob store, now and then until the server stops.
    async fn remove_unneeded(self) {
        let (tasks, grace) = (self.0.invoker.tasks.clone(), self.0.config.keep_unneeded);
        let mut unneeded = Unneeded::default();
        while !tasks.is_stopping() {
            tokio::select! {
                () = tokio::time::sleep((grace / 4).min(LOOK_EVERY)) => {}
                () = tasks.soft_stopped() => break,
            }
            match self.0.packages.remove_unneeded(&mut unneeded, grace).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "{removed} blobs were removed that no function needs any more"),
                Err(err) => tracing::warn!(error = %err, "blobs that no function needs any more stay for now: {err}"),
            }
        }
    }

    /// Whether calls are taken, and, when there are functions, the last worker that was started came up.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.invoker.is_closed() && self.0.invoker.has_sound_workers()
    }

    /// What the functions of this node are doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let counts = self.0.invoker.counts();
        let Counts { environments, idle, provisioned, spares, processes, running, waiting, .. } = counts;
        let Counts { memory, memory_allowed, evicted, throttled, .. } = counts;
        let sandbox = self.0.invoker.sandbox();
        Status {
            sandbox,
            environments,
            idle,
            provisioned,
            spares,
            processes,
            running,
            waiting,
            memory,
            memory_allowed,
            evicted,
            throttled,
        }
    }

    /// Environments of a function on this node, and those of them that are idle.
    #[must_use]
    pub fn environments_of(&self, revision: &Revision) -> (usize, usize) {
        self.0.invoker.counts_of(revision.function_id)
    }

    /// Lets calls under way finish, then ends all workers and writes the last log lines. The caller bounds the wait; a wait that is
    /// broken off ends the workers too.
    pub async fn close(&self) {
        let workers = EndWorkers(&self.0.invoker);
        while self.0.invoker.counts().running > 0 {
            tokio::time::sleep(STOP_TICK).await;
        }
        drop(workers);
        self.0.logs.flush_all().await;
    }
}

impl WeakService {
    /// The service, unless it is gone.
    pub(in crate::functions) fn upgrade(&self) -> Option<FunctionsService> {
        self.0.upgrade().map(FunctionsService)
    }
}

/// How many events run at once on this node.
pub(super) fn most_events(config: &crate::config::Functions) -> usize {
    if config.max_events == 0 { config.max_running.div_ceil(2) } else { config.max_events }
}

/// Ends all workers when dropped.
struct EndWorkers<'a>(&'a Invoker);

impl Drop for EndWorkers<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
