//! Event source mappings: made, changed, removed.

use std::time::Duration;

use uuid::Uuid;

use super::event_configs::key;
use crate::db::Tx;
use crate::functions::error::{Error, Result};
use crate::functions::events::{Filter, Mapping, MappingSettings};
use crate::functions::model::{Qualifier, Revision};
use crate::functions::queries::mappings::{self as queries, Which};
use crate::functions::service::FunctionsService;
use crate::queues::{self, QueueName};
use crate::types::FunctionName;

/// The most mappings of a function.
const OF_A_FUNCTION: i64 = 100;

/// The longest batch that needs no window.
const WITHOUT_WINDOW: u32 = 10;

/// What is wanted of a mapping; what is `None` stays, or is the default.
#[derive(Clone, Debug, Default)]
pub struct MappingDraft {
    pub batch_size: Option<u32>,
    pub window: Option<Duration>,
    /// `Some(None)` takes it away.
    pub max_concurrency: Option<Option<u32>>,
    pub filters: Option<Vec<Filter>>,
    pub reports_failures: Option<bool>,
    pub is_enabled: Option<bool>,
}

/// Which mappings are listed; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct MappingFilter {
    /// A function, and which of its qualifiers; `None` behind it for `$LATEST`.
    pub function: Option<(FunctionName, Option<Qualifier>)>,
    pub queue: Option<QueueName>,
}

impl MappingDraft {
    fn lay_over(&self, settings: MappingSettings) -> MappingSettings {
        MappingSettings {
            batch_size: self.batch_size.unwrap_or(settings.batch_size),
            window: self.window.unwrap_or(settings.window),
            max_concurrency: self.max_concurrency.unwrap_or(settings.max_concurrency),
            filters: self.filters.clone().unwrap_or(settings.filters),
            reports_failures: self.reports_failures.unwrap_or(settings.reports_failures),
        }
    }
}

impl FunctionsService {
    /// Feeds a function, a version or an alias with the messages of a queue.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Mapped`] when the queue feeds it already, [`Error::Invalid`]
    /// for a queue that is not there, hides messages for less time than a call may take, and for too many mappings.
    pub async fn create_mapping(
        &self,
        name: &FunctionName,
        qualifier: Option<Qualifier>,
        queue: QueueName,
        draft: MappingDraft,
    ) -> Result<Mapping> {
        let revision = self.get_qualified(name, qualifier.as_ref()).await?;
        let mapping = Mapping {
            id: Uuid::new_v4(),
            function_id: revision.function_id,
            function: name.clone(),
            qualifier: qualifier.filter(|qualifier| *qualifier != Qualifier::Latest),
            queue,
            settings: draft.lay_over(MappingSettings::default()),
            is_enabled: draft.is_enabled.unwrap_or(true),
            updated_at: self.now(),
        };
        self.check_mapping(&mapping, &revision).await?;
        let made = mapping.clone();
        let written = self.0.databases.app.write(move |tx| {
            let mapping = mapping.clone();
            Box::pin(async move {
                check_alone(tx, &mapping).await?;
                if queries::count(tx, mapping.function_id).await? >= OF_A_FUNCTION {
                    let message = format!("{} has {OF_A_FUNCTION} mappings already, which is the most", mapping.function);
                    return Err(Error::Invalid { field: "FunctionName".to_owned(), message });
                }
                Ok::<_, Error>(queries::put(tx, &mapping).await?)
            })
        });
        written.await?;
        self.0.feeders.wake();
        Ok(made)
    }

