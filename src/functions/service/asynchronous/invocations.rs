//! What operators see and do of calls that nobody waits for.

use crate::functions::error::{Error, Result};
use crate::functions::events::{EventFilter, Standing, Standings, StoredEvent};
use crate::functions::queries::{events as queries, schedules};
use crate::functions::service::FunctionsService;
use crate::types::{FunctionName, RequestId};

/// Events are counted up to here, so that asking costs little however many there are.
const MOST: u32 = 10_000;

/// Work that nobody waits for, of all nodes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    pub events: Standings,
    /// Schedules that are enabled.
    pub schedules: i64,
}

impl FunctionsService {
    /// How much work there is that nobody waits for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn work(&self) -> Result<Work> {
        let mut conn = self.0.databases.system.read().await?;
        let events = queries::standings(&mut conn, MOST).await?;
        Ok(Work { events, schedules: schedules::count_enabled(&mut conn).await? })
    }

    /// Events that wait, run or were given up, in the order of their being accepted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invocations(&self, filter: EventFilter, limit: u32) -> Result<Vec<StoredEvent>> {
        Ok(queries::list(&mut self.0.databases.system.read().await?, &filter, limit).await?)
    }

    /// An event that waits, runs or was given up; `None` when it is over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invocation(&self, id: RequestId) -> Result<Option<StoredEvent>> {
        Ok(queries::find(&mut self.0.databases.system.read().await?, id).await?)
    }

    /// Has events be tried again that were given up: one, those of a function, or all; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn redrive(&self, id: Option<RequestId>, function: Option<FunctionName>) -> Result<u64> {
        let now = self.now();
        let written = self.0.databases.system.write(move |tx| {
            let function = function.clone();
            Box::pin(async move { Ok::<_, Error>(queries::redrive(tx, id, function.as_ref(), now).await?) })
        });
        let count = written.await?;
        self.0.events.wake();
        Ok(count)
    }

    /// Removes an event that waits or was given up; false when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_invocation(&self, id: RequestId) -> Result<bool> {
        let written =
            self.0.databases.system.write(move |tx| Box::pin(async move { Ok::<_, Error>(queries::remove(tx, id).await?) }));
        written.await
    }

    /// Removes what stands so, of a function or of all; how many. Nothing that runs is to be removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_invocations(&self, function: Option<FunctionName>, standing: Standing) -> Result<u64> {
        let written = self.0.databases.system.write(move |tx| {
            let function = function.clone();
            Box::pin(async move { Ok::<_, Error>(queries::purge(tx, function.as_ref(), standing).await?) })
        });
        written.await
    }
}
