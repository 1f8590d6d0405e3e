//! The verbs of functions: their rules and transactions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::build::BuildId;
use super::error::{Error, Result};
use super::invoker;
use super::invoker::{Counts, Done, Invoker, Work};
use super::logs::{Filter, Follow, LogEntry, Logs};
use super::model::{Deployment, Package, Revision};
use super::packages::Packages;
use super::queries::functions as queries;
use super::registry::{Found, Registry};
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config;
use crate::db::Databases;
use crate::isolate::protocol::{HttpRequest, Sandbox};
use crate::tasks::Tasks;
use crate::types::{Clock, FunctionId, FunctionName, RequestId, RevisionId, Timestamp};

/// Revisions kept of each function.
const REVISIONS: i64 = 20;

/// How often the end of running calls is looked for while stopping.
const STOP_TICK: Duration = Duration::from_millis(10);

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
}

/// What a [`FunctionsService`] is made of.
pub struct Parts {
    pub config: config::Functions,
    /// Migrated.
    pub databases: Databases,
    pub blobs: Blobs,
    pub vault: Vault,
    pub auth: AuthService,
    pub clock: Clock,
    /// The data folder, for the snapshot's cache.
    pub data: PathBuf,
    /// What function workers are started from: the server's own program, or what a test puts in its place.
    pub program: PathBuf,
    pub tasks: Tasks,
}

/// What the functions of this node are doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// Which layers of the sandbox hold, as the last worker found them; `None` before there was one.
    pub sandbox: Option<Sandbox>,
    pub environments: usize,
    pub idle: usize,
    pub spares: usize,
    /// Worker processes that live.
    pub processes: usize,
    pub running: usize,
    pub waiting: usize,
}

impl FunctionsService {
    /// Starts what runs functions. Workers are started when there is a function for them, now or later.
    ///
    /// # Errors
    /// When the database cannot be read or a thread cannot be started.
    pub async fn open(parts: Parts) -> Result<Self> {
        let Parts { config, databases, blobs, vault, auth, clock, data, program, tasks } = parts;
        let registry = Registry::new(databases.app.clone());
        let build = BuildId::of(program.clone());
        let packages = Packages::new(blobs, vault.clone(), build.clone(), config.package_cache)?;
        let logs = Logs::start(databases.system.clone(), clock.clone(), config.log_lines, config.log_followers, &tasks);
        let invoker = Invoker::start(invoker::Setup {
            config: config.clone(),
            packages: packages.clone(),
            logs: logs.clone(),
            vault,
            build,
            data,
            program,
            tasks: tasks.clone(),
        })?;
        let any = queries::any(&mut databases.app.read().await?).await?;
        if any {
            invoker.warm_up();
        }
        let inner = Inner { config, databases, clock, auth, registry, packages, logs, invoker };
        Ok(Self(Arc::new(inner)))
    }

    /// Compiles, stores and makes live a deployment. Durable when this returns; new calls run it, calls under way finish on the
    /// revision they began with.
    ///
    /// # Errors
    /// [`Error::Rejected`] with what is wrong in the source, [`Error::SourceTooLarge`], [`Error::BadArchive`],
    /// [`Error::CompilerFailed`], and the server's own.
    pub async fn deploy(&self, deployment: Deployment) -> Result<Revision> {
        let limit = self.0.config.max_package;
        let Deployment { name, kind, source, settings, env } = deployment;
        if source.len() > limit {
            return Err(Error::SourceTooLarge { size: source.len(), limit });
        }
        self.0.invoker.warm_up();
        let handler = settings.handler.as_deref();
        let built = self.0.invoker.build(kind, handler, source.clone()).await?;
        let package = Package {
            kind,
            style: built.bundle.style,
            source_size: i64::try_from(source.len()).unwrap_or(i64::MAX),
            source_sha256: self.0.packages.put(source).await?,
        };
        self.0.packages.keep(&package, handler, built).await?;
        let (id, now) = (RevisionId::random(), self.0.clock.now());
        let revision = Revision {
            id,
            function_id: FunctionId::random(),
            name,
            number: 1,
            settings,
            package,
            sealed_env: self.0.packages.seal(id, env.expose())?,
            created_at: now,
            function_created_at: now,
        };
        // Boxed, since a transaction's future is large.
        let revision = Box::pin(self.register(revision)).await?;
        self.0.registry.forget(&revision.name);
        self.0.invoker.set_live(revision.function_id, Some(revision.id));
        Ok(revision)
    }

