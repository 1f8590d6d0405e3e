//! Provisioned concurrency: wanted here, kept by [`FunctionsService::keep_provisioned`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::FunctionsService;
use crate::db::Tx;
use crate::functions::error::{Error, Result};
use crate::functions::model::{Allocation, Provisioned, Qualifier, Revision};
use crate::functions::queries::provisioned as queries;
use crate::types::{FunctionName, RevisionId};

/// How often what is wanted is compared with what is there, when nothing is heard of a change.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How AWS calls what is asked for.
const FIELD: &str = "ProvisionedConcurrentExecutions";

impl FunctionsService {
    /// Wants environments of a version or an alias to be kept initialised. They are not yet when this returns.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Invalid`] for `$LATEST`, for more than is reserved for the
    /// function, and for more than a node has room for.
    pub async fn provision(&self, name: &FunctionName, qualifier: &Qualifier, count: u32) -> Result<Allocation> {
        let revision = self.get_qualified(name, Some(qualifier)).await?;
        if *qualifier == Qualifier::Latest || revision.version.is_none() {
            let message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
            return Err(Error::Invalid { field: "Qualifier".to_owned(), message: message.to_owned() });
        }
        let wanted = Provisioned {
            function_id: revision.function_id,
            function: name.clone(),
            qualifier: qualifier.clone(),
            count,
            updated_at: self.now(),
        };
        let most = self.0.invoker.most_provisioned();
        let put = wanted.clone();
        let written = self.0.databases.app.write(move |tx| {
            let put = put.clone();
            Box::pin(async move {
                check_room(tx, &put, most).await?;
                Ok::<_, Error>(queries::put(tx, &put).await?)
            })
        });
        written.await?;
        self.0.invoker.provision_anew(revision.id);
        self.provisioned(name, qualifier).await
    }

    /// How far the provisioning of a version or an alias is on this node.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when none is wanted.
    pub async fn provisioned(&self, name: &FunctionName, qualifier: &Qualifier) -> Result<Allocation> {
        self.get_qualified(name, Some(qualifier)).await?;
        let all = self.all_provisioned(name).await?;
        all.into_iter().find(|one| one.wanted.qualifier == *qualifier).ok_or_else(|| nothing(name))
    }

    /// What is provisioned of a function, in the order of the qualifiers; those after one.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn list_provisioned(&self, name: &FunctionName, after: &str, limit: u32) -> Result<Vec<Allocation>> {
        let all = self.all_provisioned(name).await?.into_iter().filter(|one| *one.wanted.qualifier.to_string() > *after);
        Ok(all.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    /// All that is provisioned of a function, in the order of the qualifiers.
    ///
    /// # Errors
    /// As for that.
    pub async fn all_provisioned(&self, name: &FunctionName) -> Result<Vec<Allocation>> {
        let function = self.get(name).await?.function_id;
        let found = queries::list(&mut self.0.databases.app.read().await?, function).await?;
        let mut all = Vec::with_capacity(found.len());
        // Two qualifiers may stand for the same version: what one of them has, the other has not.
        let mut counted: HashMap<RevisionId, u32> = HashMap::new();
        for wanted in found {
            let revision = match self.get_qualified(name, Some(&wanted.qualifier)).await {
                Ok(revision) => revision,
                // Gone since: its row goes with it.
                Err(Error::UnknownQualifier { .. }) => continue,
                Err(err) => return Err(err),
            };
            let before = counted.entry(revision.id).or_default();
            all.push(self.allocation(&wanted, &revision, *before));
            *before = before.saturating_add(wanted.count);
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
        self.0.invoker.provisioning_changed();
        Ok(())
    }

    /// How far one is, where others of the same version come `before` it.
    fn allocation(&self, wanted: &Provisioned, revision: &Revision, before: u32) -> Allocation {
        let (wanted, invoker) = (wanted.clone(), &self.0.invoker);
        if revision.version.is_none() {
            let failure = Some(format!("{} points at $LATEST, of which nothing is provisioned", wanted.qualifier));
            return Allocation { wanted, allocated: 0, failure };
        }
        let there = u32::try_from(invoker.provisioned(revision.id)).unwrap_or(u32::MAX);
        let allocated = there.saturating_sub(before).min(wanted.count);
        let failure = invoker.trouble(revision.id).filter(|_| allocated < wanted.count);
        Allocation { wanted, allocated, failure }
    }

    /// Keeps as many environments initialised as are wanted, until the server stops.
    pub(super) async fn keep_provisioned(self) {
        while !self.0.invoker.tasks.is_stopping() {
            if let Err(err) = self.provision_once().await {
                tracing::warn!(error = %err, "provisioned environments are not looked after for now: {err}");
            }
            self.0.invoker.provisioning_due(LOOK_EVERY).await;
        }
    }

    async fn provision_once(&self) -> Result<()> {
        let all = queries::all(&mut self.0.databases.app.read().await?).await?;
        let mut wanted: HashMap<RevisionId, (Arc<Revision>, usize)> = HashMap::new();
        for Provisioned { function, qualifier, count, .. } in all {
            let revision = match self.get_qualified(&function, Some(&qualifier)).await {
                Ok(revision) if revision.version.is_some() => revision,
                // Of what is not published nothing is kept; what is gone since takes its row with it.
                Ok(_) | Err(Error::UnknownFunction(_) | Error::UnknownQualifier { .. }) => continue,
                Err(err) => return Err(err),
            };
            let entry = wanted.entry(revision.id).or_insert_with(|| (Arc::new(revision), 0));
            entry.1 += usize::try_from(count).unwrap_or(usize::MAX);
        }
        self.0.invoker.provision(wanted.into_values().collect()).await;
        Ok(())
    }
}

/// Whether what is wanted fits into what is reserved for the function, and into a node.
async fn check_room(tx: &mut Tx, wanted: &Provisioned, (most, setting): (usize, &str)) -> Result<()> {
    let invalid = |message| Error::Invalid { field: FIELD.to_owned(), message };
    let found = queries::beside(tx, wanted.function_id, &wanted.qualifier.to_string()).await?;
    let (reserved, of_function, of_all) = found.ok_or_else(|| Error::UnknownFunction(wanted.function.clone()))?;
    let count = i64::from(wanted.count);
    if let Some(reserved) = reserved.filter(|reserved| of_function.saturating_add(count) > *reserved) {
        return Err(invalid(format!(
            "{count} and the {of_function} of the function's other versions and aliases are more than the {reserved} calls that are \
             reserved for it; provision less or reserve more"
        )));
    }
    if usize::try_from(of_all.saturating_add(count)).unwrap_or(usize::MAX) > most {
        return Err(invalid(format!(
            "{count} and the {of_all} that are provisioned elsewhere are more than the {most} that each node may keep; provision less or \
             raise {setting}"
        )));
    }
    Ok(())
}

fn nothing(name: &FunctionName) -> Error {
    Error::Absent { function: name.clone(), what: "provisioned concurrency".to_owned() }
}
