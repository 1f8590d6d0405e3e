//! Metrics in Prometheus' text format.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds, from a tenth of a millisecond to a minute.
const SECONDS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How often samples are sorted into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's recorder; renders what was measured. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the process's recorder.
    ///
    /// # Errors
    /// When a recorder is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
            .install_recorder()?;
        describe_counter!("plinth_http_requests_total", "HTTP requests, by method and status");
        describe_histogram!(
            "plinth_http_request_duration_seconds",
            Unit::Seconds,
            "From the head of a request to the head of its answer"
        );
        describe_gauge!("plinth_http_requests_in_flight", "HTTP requests being served");
        describe_edge();
        Ok(Self(handle))
    }

    /// The metrics as text, for `/metrics`.
    #[must_use]
    pub fn render(&self) -> String {
        describe_process();
        self.0.render()
    }

    /// Sorts what was measured into its buckets every few seconds, so that samples do not pile up when nobody reads the metrics.
    /// Runs until it is dropped.
    pub async fn keep_tidy(self) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

/// What the web workers and the certificates tell.
fn describe_edge() {
    describe_gauge!("plinth_worker_connections", "Connections that are open, by web worker");
    describe_counter!("plinth_worker_connections_total", "Connections that were accepted, by web worker");
    describe_counter!("plinth_worker_requests_total", "Requests, by web worker");
    describe_histogram!(
        "plinth_worker_lag_seconds",
        Unit::Seconds,
        "How late the event loop of a web worker comes to what is due"
    );
    describe_gauge!("plinth_certificate_not_after_seconds", Unit::Seconds, "When a certificate ends, in seconds since 1970");
}

/// Sets the gauges that describe the process itself.
pub fn describe_process() {
    if let Some(bytes) = resident_bytes() {
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; memory fits its 53 bits")]
        gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
}

/// The memory this process holds, in bytes, as Linux counts it.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}
