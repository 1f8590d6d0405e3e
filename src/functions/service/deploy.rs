//! Makes revisions and makes them live.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{FunctionsService, TRIES};
use crate::functions::error::{Error, Result};
use crate::functions::model::{Declared, Deployment, Package, Revision, Settings, SourceKind};
use crate::functions::packages::Built;
use crate::functions::queries::{events, functions as queries, sources, versions};
use crate::isolate::protocol::HandlerStyle;
use crate::types::{FunctionId, FunctionName, RevisionId, Secret};

/// Revisions kept of each function, versions apart.
const REVISIONS: i64 = 20;

/// What must be so for a revision to become the live one.
#[derive(Clone, Copy, Debug)]
enum Condition {
    Always,
    /// There is no function of the name.
    Absent,
    /// The revision of this number of this function is live.
    Live(FunctionId, i64),
}

/// Where the source of a new revision comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// It was stored for this revision, and announced. An announcement that is gone was there for too long: the source may be gone, too.
    Uploaded,
    /// It is the live revision's, which [`Condition::Live`] holds on to.
    OfLive,
    /// It is this revision's, which must still be there.
    Of(RevisionId),
}

/// What a function goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The revision before the live one, versions apart.
    Previous,
    /// The revision of this number.
    Revision(i64),
    /// A published version.
    Version(i64),
}

/// The next revision of a function, to be changed from what the live one is.
#[derive(Clone, Debug)]
pub struct Draft {
    pub settings: Settings,
    pub env: BTreeMap<String, String>,
    pub declared: Declared,
    /// A new source; `None` keeps the old one.
    pub source: Option<(SourceKind, Bytes)>,
}

impl FunctionsService {
    /// Compiles, stores and makes live a deployment. Durable when this returns; new calls run it, calls under way finish on the
    /// revision they began with.
    ///
    /// # Errors
    /// [`Error::Rejected`] with what is wrong in the source, [`Error::SourceTooLarge`], [`Error::BadArchive`],
    /// [`Error::CompilerFailed`], and the server's own.
    pub async fn deploy(&self, deployment: Deployment) -> Result<Revision> {
        self.deploy_if(deployment, Condition::Always).await
    }

    /// As [`FunctionsService::deploy`], for a function that is not there yet.
    ///
    /// # Errors
    /// [`Error::Exists`], and those of a deployment.
    pub async fn create(&self, deployment: Deployment) -> Result<Revision> {
        if queries::find_live(&mut self.0.databases.app.read().await?, &deployment.name).await?.is_some() {
            return Err(Error::Exists(deployment.name));
        }
        self.deploy_if(deployment, Condition::Absent).await
    }

    /// Makes a new live revision from the one that is live. `change` may be called again, when another change came between.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::OtherRevision`] when `expected` is not the live one, [`Error::Contended`], what `change`
    /// finds, and those of a deployment.
    pub async fn update(
        &self,
        name: &FunctionName,
        expected: Option<RevisionId>,
        change: impl Fn(&mut Draft) -> Result<()>,
    ) -> Result<Revision> {
        for _ in 0..TRIES {
            let live = self.get(name).await?;
            if expected.is_some_and(|expected| expected != live.id) {
                return Err(Error::OtherRevision);
            }
            match self.update_from(live, &change).await {
                Err(Error::Contended(_)) => {}
                done => return done,
            }
        }
        Err(Error::Contended(name.clone()))
    }

    async fn update_from(&self, live: Revision, change: impl Fn(&mut Draft) -> Result<()>) -> Result<Revision> {
        let mut draft = self.draft_of(&live)?;
        change(&mut draft)?;
        let Draft { settings, env, declared, source } = draft;
        let condition = Condition::Live(live.function_id, live.number);
        let (name, env) = (live.name.clone(), Secret::new(env));
        let source = match source {
            None if settings.handler == live.settings.handler => None,
            None => {
                let source = self.0.packages.source(&live).await?;
                Some((live.package.kind, source))
            }
            given => given,
        };
        match source {
            Some((kind, source)) => {
                let deployment = Deployment { name, kind, source, settings, env, declared };
                self.deploy_if(deployment, condition).await
            }
            None => {
                let revision = self.revision(name, settings, declared, live.package, env.expose())?;
                self.make_live(revision, condition, Source::OfLive).await
            }
        }
    }

