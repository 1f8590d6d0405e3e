//! What one web worker tells of itself: its connections, its requests, and how late its event loop is.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge, histogram};

use super::connection::Shared;
use super::idle::Kept;

/// How often the event loop's lateness is measured.
const MEASURED_EVERY: Duration = Duration::from_millis(250);

/// The workers that there were.
static WORKERS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static HERE: OnceCell<Rc<Worker>> = const { OnceCell::new() };
}

/// The web worker of this thread.
pub(super) struct Worker {
    /// Connections that are open now.
    pub(super) open: Cell<usize>,
    pub(super) connections: Gauge,
    pub(super) accepted: Counter,
    pub(super) requests: Counter,
    pub(super) kept: Rc<Kept>,
}

impl Worker {
    /// The worker whose thread this is; the first call of a thread begins to measure it, and to end connections that have had no request
    /// for so long.
    pub(super) fn here(shared: &Shared) -> Rc<Self> {
        HERE.with(|here| Rc::clone(here.get_or_init(|| Self::begin(shared))))
    }

    fn begin(shared: &Shared) -> Rc<Self> {
        let number = WORKERS.fetch_add(1, Ordering::Relaxed).to_string();
        let lag = histogram!("plinth_worker_lag_seconds", "worker" => number.clone());
        actix_web::rt::spawn(async move {
            loop {
                let due = Instant::now() + MEASURED_EVERY;
                tokio::time::sleep_until(due.into()).await;
                lag.record(due.elapsed());
            }
        });
        let kept = Rc::<Kept>::default();
        actix_web::rt::spawn(Rc::clone(&kept).watch(shared.clone()));
        Rc::new(Self {
            open: Cell::new(0),
            connections: gauge!("plinth_worker_connections", "worker" => number.clone()),
            accepted: counter!("plinth_worker_connections_total", "worker" => number.clone()),
            requests: counter!("plinth_worker_requests_total", "worker" => number),
            kept,
        })
    }
}
