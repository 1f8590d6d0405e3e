//! Takes another configuration while the server runs: read and checked as at the start, and taken whole or not at all.
//!
//! Reloads come one after another. Requests under way go on with what they began with; what cannot change at run time stays as it
//! is, and is told of at each reload until the server is started anew.

use std::sync::{Arc, Mutex, PoisonError};

use super::edge::Live;
use crate::config::{self, Change, ConfigError, Flags, Loaded, Written};
use crate::front::Front;
use crate::telemetry;
use crate::tls::Certificates;

/// Reads the configuration again and gives each part what is new of it.
pub(super) struct Reloader {
    flags: Flags,
    /// What the server runs with.
    running: Mutex<Written>,
    parts: Parts,
}

/// The parts that take another configuration.
pub(super) struct Parts {
    pub(super) live: Arc<Live>,
    pub(super) certificates: Certificates,
    pub(super) front: Front,
}

/// What a reload did.
#[derive(Debug)]
pub(super) struct Reloaded {
    /// What holds from now on.
    pub(super) applied: Vec<Change>,
    /// What takes a restart, and is as it was.
    pub(super) left: Vec<Change>,
}

/// A configuration that was taken.
struct Taken {
    reloaded: Reloaded,
    running: Written,
    log_level: String,
}

impl Reloader {
    pub(super) fn new(flags: Flags, running: Written, parts: Parts) -> Self {
        Self { flags, running: Mutex::new(running), parts }
    }

    /// Reads the configuration again and takes it, off the caller's thread. It goes to its end when the caller does not wait for it.
    ///
    /// # Errors
    /// Every error of the new configuration; the one before goes on.
    pub(super) async fn reload(self: Arc<Self>, asked_by: &'static str) -> Result<Reloaded, Vec<ConfigError>> {
        let done = tokio::task::spawn_blocking(move || self.reload_now(asked_by)).await;
        done.unwrap_or_else(|err| Err(vec![ConfigError { place: "reload".to_owned(), message: err.to_string() }]))
    }

    fn reload_now(&self, asked_by: &str) -> Result<Reloaded, Vec<ConfigError>> {
        // Held to the end, so that of two reloads the later one reads, and is, what is there later.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.take(&running);
        match &done {
            Ok(taken) => {
                tell(&taken.reloaded, asked_by);
                telemetry::set_log_level(&taken.log_level);
            }
            Err(errors) => {
                tracing::error!(
                    "the configuration was not reloaded ({asked_by}), the one before goes on: it has {} errors",
                    errors.len()
                );
                for error in errors {
                    tracing::error!("{error}");
                }
            }
        }
        let taken = done?;
        *running = taken.running;
        Ok(taken.reloaded)
    }

    fn take(&self, running: &Written) -> Result<Taken, Vec<ConfigError>> {
        let Loaded { config, written, .. } = config::load(&self.flags, &config::environment())?;
        let checked = Certificates::read(&config.front.certificates).map_err(|faults| {
            faults.into_iter().map(|fault| ConfigError { place: fault.place, message: fault.message }).collect::<Vec<_>>()
        })?;
        let Parts { live, certificates, front } = &self.parts;
        // The one part that may still refuse comes first.
        front.apply(&config).map_err(|err| vec![ConfigError { place: "sites".to_owned(), message: err.to_string() }])?;
        certificates.take(checked);
        live.apply(&config);
        let (left, applied) = running.changes_to(&written).into_iter().partition(|change: &Change| change.needs_restart);
        let reloaded = Reloaded { applied, left };
        Ok(Taken { reloaded, running: running.after_taking(&written), log_level: config.log.level })
    }
}

impl Reloaded {
    /// A line for each change.
    pub(super) fn lines(&self) -> Vec<String> {
        let applied = self.applied.iter().map(ToString::to_string);
        let left = self.left.iter().map(|change| format!("restart required: {change}"));
        applied.chain(left).collect()
    }
}

fn tell(reloaded: &Reloaded, asked_by: &str) {
    let (applied, left) = (reloaded.applied.len(), reloaded.left.len());
    tracing::info!(applied, left, "the configuration was reloaded ({asked_by}): {applied} changes, {left} that take a restart");
    for line in reloaded.lines() {
        tracing::info!("{line}");
    }
}
