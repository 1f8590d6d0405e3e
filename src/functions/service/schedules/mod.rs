//! Schedules: set by an API call or with a deployment, and fired here.
//!
//! ```text
//! firing: due (read) -> what fires of what was missed -> one transaction: the due time is taken (compare and set), its events are added
//! ```
//!
//! # Invariants
//!
//! - Who moves a schedule's due time forward adds its events in the same transaction, so a due time fires once, whichever nodes look
//!   and whenever one dies. From there on it is an asynchronous call like any other.
//! - A change that leaves the timing alone does not touch the due time.

mod firing;
mod message;
mod verbs;

use std::time::Duration;

use tokio::sync::Notify;

pub use self::verbs::Declarations;

/// The longest wait for something to become due where other nodes set schedules too.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The longest wait where this is the only node: whoever sets a schedule wakes. The machine's clock may be set, too.
const LOOK_EVERY_ALONE: Duration = Duration::from_secs(10);

/// Tells the task that fires schedules that there may be another one.
#[derive(Debug, Default)]
pub(super) struct Wake(Notify);

impl Wake {
    fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for so long, or until something was set.
    async fn or_after(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.0.notified() => {}
        }
    }
}
