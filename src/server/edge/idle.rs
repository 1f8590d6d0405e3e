//! Ends connections that have had no request for longer than they are kept.
//!
//! actix ends an HTTP/1 connection that is silent after an answer. One that sends a part of its next head, and HTTP/2 that answers pings,
//! it keeps for ever: those are found here, once a second on each worker, and their reading is ended.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use super::connection::{Connection, Shared};
use crate::sys::sockets;

/// How often a worker looks.
const EVERY: Duration = Duration::from_secs(1);

/// The connections of one worker.
#[derive(Default)]
pub(super) struct Kept(RefCell<Vec<Weak<Connection>>>);

impl Kept {
    pub(super) fn add(&self, connection: &Rc<Connection>) {
        self.0.borrow_mut().push(Rc::downgrade(connection));
    }

    /// Looks every second, as long as the worker runs. While the server stops there is little patience: actix waits for connections of
    /// HTTP/2 to their ends.
    pub(super) async fn watch(self: Rc<Self>, shared: Shared) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            let patience = if shared.tasks.is_stopping() { shared.patience.min(EVERY) } else { shared.patience };
            let overdue = self.overdue(patience);
            if overdue.is_empty() {
                continue;
            }
            let (count, ending) = (overdue.len(), actix_web::web::block(move || sockets::end_reading(&overdue)));
            match ending.await {
                Ok(Ok(ended)) => {
                    tracing::debug!("{ended} of {count} connections without a request were ended after {patience:?}")
                }
                Ok(Err(err)) => tracing::warn!(error = %err, "connections without a request cannot be ended: {err}"),
                Err(err) => tracing::warn!(error = %err, "connections without a request cannot be ended: {err}"),
            }
        }
    }

    /// Those without a request for longer than that; forgets those that are over.
    fn overdue(&self, patience: Duration) -> HashSet<sockets::Ends> {
        let now = Instant::now();
        let mut overdue = HashSet::new();
        self.0.borrow_mut().retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            overdue.extend(connection.idle_since().filter(|since| now.duration_since(*since) > patience).and(connection.ends()));
            true
        });
        overdue
    }
}
