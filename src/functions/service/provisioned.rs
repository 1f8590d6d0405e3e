//! Provisioned concurrency: wanted here, kept by [`FunctionsService::keep_provisioned`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::FunctionsService;
use crate::functions::error::{Error, Result};
use crate::functions::model::{Allocation, Provisioned, Qualifier, Revision};
use crate::functions::queries::provisioned as queries;
use crate::types::{FunctionName, RevisionId};

/// How often what is wanted is compared with what is there, when nothing is heard of a change.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl FunctionsService {
    /// Wants environments of a version or an alias to be kept initialised. They are not yet when this returns.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Invalid`] for `$LATEST` and for more than may be.
    pub async fn provision(&self, name: &FunctionName, qualifier: &Qualifier, count: u32) -> Result<Allocation> {
        if *qualifier == Qualifier::Latest {
            let message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
            return Err(Error::Invalid { field: "Qualifier".to_owned(), message: message.to_owned() });
        }
        let most = self.0.config.max_environments;
        if usize::try_from(count).map_or(true, |count| count > most) {
            let message = format!("a node has {most} environments at the most (functions.max_environments)");
            return Err(Error::Invalid { field: "ProvisionedConcurrentExecutions".to_owned(), message });
        }
        let revision = self.get_qualified(name, Some(qualifier)).await?;
        let wanted = Provisioned {
            function_id: revision.function_id,
            function: name.clone(),
            qualifier: qualifier.clone(),
            count,
            updated_at: self.now(),
        };
        let put = wanted.clone();
        let written = self.0.databases.app.write(move |tx| {
            let put = put.clone();
            Box::pin(async move { Ok::<_, Error>(queries::put(tx, &put).await?) })
        });
        written.await?;
        self.0.invoker.forget_failure(revision.id);
        self.0.invoker.provisioning.notify_one();
        Ok(self.allocation(wanted, &revision))
    }

    /// How far the provisioning of a version or an alias is.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when none is wanted.
    pub async fn provisioned(&self, name: &FunctionName, qualifier: &Qualifier) -> Result<Allocation> {
        let revision = self.get_qualified(name, Some(qualifier)).await?;
        let key = qualifier.to_string();
        let found = queries::find(&mut self.0.databases.app.read().await?, revision.function_id, &key).await?;
        let wanted = found.ok_or_else(|| nothing(name))?;
        Ok(self.allocation(wanted, &revision))
    }

    /// What is provisioned of a function, in the order of the qualifiers; those after one.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn list_provisioned(&self, name: &FunctionName, after: &str, limit: u32) -> Result<Vec<Allocation>> {
        let function = self.get(name).await?.function_id;
        let found = queries::list(&mut self.0.databases.app.read().await?, function, after, limit).await?;
        let mut all = Vec::with_capacity(found.len());
        for wanted in found {
            let revision = self.get_qualified(name, Some(&wanted.qualifier)).await?;
            all.push(self.allocation(wanted, &revision));
        }
        Ok(all)
    }

    /// Keeps environments of a version or an alias initialised no longer.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::Absent`] when none was wanted.
    pub async fn unprovision(&self, name: &FunctionName, qualifier: &Qualifier) -> Result<()> {
        let (function, key) = (self.get(name).await?.function_id, qualifier.to_string());
        let written = self.0.databases.app.write(move |tx| {
            let key = key.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, function, &key).await?) })
        });
        if !written.await? {
            return Err(nothing(name));
        }
        self.0.invoker.provisioning.notify_one();
        Ok(())
    }

    fn allocation(&self, wanted: Provisioned, revision: &Revision) -> Allocation {
        let alive = u32::try_from(self.0.invoker.alive(revision.id)).unwrap_or(u32::MAX);
        let allocated = alive.min(wanted.count);
        let failure = self.0.invoker.failure(revision.id).filter(|_| allocated < wanted.count);
        Allocation { wanted, allocated, failure }
    }

    /// Keeps as many environments initialised as are wanted, until the server stops.
    pub(super) async fn keep_provisioned(self) {
        let tasks = self.0.invoker.tasks.clone();
        while !tasks.is_stopping() {
            if let Err(err) = self.provision_once().await {
                tracing::warn!(error = %err, "provisioned environments are not looked after for now: {err}");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.0.invoker.provisioning.notified() => {}
                () = tasks.soft_stopped() => {}
            }
        }
    }

    async fn provision_once(&self) -> Result<()> {
        let all = queries::all(&mut self.0.databases.app.read().await?).await?;
        let mut wanted: HashMap<RevisionId, (Arc<Revision>, usize)> = HashMap::new();
        for Provisioned { function, qualifier, count, .. } in all {
            // Gone since: its row goes with it.
            let Ok(revision) = self.get_qualified(&function, Some(&qualifier)).await else { continue };
            let entry = wanted.entry(revision.id).or_insert_with(|| (Arc::new(revision), 0));
            entry.1 += usize::try_from(count).unwrap_or(usize::MAX);
        }
        self.0.invoker.provision(wanted.into_values().collect()).await;
        Ok(())
    }
}

fn nothing(name: &FunctionName) -> Error {
    Error::Absent { function: name.clone(), what: "provisioned concurrency".to_owned() }
}
