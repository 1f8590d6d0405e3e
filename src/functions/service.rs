//! The verbs of functions: their rules and transactions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::egress::{Egress, Own};
use super::error::{Error, Result};
use super::invoker;
use super::invoker::{Counts, Done, Invoker, Payload, Work};
use super::logs::{LogEntry, Logs, Wanted};
use super::model::{Deployment, Package, Revision, file_name};
use super::packages::Packages;
use super::queries::functions as queries;
use super::registry::{Found, Registry};
use crate::auth::AuthService;
use crate::auth::vault::Vault;
use crate::blob::Blobs;
use crate::config;
use crate::db::Databases;
use crate::isolate::protocol::{Compile, HttpRequest, Sandbox};
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
    pub tasks: Tasks,
    /// Where this server is, for functions that call it.
    pub own: Own,
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
        let Parts { config, databases, blobs, vault, auth, clock, data, tasks, own } = parts;
        let registry = Registry::new(databases.app.clone());
        let packages = Packages::new(blobs, vault.clone());
        let logs = Logs::start(databases.system.clone(), clock.clone(), config.log_lines, &tasks);
        let invoker = Invoker::start(invoker::Setup {
            config: config.clone(),
            packages: packages.clone(),
            logs: logs.clone(),
            vault,
            data,
            tasks: tasks.clone(),
            egress: Egress::new(own),
            anon_key: auth.anon_key().to_owned(),
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
    /// [`Error::Rejected`] with what is wrong in the source, [`Error::SourceTooLarge`], [`Error::CompilerFailed`], and the
    /// server's own.
    pub async fn deploy(&self, deployment: Deployment) -> Result<Revision> {
        let limit = self.0.config.max_package;
        let Deployment { name, language, source, settings, env } = deployment;
        if source.len() > limit {
            return Err(Error::SourceTooLarge { size: source.len(), limit });
        }
        self.0.invoker.warm_up();
        let request = Compile { file: file_name(language).to_owned(), language, handler: settings.handler.clone() };
        let (compiled, code) = self.0.invoker.compile(request, &source).await?;
        let package = Package {
            language,
            style: compiled.style,
            source_size: i64::try_from(source.len()).unwrap_or(i64::MAX),
            source_sha256: self.0.packages.put(source).await?,
            code_sha256: self.0.packages.put(code).await?,
            code_len: compiled.code_len,
        };
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

    /// Runs one call of a revision with an HTTP request; the answer is whole. The function's own failures are in [`Done`].
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
        let payload = Payload::Whole(payload);
        self.0.invoker.invoke(Work { revision, request, http: Some(http), payload, may_stream: false, hops: 0 }).await
    }

    /// The same for a client that takes a stream for an answer, and may send one. `hops` is how many functions the request has
    /// gone through already. A streamed answer is there as soon as it begins; its call goes on.
    ///
    /// # Errors
    /// As for [`Self::invoke`].
    pub async fn stream(
        &self,
        revision: Arc<Revision>,
        request: RequestId,
        http: HttpRequest,
        payload: Payload,
        hops: u8,
    ) -> Result<Done> {
        self.0.invoker.invoke(Work { revision, request, http: Some(http), payload, may_stream: true, hops }).await
    }

    /// The newest lines of a function's log that match, in order; with all lines of the calls whose answer the caller has.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub(super) async fn logs(
        &self,
        name: &FunctionName,
        since: Option<Timestamp>,
        request: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<LogEntry>> {
        let function = self.get(name).await?.function_id;
        self.0.logs.read(&Wanted { function, since, request, limit }).await
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

    /// Whether calls are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.invoker.is_closed()
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