    /// A mapping; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mapping(&self, id: Uuid) -> Result<Option<Mapping>> {
        Ok(queries::find(&mut self.0.databases.app.read().await?, id).await?)
    }

    /// The mappings after an id, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn mappings(&self, filter: MappingFilter, after: Option<Uuid>, limit: u32) -> Result<Vec<Mapping>> {
        let mut which = Which { queue: filter.queue, ..Which::default() };
        if let Some((name, qualifier)) = filter.function {
            which.function_id = Some(self.get(&name).await?.function_id);
            which.qualifier = qualifier.map(|qualifier| key(Some(&qualifier)));
        }
        Ok(queries::list(&mut self.0.databases.app.read().await?, &which, after, limit).await?)
    }

    /// Changes a mapping, and, where one is given, which function it feeds; `None` when there is none with this id.
    ///
    /// # Errors
    /// As for [`FunctionsService::create_mapping`].
    pub async fn update_mapping(
        &self,
        id: Uuid,
        function: Option<(FunctionName, Option<Qualifier>)>,
        draft: MappingDraft,
    ) -> Result<Option<Mapping>> {
        let Some(mut mapping) = self.mapping(id).await? else { return Ok(None) };
        if let Some((name, qualifier)) = function {
            (mapping.function, mapping.qualifier) = (name, qualifier.filter(|qualifier| *qualifier != Qualifier::Latest));
        }
        let revision = self.get_qualified(&mapping.function, mapping.qualifier.as_ref()).await?;
        mapping.function_id = revision.function_id;
        mapping.settings = draft.lay_over(mapping.settings);
        mapping.is_enabled = draft.is_enabled.unwrap_or(mapping.is_enabled);
        mapping.updated_at = self.now();
        self.check_mapping(&mapping, &revision).await?;
        let changed = mapping.clone();
        let written = self.0.databases.app.write(move |tx| {
            let mapping = mapping.clone();
            Box::pin(async move {
                if queries::find(tx, mapping.id).await?.is_none() {
                    return Ok(false);
                }
                check_alone(tx, &mapping).await?;
                queries::put(tx, &mapping).await?;
                Ok::<_, Error>(true)
            })
        });
        let is_there = written.await?;
        self.0.feeders.wake();
        Ok(is_there.then_some(changed))
    }

    /// Removes a mapping and gives what it was; calls under way end as they would. `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_mapping(&self, id: Uuid) -> Result<Option<Mapping>> {
        let written = self.0.databases.app.write(move |tx| {
            Box::pin(async move {
                let before = queries::find(tx, id).await?;
                queries::delete(tx, id).await?;
                Ok::<_, Error>(before)
            })
        });
        let before = written.await?;
        self.0.feeders.wake();
        Ok(before)
    }

    /// How the last batch of a mapping went on this node; `None` when there was none.
    #[must_use]
    pub fn last_result(&self, id: Uuid) -> Option<&'static str> {
        self.0.feeders.last_result(id)
    }

    async fn check_mapping(&self, mapping: &Mapping, revision: &Revision) -> Result<()> {
        let invalid = |field: &str, message: String| Err(Error::Invalid { field: field.to_owned(), message });
        let queue = match self.0.queues.get(&mapping.queue).await {
            Ok(queue) => queue,
            Err(err @ queues::Error::NoQueue(_)) => return invalid("EventSourceArn", err.to_string()),
            Err(queues::Error::Db(err)) => return Err(err.into()),
            Err(err) => return invalid("EventSourceArn", err.to_string()),
        };
        let (visibility, timeout) = (queue.settings.visibility_timeout, revision.settings.timeout);
        if visibility < timeout {
            let (visibility, timeout) = (visibility.as_secs(), timeout.as_secs());
            let message =
                format!("Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds");
            return invalid("EventSourceArn", message);
        }
        if mapping.settings.batch_size > WITHOUT_WINDOW && mapping.settings.window.is_zero() {
            let message = format!(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than {WITHOUT_WINDOW}"
            );
            return invalid("MaximumBatchingWindowInSeconds", message);
        }
        Ok(())
    }
}

/// Refuses a mapping when there is another of the same queue and function.
async fn check_alone(tx: &mut Tx, mapping: &Mapping) -> Result<()> {
    let which = Which {
        function_id: Some(mapping.function_id),
        qualifier: Some(key(mapping.qualifier.as_ref())),
        queue: Some(mapping.queue.clone()),
    };
    let others = queries::list(tx, &which, None, 2).await?;
    others.into_iter().find(|other| other.id != mapping.id).map_or(Ok(()), |other| Err(Error::Mapped(other.id)))
}