    /// Makes a new live revision with the code, the settings and the variables of an earlier one.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when there is none to go back to,
    /// [`Error::Invalid`] when it is the live one, [`Error::Contended`].
    pub async fn roll_back(&self, name: &FunctionName, to: Earlier) -> Result<Revision> {
        for _ in 0..TRIES {
            let live = self.get(name).await?;
            let earlier = self.earlier(&live, to).await?;
            if earlier.number == live.number {
                let message = format!("{} is the live revision already", live.number);
                return Err(Error::Invalid { field: "revision".to_owned(), message });
            }
            let (env, source) = (self.variables(&earlier)?, Source::Of(earlier.id));
            let revision = self.revision(name.clone(), earlier.settings, earlier.declared, earlier.package, &env)?;
            match self.make_live(revision, Condition::Live(live.function_id, live.number), source).await {
                Err(Error::Contended(_)) => {}
                done => return done,
            }
        }
        Err(Error::Contended(name.clone()))
    }

    async fn earlier(&self, live: &Revision, to: Earlier) -> Result<Revision> {
        let mut conn = self.0.databases.app.read().await?;
        let absent = |what: String| Error::Absent { function: live.name.clone(), what };
        match to {
            Earlier::Previous => queries::find_before(&mut conn, live.function_id, live.number)
                .await?
                .ok_or_else(|| absent("revision before the live one".to_owned())),
            Earlier::Revision(number) => queries::find_revision(&mut conn, live.function_id, number)
                .await?
                .ok_or_else(|| absent(format!("revision {number}; the last {REVISIONS} are kept"))),
            Earlier::Version(number) => versions::find(&mut conn, &live.name, number)
                .await?
                .ok_or_else(|| Error::UnknownQualifier { function: live.name.clone(), qualifier: number.to_string() }),
        }
    }

    /// A revision as something to be changed.
    pub(super) fn draft_of(&self, revision: &Revision) -> Result<Draft> {
        let env = self.0.packages.variables(revision)?;
        Ok(Draft { settings: revision.settings.clone(), env, declared: revision.declared.clone(), source: None })
    }

    /// Checks and compiles a source, and changes nothing.
    ///
    /// # Errors
    /// Those of a deployment.
    pub async fn check(&self, kind: SourceKind, source: &Bytes, handler: Option<&str>) -> Result<()> {
        self.build(kind, source, handler).await.map(drop)
    }

    async fn deploy_if(&self, deployment: Deployment, condition: Condition) -> Result<Revision> {
        let Deployment { name, kind, source, settings, env, declared } = deployment;
        let handler = settings.handler.as_deref();
        let built = self.build(kind, &source, handler).await?;
        let source_size = i64::try_from(source.len()).unwrap_or(i64::MAX);
        let (source_key, source_sha256) = self.0.packages.put(source).await?;
        let package = Package { kind, style: built.bundle.style, source_key, source_sha256, source_size };
        self.0.packages.keep(&package, handler, built).await?;
        let revision = self.revision(name, settings, declared, package, env.expose())?;
        self.make_live(revision, condition, Source::Uploaded).await
    }

    /// What a source becomes; neither it nor the result is stored yet.
    async fn build(&self, kind: SourceKind, source: &Bytes, handler: Option<&str>) -> Result<Built> {
        let limit = self.0.config.max_package;
        if source.len() > limit {
            return Err(Error::SourceTooLarge { size: source.len(), limit });
        }
        self.0.invoker.warm_up();
        self.0.invoker.build(kind, handler, source.clone()).await
    }

