//! Removing what is over, in the background.
//!
//! A session that is signed out is removed at once, and its refresh tokens with it: they are no rows of their own. What is left are
//! sessions that were abandoned: nobody has refreshed them for `auth.session_idle_limit`.

use std::time::Duration;

use super::AuthService;
use crate::auth::Result;
use crate::auth::queries::sessions;
use crate::tasks::Tasks;
use crate::types::Timestamp;

/// How often idle sessions are looked for.
const EVERY: Duration = Duration::from_secs(600);

/// Sessions removed in one transaction: few, so that a sign-in that waits behind it does not notice.
const BATCH: u32 = 200;

impl AuthService {
    /// Removes idle sessions now and then, until the server stops.
    pub fn keep_tidy(&self, tasks: &Tasks) {
        let (auth, stop) = (self.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            while !stop.is_stopping() {
                if let Err(err) = auth.remove_idle_sessions(&stop).await {
                    tracing::warn!(error = %err, "idle sessions stay for now: {err}");
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = stop.soft_stopped() => {}
                }
            }
        }));
    }

    /// Removes every session that is idle at this moment, in small batches; gives how many. A stop ends it between two.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_idle_sessions(&self, tasks: &Tasks) -> Result<u64> {
        let before = self.idle_since();
        let mut removed = 0;
        while !tasks.is_stopping() {
            let batch =
                self.0.db.write(move |tx| Box::pin(async move { sessions::delete_idle(tx, before, BATCH).await })).await?;
            removed += batch;
            if batch < u64::from(BATCH) {
                break;
            }
        }
        if removed > 0 {
            tracing::info!(removed, "{removed} sessions were removed that nobody had refreshed for long");
        }
        Ok(removed)
    }

    /// A session that was last refreshed before this moment is over.
    pub(super) fn idle_since(&self) -> Timestamp {
        // Never before its access token is.
        self.now().minus(self.0.config.session_idle_limit.max(self.0.config.token_lifetime))
    }
}
