//! What calls came to: counted by the invoker, kept here, and added up when somebody asks.

use std::time::Duration;

use metrics::gauge;

use super::FunctionsService;
use crate::db;
use crate::functions::error::{Error, Result};
use crate::functions::metering::{UsageFilter, UsageSummary};
use crate::functions::queries::{events, usage as queries};

/// How often what was counted is written: what a crash loses at the most.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How often what is older than is kept is removed.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

/// Asynchronous calls are counted up to here, for the metrics.
const MOST_EVENTS: u32 = 100_000;

/// Rows that one answer is made of at the most.
const ROWS: u32 = 20_000;

impl FunctionsService {
    /// What calls came to, with all that ended on this node until now, and on others until a few seconds ago.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is too much to add up, or the database fails.
    pub async fn usage(&self, filter: &UsageFilter) -> Result<UsageSummary> {
        self.0.usage.flush_apart().await;
        let rows = queries::find(&mut self.0.databases.system.read().await?, filter, ROWS + 1).await?;
        if rows.len() > usize::try_from(ROWS).unwrap_or(usize::MAX) {
            let message = format!(
                "there are more than {ROWS} records to add up; ask for longer intervals (by=hour, by=day), a shorter time, or one function"
            );
            return Err(Error::Invalid { field: "by".to_owned(), message });
        }
        let mut summary = UsageSummary::default();
        rows.into_iter().for_each(|row| summary.add(row));
        Ok(summary)
    }

    /// Writes what was counted, and removes what is too old, until the server stops.
    pub(super) async fn keep_usage(self) {
        let tasks = self.0.invoker.tasks.clone();
        let mut pruned = None;
        while !tasks.is_stopping() {
            if pruned.is_none_or(|at| self.now().since(at) >= PRUNE_EVERY) {
                pruned = Some(self.now());
                if let Err(err) = self.0.usage.prune(self.0.config.keep_usage).await {
                    tracing::warn!(error = %err, "usage that is older than is kept stays for now: {err}");
                }
            }
            self.0.usage.flush().await;
            if let Err(err) = self.set_event_gauges().await {
                tracing::debug!(error = %err, "the metrics of asynchronous calls are not set for now: {err}");
            }
            tokio::select! {
                () = tokio::time::sleep(WRITE_EVERY) => {}
                () = tasks.soft_stopped() => {}
            }
        }
    }

    /// Writes what was counted until now; to be called when no call runs any more.
    pub async fn write_usage(&self) {
        self.0.usage.flush().await;
    }

    /// Shows how many asynchronous calls there are, and how far behind they are.
    async fn set_event_gauges(&self) -> db::Result<()> {
        let (waiting, dead, due) = events::standing(&mut self.0.databases.system.read().await?, MOST_EVENTS).await?;
        let running = self.0.events.running();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts fit its 53 bits")]
        let set = |name: &'static str, count: i64| gauge!(name).set(count as f64);
        let running = i64::try_from(running).unwrap_or(i64::MAX);
        set("plinth_function_events_running", running);
        set("plinth_function_events_waiting", waiting.saturating_sub(running));
        set("plinth_function_events_dead", dead);
        let late = due.map(|due| self.now().since(due)).unwrap_or_default();
        gauge!("plinth_function_events_late_seconds").set(late.as_secs_f64());
        Ok(())
    }
}