    /// A revision that is about to be made.
    fn revision(
        &self,
        name: FunctionName,
        mut settings: Settings,
        declared: Declared,
        package: Package,
        env: &BTreeMap<String, String>,
    ) -> Result<Revision> {
        if settings.is_shared() && matches!(package.style, HandlerStyle::Lambda | HandlerStyle::CommonJs) {
            let message = "calls run side by side only in web-style handlers (a default export, or Deno.serve); this one is called with \
                           (event, context), which expects to be alone: leave it at 1";
            return Err(Error::Invalid { field: "concurrency_per_environment".to_owned(), message: message.to_owned() });
        }
        let (id, now) = (RevisionId::random(), self.0.clock.now());
        settings.env_names = env.keys().cloned().collect();
        Ok(Revision {
            id,
            function_id: FunctionId::random(),
            name,
            number: 1,
            version: None,
            settings,
            declared,
            package,
            sealed_env: self.0.packages.seal(id, env)?,
            created_at: now,
            function_created_at: now,
            reserved_concurrency: None,
        })
    }

    async fn make_live(&self, revision: Revision, condition: Condition, source: Source) -> Result<Revision> {
        // Boxed, since a transaction's future is large.
        let revision = Box::pin(self.register(revision, condition, source)).await?;
        let prepared = Box::pin(self.0.invoker.prepare(&revision)).await;
        self.changed(&revision.name);
        self.0.invoker.set_live(revision.function_id, Some(revision.id));
        self.0.invoker.use_prepared(prepared);
        Ok(revision)
    }

    /// Gives a revision its function and number, and makes it live.
    async fn register(&self, revision: Revision, condition: Condition, source: Source) -> Result<Revision> {
        self.0
            .databases
            .app
            .write(move |tx| {
                let mut revision = revision.clone();
                Box::pin(async move {
                    let (new, name, now) = (revision.function_id, &revision.name, revision.created_at);
                    if source == Source::Uploaded && !sources::redeem(tx, &revision.package.source_key).await? {
                        return Err(Error::Contended(name.clone()));
                    }
                    if let Source::Of(earlier) = source
                        && !queries::hold_revision(tx, earlier).await?
                    {
                        return Err(Error::Contended(name.clone()));
                    }
                    let (function, number, created) = match condition {
                        Condition::Always => queries::advance(tx, new, name, now).await?,
                        Condition::Absent => {
                            queries::create(tx, new, name, now).await?.ok_or_else(|| Error::Exists(name.clone()))?
                        }
                        Condition::Live(function, number) => queries::advance_from(tx, (function, number), now)
                            .await?
                            .ok_or_else(|| Error::Contended(name.clone()))?,
                    };
                    (revision.function_id, revision.number, revision.function_created_at) = (function, number, created);
                    queries::insert_revision(tx, &revision).await?;
                    queries::prune_revisions(tx, function, number - REVISIONS).await?;
                    Ok(revision)
                })
            })
            .await
    }

    /// Removes a function with its revisions, its log, its asynchronous calls and its schedules; calls under way finish.
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
        self.changed(name);
        self.0.invoker.set_live(function, None);
        if let Err(err) = self.0.logs.forget(function).await {
            tracing::warn!(function = name.as_str(), "the log of the deleted function {name} stays: {err}");
        }
        let forgotten = self
            .0
            .databases
            .system
            .write(move |tx| Box::pin(async move { Ok::<_, Error>(events::delete_of(tx, function).await?) }));
        if let Err(err) = forgotten.await {
            tracing::warn!(function = name.as_str(), "asynchronous calls of the deleted function {name} stay: {err}");
        }
        if let Err(err) = self.forget_schedules(function).await {
            tracing::warn!(function = name.as_str(), "schedules of the deleted function {name} stay until they are due: {err}");
        }
        Ok(())
    }
}
