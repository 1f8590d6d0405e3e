//! An execution environment: a worker bound to one revision for life.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::gauge;
use rustix::process::Pid;

use super::Counts;
use super::pool::{Alive, Room};
use super::worker::Worker;
use crate::functions::logs::Buffer;
use crate::functions::metering::Meter;
use crate::functions::model::Revision;
use crate::secrets::SecretsService;
use crate::sys::process;

/// How old a memory sample may grow before a call takes another.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// A phase that takes longer may have taken much memory.
const LONG: Duration = Duration::from_millis(20);

/// A worker that runs one revision. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) worker: Worker,
    pub(super) revision: Arc<Revision>,
    /// Where the function's log lines go.
    pub(super) log: Arc<Buffer>,
    /// Where its calls are counted.
    pub(super) meter: Arc<Meter>,
    /// CPU time of its initialisation, as the worker says.
    pub(super) init_cpu: Duration,
    /// Calls made so far; the number of the next call, less one.
    pub(super) calls: u64,
    /// Whether it was made before a call needed it, as one of those that are kept.
    pub(super) provisioned: bool,
    /// What secrets it was given, if it names any.
    pub(super) secrets: Option<Secrets>,
    pub(super) memory: Sample,
    /// Its place among those of its revision that may take calls, once it is initialised.
    pub(super) alive: Option<Alive>,
    _room: Room,
}

/// Which secrets an environment was given.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    pub(super) service: SecretsService,
    /// The count of changes when they were read.
    pub(super) changes: i64,
}

/// What is known of the memory that a worker holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    at: Option<Instant>,
    peak: u64,
}

/// One among those that are counted.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Environment {
    pub(super) fn new(worker: Worker, revision: Arc<Revision>, log: Arc<Buffer>, meter: Arc<Meter>, room: Room) -> Self {
        Self {
            worker,
            revision,
            log,
            meter,
            init_cpu: Duration::ZERO,
            calls: 0,
            secrets: None,
            provisioned: false,
            alive: None,
            memory: Sample::default(),
            _room: room,
        }
    }

    /// Whether a secret was changed since it was given them: no further call is to run in it.
    pub(super) fn is_outdated(&self) -> bool {
        self.secrets.as_ref().is_some_and(Secrets::are_outdated)
    }

    /// The most memory of its own the worker ever held, in bytes, after a phase that took so long.
    pub(super) fn peak_memory(&mut self, phase: Duration) -> u64 {
        self.memory.peak(self.worker.process().pid, phase)
    }
}

impl Secrets {
    /// Whether one was changed since.
    pub(super) fn are_outdated(&self) -> bool {
        self.changes < self.service.changes()
    }
}

impl Sample {
    /// The most memory of its own that a worker ever held, in bytes, after a phase that took so long. The kernel is asked after a
    /// long phase, and otherwise once a second at the most.
    pub(super) fn peak(&mut self, pid: Pid, phase: Duration) -> u64 {
        if phase > LONG || self.at.is_none_or(|at| at.elapsed() > SAMPLE_EVERY) {
            // A worker that has ended keeps the last sample.
            if let Ok(memory) = process::memory(pid) {
                self.peak = self.peak.max(memory.peak);
            }
            self.at = Some(Instant::now());
        }
        self.peak
    }
}

impl Counted {
    /// Counts one more, unless that would be more than `max`.
    pub(super) fn one_of(count: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let more = |now| (now < max).then_some(now + 1);
        count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self(Arc::clone(count)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Shows how many of what there are.
pub(super) fn set_gauges(counts: &Counts) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts fit its 53 bits")]
    let set = |name: &'static str, count: u64| gauge!(name).set(count as f64);
    let set_count = |name: &'static str, count: usize| set(name, u64::try_from(count).unwrap_or(u64::MAX));
    set_count("plinth_function_environments", counts.environments);
    set_count("plinth_function_environments_idle", counts.idle);
    set_count("plinth_function_environments_provisioned", counts.provisioned);
    set_count("plinth_function_spares", counts.spares);
    set_count("plinth_function_processes", counts.processes);
    set_count("plinth_function_calls_running", counts.running);
    set_count("plinth_function_calls_waiting", counts.waiting);
    set("plinth_function_memory_bytes", counts.memory);
    set("plinth_function_memory_allowed_bytes", counts.memory_allowed);
}