    /// Gives a revision its function and number, and makes it live.
    async fn register(&self, revision: Revision) -> Result<Revision> {
        self.0
            .databases
            .app
            .write(move |tx| {
                let mut revision = revision.clone();
                Box::pin(async move {
                    let (function, number, created) =
                        queries::advance(tx, revision.function_id, &revision.name, revision.created_at).await?;
                    (revision.function_id, revision.number, revision.function_created_at) = (function, number, created);
                    queries::insert_revision(tx, &revision).await?;
                    queries::prune_revisions(tx, function, number - REVISIONS).await?;
                    Ok(revision)
                })
            })
            .await
    }

    /// The functions after a name, by their live revisions, in the order of their names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, after: Option<&FunctionName>, limit: u32) -> Result<Vec<Revision>> {
        Ok(queries::list_live(&mut self.0.databases.app.read().await?, after, limit).await?)
    }

    /// The live revision of a function, read anew.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn get(&self, name: &FunctionName) -> Result<Revision> {
        let found = queries::find_live(&mut self.0.databases.app.read().await?, name).await?;
        found.ok_or_else(|| Error::UnknownFunction(name.clone()))
    }

    /// Removes a function with its revisions and its log; calls under way finish.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn delete(&self, name: &FunctionName) -> Result<()> {
        let gone = name.clone();
        let deleted = self.0.databases.app.write(move |tx| {
            let name = gone.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, &name).await?) })
        });
        let function = deleted.await?.ok_or_else(|| Error::UnknownFunction(name.clone()))?;
        self.0.registry.forget(name);
        self.0.invoker.set_live(function, None);
        if let Err(err) = self.0.logs.forget(function).await {
            tracing::warn!(function = name.as_str(), "the log of the deleted function {name} stays: {err}");
        }
        Ok(())
    }

    /// The revision that a call of this name runs now; at most two seconds behind other nodes.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn live(&self, name: &FunctionName) -> Result<Arc<Revision>> {
        Ok(match self.0.registry.live(name).await? {
            Found::Remembered(revision) => revision,
            Found::Read(revision) => {
                self.0.invoker.set_live(revision.function_id, Some(revision.id));
                revision
            }
        })
    }

    /// Runs one call of a revision with an HTTP request. The function's own failures are in [`Done`].
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Stopping`], [`Error::NoWorker`]: it was not run.
    pub async fn invoke(
        &self,
        revision: Arc<Revision>,
        request: RequestId,
        http: HttpRequest,
        payload: bytes::Bytes,
    ) -> Result<Done> {
        self.0.invoker.invoke(Work { revision, request, http: Some(http), payload }).await
    }

    /// The newest lines of the log that match, in order; with all lines of the calls whose answer the caller has.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn logs(&self, filter: &Filter, limit: u32) -> Result<Vec<LogEntry>> {
        self.0.logs.read(filter, limit).await
    }

    /// Follows the lines of the log that match, behind the one with the id `after` or else from now on (or from `filter.since`);
    /// `None` when as many follow as may.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn follow_logs(&self, filter: Filter, after: Option<i64>) -> Result<Option<Follow>> {
        self.0.logs.follow(filter, after).await
    }

    /// The name of a function; `None` when it was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn name_of(&self, function: FunctionId) -> Result<Option<FunctionName>> {
        Ok(queries::name_of(&mut self.0.databases.app.read().await?, function).await?)
    }

    /// The settings that bound functions.
    #[must_use]
    pub fn config(&self) -> &config::Functions {
        &self.0.config
    }

    /// Who is calling.
    pub(super) fn auth(&self) -> &AuthService {
        &self.0.auth
    }

    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Whether calls are taken, and, when there are functions, the last worker that was started came up.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.invoker.is_closed() && self.0.invoker.has_sound_workers()
    }

    /// What the functions of this node are doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let Counts { environments, idle, spares, processes, running, waiting } = self.0.invoker.counts();
        Status { sandbox: self.0.invoker.sandbox(), environments, idle, spares, processes, running, waiting }
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

/// Ends all workers when dropped.
struct EndWorkers<'a>(&'a Invoker);

impl Drop for EndWorkers<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
