//! A client's connection: counted from its being accepted to its end, for its worker and for its address.

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::{Extensions, ServiceRequest};
use metrics::Gauge;
use tokio::net::UnixStream;

use super::worker::Worker;
use crate::sys::sockets::Ends;
use crate::tasks::Tasks;

/// The most requests of one connection that are under way at once. HTTP/2 is offered without a limit of its own by actix, and a
/// request whose stream was reset goes on to its end.
const MAX_UNDER_WAY: u32 = 1024;

/// How many connections each address has; all workers share one.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, u32>>>);

/// What the connections of all workers share. Cheap to clone.
#[derive(Clone)]
pub(in crate::server) struct Shared {
    addresses: Addresses,
    /// How long a connection may be without a request.
    pub(super) patience: Duration,
    pub(super) tasks: Tasks,
}

/// One connection.
pub(in crate::server) struct Connection {
    worker: Rc<Worker>,
    addresses: Addresses,
    /// Whether it came by the private listener.
    is_private: bool,
    under_way: Cell<u32>,
    /// Since when no request is under way; `None` while there is one, and before the first.
    idle_since: Cell<Option<Instant>>,
    /// Where it is from and where to, from its first request on.
    ends: OnceCell<Ends>,
    /// What it is counted for, from its first request on.
    counted: OnceCell<IpAddr>,
}

impl Connection {
    /// Notes a connection that was accepted; called by the worker that serves it. Its end is its being dropped.
    pub(in crate::server) fn accepted(shared: &Shared, stream: &dyn Any, extensions: &mut Extensions) {
        let worker = Worker::here(shared);
        worker.open.set(worker.open.get() + 1);
        worker.connections.increment(1.0);
        worker.accepted.increment(1);
        let is_private = stream.is::<UnixStream>();
        let kept = Rc::clone(&worker.kept);
        let connection = Rc::new(Self {
            worker,
            addresses: shared.addresses.clone(),
            is_private,
            under_way: Cell::new(0),
            idle_since: Cell::new(None),
            ends: OnceCell::new(),
            counted: OnceCell::new(),
        });
        kept.add(&connection);
        extensions.insert(connection);
    }

    /// The connection of a request.
    pub(in crate::server) fn of(request: &ServiceRequest) -> Option<Rc<Self>> {
        let connection = request.conn_data::<Rc<Self>>()?;
        if let Some(peer) = request.peer_addr() {
            connection.ends.get_or_init(|| (peer, request.app_config().local_addr().port()));
        }
        Some(Rc::clone(connection))
    }

    pub(super) const fn idle_since(&self) -> Option<Instant> {
        self.idle_since.get()
    }

    pub(super) fn ends(&self) -> Option<Ends> {
        self.ends.get().copied()
    }

    pub(super) const fn is_private(&self) -> bool {
        self.is_private
    }

    /// Whether it may have a request more under way.
    pub(super) fn has_room(&self) -> bool {
        self.under_way.get() <= MAX_UNDER_WAY
    }

    /// Whether its worker has so many that none is to be kept without a request.
    pub(in crate::server) fn is_under_pressure(&self, max_connections: usize) -> bool {
        self.worker.open.get() >= max_connections / 4 * 3
    }

    /// Counts it for its address, once; whether that has no more than so many.
    pub(super) fn is_within(&self, address: IpAddr, limit: u32) -> bool {
        let address = network(address);
        if self.counted.get().is_some() {
            return true;
        }
        let mut counts = self.addresses.counts();
        let count = counts.entry(address).or_insert(0);
        if *count >= limit {
            return false;
        }
        *count += 1;
        drop(counts);
        self.counted.get_or_init(|| address);
        true
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.worker.open.set(self.worker.open.get().saturating_sub(1));
        self.worker.connections.decrement(1.0);
        let Some(address) = self.counted.get() else { return };
        let mut counts = self.addresses.counts();
        if let Some(count) = counts.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(address);
            }
        }
    }
}

impl Shared {
    pub(in crate::server) fn new(patience: Duration, tasks: Tasks) -> Self {
        Self { addresses: Addresses::default(), patience, tasks }
    }
}

impl Addresses {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address as it is counted: of IPv6, the 64 bits that one client is given as a whole.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        four => four,
    }
}

/// A request that is under way, for as long as it lives: until its answer went out, or its client away.
pub(in crate::server) struct UnderWay {
    in_flight: Gauge,
    connection: Option<Rc<Connection>>,
}

impl UnderWay {
    pub(in crate::server) fn enter(in_flight: Gauge, connection: Option<Rc<Connection>>) -> Self {
        in_flight.increment(1.0);
        if let Some(connection) = &connection {
            connection.under_way.set(connection.under_way.get() + 1);
            connection.idle_since.set(None);
            connection.worker.requests.increment(1);
        }
        Self { in_flight, connection }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        if let Some(connection) = &self.connection {
            let left = connection.under_way.get() - 1;
            connection.under_way.set(left);
            connection.idle_since.set((left == 0).then(Instant::now));
        }
    }
}
