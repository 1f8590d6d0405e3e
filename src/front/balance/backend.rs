//! One server at one address: what it was told to do, and what it does.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::health::Standing;
use super::meters::BackendMeters;
use super::selection::hash::hashed;

/// A moment of the clock: microseconds since 1970-01-01.
pub(super) type Moment = i64;

/// Names a server within this process; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackendId(u64);

impl BackendId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a server is told: by the configuration, or by an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orders {
    pub(super) weight: u32,
    /// 0 for no limit.
    pub(super) max_connections: u32,
    pub(super) backup: bool,
    /// Takes no new requests but those of clients that a cookie leads back to it.
    pub(super) draining: bool,
}

/// One server at one address.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) id: BackendId,
    /// `host:port` as it is configured.
    pub(super) name: String,
    pub(super) address: SocketAddr,
    /// Its address, hashed.
    pub(super) hash: u64,
    pub(super) standing: Standing,
    pub(super) latency: Latency,
    pub(super) meters: BackendMeters,
    /// How much of its turn it has saved up; round robin's.
    pub(super) turn: AtomicI64,
    weight: AtomicU32,
    max_connections: AtomicU32,
    backup: AtomicBool,
    draining: AtomicBool,
    /// Requests it has at the moment.
    active: AtomicU32,
    requests: AtomicU64,
    failures: AtomicU64,
}

impl Backend {
    pub(super) fn new(name: String, address: SocketAddr, orders: Orders, meters: BackendMeters) -> Self {
        let backend = Self {
            id: BackendId::next(),
            name,
            address,
            hash: hashed(address.to_string().as_bytes()),
            standing: Standing::default(),
            latency: Latency::default(),
            meters,
            turn: AtomicI64::new(0),
            weight: AtomicU32::new(1),
            max_connections: AtomicU32::new(0),
            backup: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            active: AtomicU32::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        backend.order(orders);
        backend.meters.well(true);
        backend
    }

    pub(super) fn order(&self, orders: Orders) {
        self.weight.store(orders.weight, Ordering::Relaxed);
        self.backup.store(orders.backup, Ordering::Relaxed);
        self.draining.store(orders.draining, Ordering::Relaxed);
        self.max_connections.store(orders.max_connections, Ordering::SeqCst);
    }

    pub(super) fn orders(&self) -> Orders {
        Orders {
            weight: self.weight(),
            max_connections: self.max_connections.load(Ordering::Relaxed),
            backup: self.is_backup(),
            draining: self.is_draining(),
        }
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    pub(super) fn is_backup(&self) -> bool {
        self.backup.load(Ordering::Relaxed)
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Requests it has at the moment.
    pub(super) fn active(&self) -> u32 {
        self.active.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        let most = self.max_connections.load(Ordering::SeqCst);
        most > 0 && self.active() >= most
    }

    /// Takes a place at the server; false when it has as many requests as it takes.
    ///
    /// The order of these operations and of the queue's is the same for all threads (`SeqCst`): either who frees a place sees who waits,
    /// or who waits sees the free place.
    pub(super) fn take(&self) -> bool {
        let most = match self.max_connections.load(Ordering::SeqCst) {
            0 => u32::MAX,
            most => most,
        };
        let taken =
            self.active.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |active| (active < most).then(|| active + 1)).is_ok();
        if taken {
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.meters.connections(1.0);
        }
        taken
    }

    /// Gives a place back.
    pub(super) fn release(&self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
        self.meters.connections(-1.0);
    }
}

/// How long a server takes to its first byte: a moving average that jumps up at once and comes down slowly, so that a server that turns
/// slow is known by its first slow answer. With time alone it comes down too: a server that is not asked any more is asked again.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// An `f64` of microseconds, by its bits; 0 while nothing is known.
    average: AtomicU64,
    at: AtomicI64,
}

/// After this long an average has lost all but a third of its weight.
const MEMORY: f64 = 10_000_000.0;

impl Latency {
    pub(super) fn record(&self, sample: Duration, now: Moment) {
        let sample = sample.as_secs_f64() * 1e6;
        let weight = self.remembered(now);
        let average = self.value() * weight;
        let next = if sample > average { sample } else { average + sample * (1.0 - weight) };
        // Two at once: one of them is lost, which an average does not mind.
        self.average.store(next.max(1.0).to_bits(), Ordering::Relaxed);
        self.at.store(now, Ordering::Relaxed);
    }

    /// A request failed, which must not look like a quick answer: as slow as twice the average.
    pub(super) fn record_failure(&self, now: Moment) {
        const AT_LEAST: Duration = Duration::from_millis(100);
        self.record(AT_LEAST.max(Duration::from_secs_f64(self.value().min(60e6) * 2.0 / 1e6)), now);
    }

    /// Microseconds; `None` while nothing is known.
    pub(super) fn estimate(&self, now: Moment) -> Option<f64> {
        let value = self.value();
        (value > 0.0).then(|| (value * self.remembered(now)).max(1.0))
    }

    fn value(&self) -> f64 {
        f64::from_bits(self.average.load(Ordering::Relaxed))
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds between two requests fit 53 bits")]
    fn remembered(&self, now: Moment) -> f64 {
        let age = now.saturating_sub(self.at.load(Ordering::Relaxed)).max(0) as f64;
        (-age / MEMORY).exp()
    }
}
