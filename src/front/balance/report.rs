//! What operators see of upstreams.

use serde::Serialize;
use utoipa::ToSchema;

use super::backend::{Backend, Moment};
use super::lock;
use super::members::{Changes, Membership};
use super::upstream::Upstream;
use crate::config::front::{Balance, Upstream as Settings};
use crate::types::Timestamp;

/// An upstream as it is now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UpstreamReport {
    #[schema(example = "api")]
    pub name: String,
    /// How the next server is chosen.
    #[schema(example = "round_robin")]
    pub balance: &'static str,
    pub backends: Vec<BackendReport>,
    pub queue: QueueReport,
    /// The names that DNS is asked for.
    pub names: Vec<NameReport>,
    /// Whether operators changed something that a reload of the configuration undoes.
    pub changed: bool,
}

/// A server at one address, as it is now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BackendReport {
    /// What it is changed by.
    #[schema(example = "10.0.0.2:8080")]
    pub address: String,
    /// As it is configured; a name may have many addresses.
    #[schema(example = "app.internal:8080")]
    pub name: String,
    pub state: BackendState,
    /// What was wrong, when it is unwell or was ejected.
    #[schema(example = "no connection: Connection refused (os error 111)")]
    pub why: Option<String>,
    /// Until when no requests are sent to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ejected_until: Option<Timestamp>,
    /// When its health was asked last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked_at: Option<Timestamp>,
    #[schema(example = 1)]
    pub weight: u32,
    /// How much of its weight counts, in percent: less than 100 while it starts slowly.
    #[schema(example = 100)]
    pub share_percent: u32,
    /// Requests at a time; 0 for no limit.
    #[schema(example = 0)]
    pub max_connections: u32,
    /// Takes requests only while no other server can.
    pub backup: bool,
    /// Takes no new requests, but those of clients that a sticky cookie leads back to it.
    pub draining: bool,
    pub origin: BackendOrigin,
    /// Requests it has at the moment.
    #[schema(example = 3)]
    pub connections: u32,
    /// Requests it was sent since it is there.
    #[schema(example = 51_234)]
    pub requests: u64,
    /// How many of them failed.
    #[schema(example = 2)]
    pub failures: u64,
    /// A moving average of the time to the first byte, in milliseconds.
    #[schema(example = 12.5)]
    pub latency_ms: Option<f64>,
}

/// How a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendState {
    /// It is sent requests.
    Well,
    /// Health checks fail.
    Unwell,
    /// Requests failed at it, so it is left alone for a while.
    Ejected,
    /// An operator drains it.
    Draining,
}

/// Who says that a server is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendOrigin {
    Configuration,
    /// The configuration, with changes of an operator.
    Changed,
    /// An operator.
    Added,
}

/// Requests that wait for a server.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct QueueReport {
    #[schema(example = 0)]
    pub waiting: usize,
    /// How many may wait.
    #[schema(example = 128)]
    pub length: usize,
}

/// A name that DNS is asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NameReport {
    #[schema(example = "app.internal:8080")]
    pub name: String,
    /// The addresses of the last answer.
    pub addresses: Vec<String>,
    /// Why the last question had no answer; the addresses of the one before are used on.
    pub fault: Option<String>,
}

impl Upstream {
    pub(super) fn describe(&self) -> UpstreamReport {
        let membership = lock(&self.membership);
        let (settings, now) = (self.config(), self.now());
        let members = self.members.load();
        let backends: Vec<_> =
            members.backends.iter().map(|backend| describe(backend, &membership.changes, &settings, now)).collect();
        UpstreamReport {
            name: self.name.clone(),
            balance: match settings.balance {
                Balance::RoundRobin => "round_robin",
                Balance::LeastConnections => "least_connections",
                Balance::PowerOfTwo => "power_of_two",
                Balance::Hash => "hash",
            },
            queue: QueueReport { waiting: self.queue.waiting(), length: settings.queue.length },
            names: names(&membership),
            changed: membership.changes.is_any(),
            backends,
        }
    }
}

fn names(membership: &Membership) -> Vec<NameReport> {
    let sources = membership.sources.iter().chain(&membership.changes.added).filter(|source| source.is_name());
    let report = sources.map(|source| NameReport {
        name: source.server.name(),
        addresses: source.addresses().iter().map(ToString::to_string).collect(),
        fault: source.fault.clone(),
    });
    report.collect()
}

fn describe(backend: &Backend, changes: &Changes, settings: &Settings, now: Moment) -> BackendReport {
    let standing = &backend.standing;
    let orders = backend.orders();
    let ejected_until = standing.ejected_until(now, settings.ejection.max_time);
    let full = standing.risen(orders.weight, now, std::time::Duration::ZERO);
    BackendReport {
        address: backend.address.to_string(),
        name: backend.name.clone(),
        state: if orders.draining {
            BackendState::Draining
        } else if standing.is_unwell() {
            BackendState::Unwell
        } else if ejected_until.is_some() {
            BackendState::Ejected
        } else {
            BackendState::Well
        },
        why: standing.why(),
        ejected_until: ejected_until.and_then(Timestamp::from_micros),
        checked_at: standing.checked_at().and_then(Timestamp::from_micros),
        weight: orders.weight,
        share_percent: standing.risen(orders.weight, now, settings.balancing.slow_start) / (full / 100).max(1),
        max_connections: orders.max_connections,
        backup: orders.backup,
        draining: orders.draining,
        origin: if changes.is_added(backend.address) {
            BackendOrigin::Added
        } else if changes.is_changed(backend.address) {
            BackendOrigin::Changed
        } else {
            BackendOrigin::Configuration
        },
        connections: backend.active(),
        requests: backend.requests(),
        failures: backend.failures(),
        latency_ms: backend.latency.estimate(now).map(|micros| (micros / 10.0).round() / 100.0),
    }
}
