//! Making, changing and removing queues.

use std::collections::BTreeMap;
use std::time::Duration;

use super::QueuesService;
use crate::queues::error::{Error, Result};
use crate::queues::model::{Changes, Counts, Queue, QueueName, Settings};
use crate::queues::queries::{messages, queues as queries};

/// How soon a queue may be purged again.
const PURGE_EVERY: Duration = Duration::from_mins(1);

impl QueuesService {
    /// Makes a queue; one that is there with the same settings is given as it is.
    ///
    /// # Errors
    /// [`Error::OtherSettings`], [`Error::NoDeadLetterQueue`], or the database fails.
    pub async fn create(&self, name: &QueueName, changes: Changes, tags: BTreeMap<String, String>) -> Result<Queue> {
        let (name, now) = (name.clone(), self.0.clock.now());
        let written = self.0.db.write(move |tx| {
            let (name, changes, tags) = (name.clone(), changes.clone(), tags.clone());
            Box::pin(async move {
                if let Some(there) = queries::find(tx, &name).await? {
                    return there.same_with(&changes).ok_or(Error::OtherSettings(name));
                }
                let settings = Settings::default().with(&changes);
                if let Some(redrive) = &settings.redrive
                    && queries::find(tx, &redrive.queue).await?.is_none()
                {
                    return Err(Error::NoDeadLetterQueue(redrive.queue.clone()));
                }
                let queue = Queue { name, settings, tags, created_at: now, updated_at: now, purged_at: None };
                queries::put(tx, &queue).await?;
                Ok::<_, Error>(queue)
            })
        });
        written.await
    }

    /// Changes a queue's settings; messages that are there keep their times.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::NoDeadLetterQueue`], or the database fails.
    pub async fn change(&self, name: &QueueName, changes: Changes) -> Result<()> {
        self.edit(name, move |queue| queue.settings = queue.settings.clone().with(&changes)).await
    }

    /// Changes a queue's tags.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn tag(&self, name: &QueueName, add: BTreeMap<String, String>, remove: Vec<String>) -> Result<()> {
        self.edit(name, move |queue| {
            queue.tags.extend(add.clone());
            queue.tags.retain(|tag, _| !remove.contains(tag));
        })
        .await
    }

    async fn edit(&self, name: &QueueName, edit: impl Fn(&mut Queue) + Clone + Send + Sync + 'static) -> Result<()> {
        let (name, now) = (name.clone(), self.0.clock.now());
        let written = self.0.db.write(move |tx| {
            let (name, edit) = (name.clone(), edit.clone());
            Box::pin(async move {
                let mut queue = queries::find(tx, &name).await?.ok_or(Error::NoQueue(name))?;
                edit(&mut queue);
                if let Some(redrive) = &queue.settings.redrive
                    && queries::find(tx, &redrive.queue).await?.is_none()
                {
                    return Err(Error::NoDeadLetterQueue(redrive.queue.clone()));
                }
                queue.updated_at = now;
                queries::put(tx, &queue).await?;
                Ok::<_, Error>(())
            })
        });
        written.await
    }

    /// The queues after a name whose names begin with a prefix, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, prefix: &str, after: &str, limit: u32) -> Result<Vec<Queue>> {
        Ok(queries::list(&mut self.0.db.read().await?, prefix, after, limit).await?)
    }

    /// How many queues there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn total(&self) -> Result<i64> {
        Ok(queries::total(&mut self.0.db.read().await?).await?)
    }

    /// The queues after a name whose messages end up in this one.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn sources(&self, name: &QueueName, after: &str, limit: u32) -> Result<Vec<Queue>> {
        self.get(name).await?;
        Ok(queries::sources(&mut self.0.db.read().await?, name, after, limit).await?)
    }

    /// How many messages a queue has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, name: &QueueName) -> Result<Counts> {
        Ok(messages::count(&mut self.0.db.read().await?, name, self.0.clock.now()).await?)
    }

    /// Removes every message of a queue.
    ///
    /// # Errors
    /// [`Error::NoQueue`], [`Error::PurgedJustNow`], or the database fails.
    pub async fn purge(&self, name: &QueueName) -> Result<()> {
        let (name, now) = (name.clone(), self.0.clock.now());
        let written = self.0.db.write(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                let queue = queries::find(tx, &name).await?.ok_or_else(|| Error::NoQueue(name.clone()))?;
                if queue.purged_at.is_some_and(|purged| now.since(purged) < PURGE_EVERY) {
                    return Err(Error::PurgedJustNow(name));
                }
                messages::purge(tx, &name).await?;
                queries::purged(tx, &name, now).await?;
                Ok::<_, Error>(())
            })
        });
        written.await
    }

    /// Removes a queue with its messages.
    ///
    /// # Errors
    /// [`Error::NoQueue`], or the database fails.
    pub async fn delete(&self, name: &QueueName) -> Result<()> {
        let gone = name.clone();
        let written = self.0.db.write(move |tx| {
            let name = gone.clone();
            Box::pin(async move { Ok::<_, Error>(queries::delete(tx, &name).await?) })
        });
        if written.await? { Ok(()) } else { Err(Error::NoQueue(name.clone())) }
    }
}
