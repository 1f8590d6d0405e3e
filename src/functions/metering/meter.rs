//! What is counted of one version of a function, as its calls end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};

use super::{Counts, Period, Report};
use crate::functions::fault::Outcome;
use crate::types::{Clock, Timestamp};

/// Counts the calls of one version of a function on this node: for the metrics, and, by the minute, for the usage.
pub(in crate::functions) struct Meter {
    metrics: Metrics,
    clock: Clock,
    window: Mutex<Window>,
}

/// The function's metrics, looked up once.
struct Metrics {
    /// What the function is called in them.
    function: String,
    succeeded: Counter,
    erred: Counter,
    failed: Counter,
    timed_out: Counter,
    cold_starts: Counter,
    initialisation: Histogram,
    duration: Histogram,
}

/// What was counted since it was last taken.
#[derive(Debug)]
struct Window {
    /// When the minute began that is being counted.
    minute: Timestamp,
    counts: Counts,
    /// Minutes that are over.
    over: Vec<(Timestamp, Counts)>,
}

impl Meter {
    /// One that has counted nothing, whose function is called so in the metrics.
    pub(super) fn new(label: &str, clock: Clock) -> Self {
        let window = Window { minute: Period::Minute.begin_of(clock.now()), counts: Counts::default(), over: Vec::new() };
        Self { metrics: Metrics::of(label), clock, window: Mutex::new(window) }
    }

    /// Counts a call that ended.
    pub(in crate::functions) fn ended(&self, report: &Report) {
        self.metrics.ended(report.outcome, report.phases.handler);
        self.now().counts.record(report);
    }

    /// Counts a call that found no place; `reason` is what was exceeded.
    pub(in crate::functions) fn throttled(&self, reason: &'static str) {
        let function = self.metrics.function.clone();
        counter!("plinth_function_throttles_total", "function" => function, "reason" => reason).increment(1);
        self.now().counts.throttles += 1;
    }

    /// Counts an environment that was started, for a call or before there is one.
    pub(in crate::functions) fn started(&self, initialisation: Duration) {
        self.metrics.cold_starts.increment(1);
        self.metrics.initialisation.record(initialisation.as_secs_f64());
    }

    /// Takes what was counted, by the minute.
    pub(super) fn take(&self) -> Vec<(Timestamp, Counts)> {
        let mut window = self.lock();
        let mut taken = std::mem::take(&mut window.over);
        let counts = std::mem::take(&mut window.counts);
        if !counts.is_empty() {
            taken.push((window.minute, counts));
        }
        taken
    }

    /// The window, at the present minute.
    fn now(&self) -> MutexGuard<'_, Window> {
        let minute = Period::Minute.begin_of(self.clock.now());
        let mut window = self.lock();
        if window.minute != minute {
            let before = std::mem::replace(&mut window.minute, minute);
            let counts = std::mem::take(&mut window.counts);
            if !counts.is_empty() {
                window.over.push((before, counts));
            }
        }
        window
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metrics {
    fn of(function: &str) -> Self {
        let count = |outcome: Outcome| counter!("plinth_function_invocations_total", "function" => function.to_owned(), "outcome" => outcome.as_str());
        Self {
            function: function.to_owned(),
            succeeded: count(Outcome::Success),
            erred: count(Outcome::Error),
            failed: count(Outcome::Failure),
            timed_out: count(Outcome::Timeout),
            cold_starts: counter!("plinth_function_cold_starts_total", "function" => function.to_owned()),
            initialisation: histogram!("plinth_function_init_duration_seconds", "function" => function.to_owned()),
            duration: histogram!("plinth_function_duration_seconds", "function" => function.to_owned()),
        }
    }

    fn ended(&self, outcome: Outcome, handler: Duration) {
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

/// Says what each metric of functions is.
pub(super) fn describe_metrics() {
    describe_counter!("plinth_function_invocations_total", "Calls that ended, by function and outcome");
    describe_counter!(
        "plinth_function_throttles_total",
        "Calls that found no place to run, by function and by what was exceeded"
    );
    describe_counter!("plinth_function_cold_starts_total", "Environments started, by function");
    describe_histogram!("plinth_function_duration_seconds", Unit::Seconds, "How long handlers took, by function");
    describe_histogram!("plinth_function_init_duration_seconds", Unit::Seconds, "How long initialisation took, by function");
    describe_gauge!(
        "plinth_function_events_waiting",
        "Asynchronous calls that wait, for their time or for a place, up to 100000"
    );
    describe_gauge!("plinth_function_events_running", "Asynchronous calls that run on this node");
    describe_gauge!("plinth_function_events_dead", "Asynchronous calls that were given up and are kept, up to 100000");
    describe_gauge!(
        "plinth_function_events_late_seconds",
        Unit::Seconds,
        "For how long the asynchronous call has been due that waits for a place the longest"
    );
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter")
    }
}
