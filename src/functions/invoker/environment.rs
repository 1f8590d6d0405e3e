//! An execution environment: a worker bound to one revision for life.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::Counts;
use super::worker::Worker;
use crate::functions::fault::Outcome;
use crate::functions::logs::Buffer;
use crate::functions::model::Revision;
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
    pub(super) meters: Meters,
    /// Calls made so far; the number of the next call, less one.
    pub(super) calls: u64,
    /// Whether it was made before a call needed it.
    pub(super) provisioned: bool,
    /// The highest number that the worker has given to an outbound request.
    pub(super) last_fetch: u64,
    memory: Sample,
    /// Its place among those of its revision that may take calls, once it is initialised.
    pub(super) alive: Option<Counted>,
    _counted: Counted,
}

#[derive(Debug)]
struct Sample {
    at: Option<Instant>,
    peak: u64,
}

/// The function's metrics, looked up once.
pub(super) struct Meters {
    succeeded: Counter,
    erred: Counter,
    failed: Counter,
    timed_out: Counter,
    duration: Histogram,
}

/// One environment among those that are counted against `max_environments`.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Environment {
    pub(super) fn new(worker: Worker, revision: Arc<Revision>, log: Arc<Buffer>, counted: Counted) -> Self {
        let meters = Meters::of(revision.name.as_str());
        Self {
            worker,
            revision,
            log,
            meters,
            calls: 0,
            last_fetch: 1,
            provisioned: false,
            alive: None,
            memory: Sample { at: None, peak: 0 },
            _counted: counted,
        }
    }

    /// The most memory of its own the worker ever held, in bytes, after a phase that took so long. The kernel is asked after a
    /// long phase, and otherwise once a second at the most.
    pub(super) fn peak_memory(&mut self, phase: Duration) -> u64 {
        if phase > LONG || self.memory.at.is_none_or(|at| at.elapsed() > SAMPLE_EVERY) {
            // A worker that has ended keeps the last sample.
            if let Ok(memory) = process::memory(self.worker.process().pid) {
                self.memory.peak = self.memory.peak.max(memory.peak);
            }
            self.memory.at = Some(Instant::now());
        }
        self.memory.peak
    }
}

impl Meters {
    fn of(function: &str) -> Self {
        let count = |outcome: Outcome| counter!("plinth_function_invocations_total", "function" => function.to_owned(), "outcome" => outcome.as_str());
        Self {
            succeeded: count(Outcome::Success),
            erred: count(Outcome::Error),
            failed: count(Outcome::Failure),
            timed_out: count(Outcome::Timeout),
            duration: histogram!("plinth_function_duration_seconds", "function" => function.to_owned()),
        }
    }

    /// Counts a call that ended.
    pub(super) fn record(&self, outcome: Outcome, handler: Duration) {
        match outcome {
            Outcome::Success => &self.succeeded,
            Outcome::Error => &self.erred,
            Outcome::Failure => &self.failed,
            Outcome::Timeout => &self.timed_out,
        }
        .increment(1);
        self.duration.record(handler.as_secs_f64());
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
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

/// Counts a call whose environment did not come up.
pub(super) fn count_failed_start(revision: &Revision, outcome: Outcome) {
    Meters::of(revision.name.as_str()).record(outcome, Duration::ZERO);
}

/// Shows how many of what there are.
pub(super) fn set_gauges(counts: &Counts) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts fit its 53 bits")]
    let set = |name: &'static str, count: usize| gauge!(name).set(count as f64);
    set("plinth_function_environments", counts.environments);
    set("plinth_function_environments_idle", counts.idle);
    set("plinth_function_spares", counts.spares);
    set("plinth_function_processes", counts.processes);
    set("plinth_function_calls_running", counts.running);
    set("plinth_function_calls_waiting", counts.waiting);
}
