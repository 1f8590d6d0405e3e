//! What Prometheus is told of upstreams.
//!
//! Servers come and go with DNS and operators, and a label once given stays, so only so many servers have one of their own; further ones
//! share `other`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, Once};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::lock;

/// Servers with a label of their own.
const MAX_LABELS: usize = 1000;

/// The servers that have a label.
#[derive(Debug, Default)]
pub(super) struct Labels(Mutex<HashSet<(String, SocketAddr)>>);

impl Labels {
    fn of(&self, upstream: &str, address: SocketAddr) -> String {
        let mut known = lock(&self.0);
        let key = (upstream.to_owned(), address);
        if known.contains(&key) || (known.len() < MAX_LABELS && known.insert(key)) {
            address.to_string()
        } else {
            "other".to_owned()
        }
    }
}

/// What is measured at one server.
#[derive(Clone)]
pub(super) struct BackendMeters {
    connections: Gauge,
    well: Gauge,
    ejections: Counter,
    failures: Counter,
    /// By the first digit of the status.
    responses: [Counter; 5],
}

impl BackendMeters {
    pub(super) fn new(labels: &Labels, upstream: &str, address: SocketAddr) -> Self {
        let backend = labels.of(upstream, address);
        let upstream = upstream.to_owned();
        let responses = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| {
            counter!("plinth_upstream_responses_total", "upstream" => upstream.clone(), "backend" => backend.clone(), "status" => class)
        });
        Self {
            connections: gauge!("plinth_upstream_connections", "upstream" => upstream.clone(), "backend" => backend.clone()),
            well: gauge!("plinth_upstream_backend_up", "upstream" => upstream.clone(), "backend" => backend.clone()),
            ejections: counter!("plinth_upstream_ejections_total", "upstream" => upstream.clone(), "backend" => backend.clone()),
            failures: counter!("plinth_upstream_failures_total", "upstream" => upstream, "backend" => backend),
            responses,
        }
    }

    pub(super) fn connections(&self, change: f64) {
        self.connections.increment(change);
    }

    pub(super) fn well(&self, well: bool) {
        self.well.set(if well { 1.0 } else { 0.0 });
    }

    pub(super) fn answered(&self, status: u16) {
        if let Some(counter) = usize::from(status / 100).checked_sub(1).and_then(|class| self.responses.get(class)) {
            counter.increment(1);
        }
    }

    pub(super) fn failed(&self) {
        self.failures.increment(1);
    }

    pub(super) fn ejected(&self) {
        self.ejections.increment(1);
    }
}

impl std::fmt::Debug for BackendMeters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackendMeters")
    }
}

/// What is measured at an upstream as a whole.
pub(super) struct UpstreamMeters {
    first_byte: Histogram,
    waiting: Gauge,
    full: Counter,
    timed_out: Counter,
    nobody: Counter,
}

impl UpstreamMeters {
    pub(super) fn new(upstream: &str) -> Self {
        describe();
        let refused = |reason: &'static str| counter!("plinth_upstream_refused_total", "upstream" => upstream.to_owned(), "reason" => reason);
        Self {
            first_byte: histogram!("plinth_upstream_first_byte_seconds", "upstream" => upstream.to_owned()),
            waiting: gauge!("plinth_upstream_queue_length", "upstream" => upstream.to_owned()),
            full: refused("queue_full"),
            timed_out: refused("queue_timeout"),
            nobody: refused("no_backend"),
        }
    }

    pub(super) fn first_byte(&self, after: Duration) {
        self.first_byte.record(after);
    }

    #[expect(clippy::cast_precision_loss, reason = "a queue has at most 100000 places")]
    pub(super) fn waiting(&self, requests: usize) {
        self.waiting.set(requests as f64);
    }

    pub(super) fn refused(&self, why: super::Unavailable) {
        match why {
            super::Unavailable::NoBackend => self.nobody.increment(1),
            super::Unavailable::QueueFull => self.full.increment(1),
            super::Unavailable::QueueTimeout => self.timed_out.increment(1),
        }
    }
}

impl std::fmt::Debug for UpstreamMeters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UpstreamMeters")
    }
}

fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_counter!("plinth_upstream_responses_total", "Answers of servers of upstreams, by the class of their status");
        describe_counter!("plinth_upstream_failures_total", "Requests that servers of upstreams failed, their statuses included");
        describe_counter!("plinth_upstream_ejections_total", "How often a server was left alone because requests failed at it");
        describe_counter!("plinth_upstream_refused_total", "Requests for which no server was free, by the reason");
        describe_gauge!("plinth_upstream_connections", "Requests that servers of upstreams have at the moment");
        describe_gauge!(
            "plinth_upstream_backend_up",
            "1 for a server that takes requests, 0 for one that is unwell or left alone"
        );
        describe_gauge!("plinth_upstream_queue_length", "Requests that wait for a server of the upstream");
        describe_histogram!(
            "plinth_upstream_first_byte_seconds",
            Unit::Seconds,
            "From a request's being sent to its answer's head"
        );
    });
}
