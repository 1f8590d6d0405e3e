//! An execution environment: one function revision, initialised once, called again and again.
//!
//! Calls come one after the other ([`alone`]), or run side by side in one isolate ([`shared`]), as the assignment says.

mod alone;
mod init;
mod shared;
mod turn;

use std::io;
use std::mem::ManuallyDrop;
use std::time::Duration;

use super::channel::Channel;
use super::failure;
use super::protocol::{Assign, FromWorker, FunctionError};
use super::runtime::engine::Engine;
use super::watchdog::Watchdog;

/// How long no call must come before the heap is tidied up.
const IDLE: Duration = Duration::from_secs(2);

/// Whether the environment may take another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Sound,
    Broken,
}

/// The worker's side of an environment.
pub(super) struct Environment {
    /// Never dropped: the process ends with it, and an isolate that was ended in mid-script need not be taken apart.
    engine: ManuallyDrop<Engine>,
    channel: Channel,
    watchdog: Watchdog,
    /// How long promises may go on after the answer to the last call.
    patience: Duration,
    /// Whether the script was last seen waiting, not running.
    waits: bool,
    /// The call whose promises went on after its answer, until it is told that they do no more.
    owes_settled: Option<u64>,
}

impl Environment {
    pub(super) fn new(engine: Engine, channel: Channel, watchdog: Watchdog) -> Self {
        Self { engine: ManuallyDrop::new(engine), channel, watchdog, patience: Duration::ZERO, waits: false, owes_settled: None }
    }

    /// Becomes the assigned revision and serves its calls until the server hangs up or a fault ends it.
    ///
    /// # Errors
    /// When the socket breaks, or the server says what it must not say now.
    pub(super) async fn serve(mut self, assign: Assign, body: Vec<u8>) -> io::Result<()> {
        let shared = assign.shared;
        if self.initialise(assign, body).await? == Health::Broken {
            return Ok(());
        }
        if shared { self.serve_shared().await } else { self.serve_alone().await }
    }

    /// Puts what is pending before a failure that is about that.
    fn tell_pending(&mut self, error: &FunctionError) -> io::Result<()> {
        if !failure::is_about_pending(error) {
            return Ok(());
        }
        let pending = self.engine.pending(!self.waits);
        self.channel.outbox().push(&FromWorker::Pending(Box::new(pending)), &[]).map_err(io::Error::other)
    }

    async fn send(&self, message: &FromWorker, body: &[u8]) -> io::Result<()> {
        self.channel.outbox().push(message, body).map_err(io::Error::other)?;
        self.channel.flush().await
    }
}
