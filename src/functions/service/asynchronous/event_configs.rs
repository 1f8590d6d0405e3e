//! How calls that nobody waits for are tried, function by function.

use crate::functions::error::{Error, Result};
use crate::functions::model::{EventConfig, Qualifier, function_of};
use crate::functions::queries::event_configs as queries;
use crate::functions::service::FunctionsService;
use crate::queues::{self, queue_of};
use crate::types::FunctionName;

/// What an absent configuration is called.
const WHAT: &str = "event invoke config";

impl FunctionsService {
    /// Sets how events of a function, a version or an alias are tried. `is_whole` replaces what was there; otherwise what is `None`
    /// stays as it was, and there must be something.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`], and [`Error::Invalid`] for a destination that is none.
    pub async fn set_event_config(
        &self,
        name: &FunctionName,
        qualifier: Option<&Qualifier>,
        wanted: EventConfigDraft,
        is_whole: bool,
    ) -> Result<EventConfig> {
        let function = self.get_qualified(name, qualifier).await?.function_id;
        for (field, arn) in [("OnSuccess", &wanted.on_success), ("OnFailure", &wanted.on_failure)] {
            if let Some(arn) = arn.as_deref().filter(|arn| !arn.is_empty()) {
                self.check_destination(field, arn).await?;
            }
        }
        let (name, now, qualifier) = (name.clone(), self.now(), key(qualifier));
        let written = self.0.databases.app.write(move |tx| {
            let (name, qualifier, wanted) = (name.clone(), qualifier.clone(), wanted.clone());
            Box::pin(async move {
                let before = queries::find(tx, function, &qualifier).await?;
                if before.is_none() && !is_whole {
                    return Err(Error::Absent { function: name, what: WHAT.to_owned() });
                }
                let before = before.filter(|_| !is_whole);
                let destination = |new: Option<String>, old: fn(&EventConfig) -> Option<String>| match new {
                    Some(arn) => Some(arn).filter(|arn| !arn.is_empty()),
                    None => before.as_ref().and_then(old),
                };
                let config = EventConfig {
                    function_id: function,
                    function: name,
                    qualifier: qualifier.parse().ok(),
                    max_retries: wanted.max_retries.or_else(|| before.as_ref()?.max_retries),
                    max_age: wanted.max_age.or_else(|| before.as_ref()?.max_age),
                    on_success: destination(wanted.on_success, |before| before.on_success.clone()),
                    on_failure: destination(wanted.on_failure, |before| before.on_failure.clone()),
                    updated_at: now,
                };
                queries::put(tx, &config).await?;
                Ok::<_, Error>(config)
            })
        });
        written.await
    }

    /// How events of a function, a version or an alias are tried.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when nothing was set.
    pub async fn event_config(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<EventConfig> {
        let function = self.get_qualified(name, qualifier).await?.function_id;
        let found = queries::find(&mut self.0.databases.app.read().await?, function, &key(qualifier)).await?;
        found.ok_or_else(|| Error::Absent { function: name.clone(), what: WHAT.to_owned() })
    }

    /// What was set for a function, in the order of the qualifiers; those after one.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], or the database fails.
    pub async fn event_configs(&self, name: &FunctionName, after: Option<&str>, limit: u32) -> Result<Vec<EventConfig>> {
        let function = self.get(name).await?.function_id;
        Ok(queries::list(&mut self.0.databases.app.read().await?, function, after, limit).await?)
    }

    /// Has events be tried as the server's own settings say.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], [`Error::Absent`] when nothing was set.
    pub async fn remove_event_config(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<()> {
        let (function, key) = (self.get_qualified(name, qualifier).await?.function_id, key(qualifier));
        let written = self.0.databases.app.write(move |tx| {
            let key = key.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, function, &key).await?) })
        });
        if written.await? { Ok(()) } else { Err(Error::Absent { function: name.clone(), what: WHAT.to_owned() }) }
    }

    async fn check_destination(&self, field: &str, arn: &str) -> Result<()> {
        let wrong = |message: String| Error::Invalid { field: format!("DestinationConfig.{field}.Destination"), message };
        if let Some(queue) = queue_of(arn) {
            return match self.0.queues.get(&queue).await {
                Ok(_) => Ok(()),
                Err(queues::Error::Db(err)) => Err(err.into()),
                Err(err) => Err(wrong(err.to_string())),
            };
        }
        let Some((name, qualifier)) = function_of(arn) else {
            return Err(wrong(format!("{arn} is the ARN of neither a function nor a queue")));
        };
        match self.target(&name, qualifier.as_ref()).await {
            Ok(_) => Ok(()),
            Err(err @ (Error::UnknownFunction(_) | Error::UnknownQualifier { .. })) => Err(wrong(err.to_string())),
            Err(err) => Err(err),
        }
    }
}

/// What is wanted of an [`EventConfig`]; an empty destination is none.
#[derive(Clone, Debug, Default)]
pub struct EventConfigDraft {
    pub max_retries: Option<u32>,
    pub max_age: Option<std::time::Duration>,
    pub on_success: Option<String>,
    pub on_failure: Option<String>,
}

/// The qualifier as it is stored.
pub(super) fn key(qualifier: Option<&Qualifier>) -> String {
    qualifier.filter(|qualifier| **qualifier != Qualifier::Latest).map(ToString::to_string).unwrap_or_default()
}
