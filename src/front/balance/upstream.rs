//! An upstream: its servers, how the next is chosen, and who waits for one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Weak};

use arc_swap::ArcSwap;
use tokio::time::timeout;

use super::backend::{Backend, Moment};
use super::health::Turn;
use super::members::{Members, Membership};
use super::meters::UpstreamMeters;
use super::pick::{Ask, Outcome, Pick, Unavailable};
use super::queue::{Queue, Served};
use super::selection::{self, Able, Selection};
use super::upstreams::Shared;
use crate::config::front::{AllUnwell, HealthCheck, Upstream as Settings};

/// An upstream, for as long as the configuration names it.
pub struct Upstream {
    pub(super) name: String,
    pub(super) shared: Arc<Shared>,
    pub(super) plan: ArcSwap<Plan>,
    pub(super) members: ArcSwap<Members>,
    pub(super) membership: Mutex<Membership>,
    pub(super) queue: Queue,
    pub(super) meters: UpstreamMeters,
    /// Itself, for its tasks.
    pub(super) own: Weak<Self>,
}

/// What the configuration says, and what follows from it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: Arc<Settings>,
    pub(super) selection: Box<dyn Selection>,
}

/// Who may take a request.
enum Chosen<'m> {
    Taken(&'m Arc<Backend>, ByCookie),
    Full,
    Nobody,
}

/// Whether the client's cookie led there.
type ByCookie = bool;

impl Upstream {
    pub(super) fn new(settings: &Settings, shared: &Arc<Shared>) -> Arc<Self> {
        let upstream = Arc::new_cyclic(|own| Self {
            name: settings.name.clone(),
            shared: Arc::clone(shared),
            plan: ArcSwap::from_pointee(Plan::new(settings, shared)),
            members: ArcSwap::default(),
            membership: Mutex::default(),
            queue: Queue::default(),
            meters: UpstreamMeters::new(&settings.name),
            own: own.clone(),
        });
        upstream.configure(settings);
        upstream
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn config(&self) -> Arc<Settings> {
        Arc::clone(&self.plan.load().settings)
    }

    /// Picks a server for a request. Waits, within the queue's bounds, while every server has as many requests as it takes.
    ///
    /// # Errors
    /// [`Unavailable`]: there is none that can be asked, or none became free in time.
    pub async fn pick(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Pick, Unavailable> {
        // Who comes while others wait stands behind them.
        if self.queue.waiting() == 0 {
            match self.choose(ask) {
                Served::Picked(pick) => return Ok(pick),
                Served::Nobody => return Err(self.refused(Unavailable::NoBackend)),
                Served::Waits => {}
            }
        }
        self.wait(ask).await.map_err(|why| self.refused(why))
    }

    async fn wait(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Pick, Unavailable> {
        let config = self.config();
        let (place, mut granted) = self.queue.join(ask, config.queue.length).ok_or(Unavailable::QueueFull)?;
        self.serve_queue();
        match timeout(config.queue.timeout, &mut granted).await {
            Ok(granted) => granted.map_err(|_| Unavailable::NoBackend),
            Err(_) => {
                drop(place);
                self.meters.waiting(self.queue.waiting());
                // It may have been granted in the very moment.
                granted.try_recv().map_err(|_| Unavailable::QueueTimeout)
            }
        }
    }

    /// Gives what is free to those who wait.
    pub(super) fn serve_queue(&self) {
        if self.queue.waiting() == 0 {
            return;
        }
        if let Some(own) = self.own.upgrade() {
            self.queue.serve(|ask| own.choose(ask));
        }
        self.meters.waiting(self.queue.waiting());
    }

    fn choose(self: &Arc<Self>, ask: &Ask<'_>) -> Served {
        let members = self.members.load();
        match self.chosen(&members, ask) {
            Chosen::Taken(backend, by_cookie) => Served::Picked(Pick::new(Arc::clone(self), Arc::clone(backend), by_cookie)),
            Chosen::Full => Served::Waits,
            Chosen::Nobody => Served::Nobody,
        }
    }

    fn chosen<'m>(&self, members: &'m Members, ask: &Ask<'_>) -> Chosen<'m> {
        let plan = self.plan.load();
        let now = self.now();
        let settings = &*plan.settings;
        if settings.sticky.is_some()
            && let Some(backend) = ask.cookie.and_then(|token| members.by_token(token))
            && !ask.tried.contains(&backend.id)
            && backend.standing.is_well(now, settings.ejection.max_time)
            && backend.take()
        {
            return Chosen::Taken(backend, true);
        }
        // Another request may take the last place at the chosen one; then there is one server less to choose from.
        for _ in 0..=members.backends.len() {
            let able = able(members, ask, settings, now);
            if able.places.is_empty() {
                return if able.someone_is_full || members.is_looking { Chosen::Full } else { Chosen::Nobody };
            }
            let next = &members.backends[able.places[plan.selection.next(&able.servers, ask.key, now)]];
            if next.take() {
                return Chosen::Taken(next, false);
            }
        }
        Chosen::Full
    }

    /// Takes what became of a request.
    pub(super) fn report(&self, backend: &Backend, outcome: Outcome) {
        let plan = self.plan.load();
        let rules = &plan.settings.ejection;
        let now = self.now();
        let failure = match outcome {
            Outcome::Answered { status, first_byte } => {
                backend.latency.record(first_byte, now);
                backend.meters.answered(status);
                self.meters.first_byte(first_byte);
                rules.status.iter().any(|span| span.contains(&status)).then(|| format!("answered {status}"))
            }
            Outcome::Failed(failure) => {
                backend.latency.record_failure(now);
                Some(failure.to_string())
            }
        };
        let Some(what) = failure else { return backend.standing.succeeded(now, rules) };
        backend.count_failure();
        backend.meters.failed();
        let may = || self.may_eject_another(now, &plan.settings);
        if let Some(time) = backend.standing.failed(now, rules, &what, may) {
            backend.meters.ejected();
            let (upstream, server) = (&self.name, backend.address);
            tracing::warn!(upstream, %server, failure = what, "{server} of {upstream} is left alone for {time:?}: too many requests fail");
        }
    }

    /// Whether few enough servers are left alone for one more to be.
    fn may_eject_another(&self, now: Moment, settings: &Settings) -> bool {
        let members = self.members.load();
        let longest = settings.ejection.max_time;
        let ejected = members.backends.iter().filter(|backend| backend.standing.is_ejected(now, longest)).count();
        let most = u64::from(settings.ejection.max_percent) * members.backends.len() as u64;
        (ejected as u64 + 1) * 100 <= most
    }

    /// Takes what a check said.
    pub(super) fn checked(&self, backend: &Backend, verdict: Result<(), String>, rules: &HealthCheck) {
        let (upstream, server) = (&self.name, backend.address);
        match backend.standing.take(verdict, rules, self.now()) {
            Turn::Nothing => return,
            Turn::Well => tracing::info!(upstream, %server, "{server} of {upstream} is well"),
            Turn::Unwell => {
                let why = backend.standing.why().unwrap_or_default();
                tracing::warn!(upstream, %server, why, "{server} of {upstream} is unwell: {why}");
            }
        }
        self.serve_queue();
    }

    /// A server's value in sticky cookies.
    pub(super) fn token(&self, address: SocketAddr) -> String {
        self.shared.tokens.load().of(&self.name, address)
    }

    /// Tells Prometheus which servers take requests.
    pub(super) fn measure(&self) {
        let (now, longest) = (self.now(), self.plan.load().settings.ejection.max_time);
        for backend in &self.members.load().backends {
            backend.meters.well(backend.standing.is_well(now, longest));
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.shared.clock.now().micros()
    }

    fn refused(&self, why: Unavailable) -> Unavailable {
        self.meters.refused(why);
        why
    }
}

impl Plan {
    pub(super) fn new(settings: &Settings, shared: &Shared) -> Self {
        Self { settings: Arc::new(settings.clone()), selection: selection::configured(settings, shared.seed()) }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({})", self.name)
    }
}

/// Those who may take a request.
#[derive(Default)]
struct AbleServers<'m> {
    servers: Vec<Able<'m>>,
    /// Where each is among the members.
    places: Vec<usize>,
    someone_is_full: bool,
}

/// The well primaries that have room; the well backups, if there are none; and if nobody is well at all, whoever has room.
fn able<'m>(members: &'m Members, ask: &Ask<'_>, settings: &Settings, now: Moment) -> AbleServers<'m> {
    let longest = settings.ejection.max_time;
    let is_well = |backend: &Backend| backend.standing.is_well(now, longest);
    let mut able = AbleServers::default();
    let mut someone_is_well = false;
    for backup in [false, true] {
        able.gather(members, ask, (settings, now), |backend| {
            let good = backend.is_backup() == backup && is_well(backend);
            someone_is_well |= good;
            good
        });
        if !able.places.is_empty() {
            return able;
        }
    }
    // One that is well but was tried, or is full, keeps the others out.
    if settings.balancing.all_unwell == AllUnwell::Try && !someone_is_well {
        for backup in [false, true] {
            able.gather(members, ask, (settings, now), |backend| backend.is_backup() == backup);
            if !able.places.is_empty() {
                break;
            }
        }
    }
    able
}

impl<'m> AbleServers<'m> {
    fn gather(
        &mut self,
        members: &'m Members,
        ask: &Ask<'_>,
        (settings, now): (&Settings, Moment),
        mut is_good: impl FnMut(&Backend) -> bool,
    ) {
        for (place, backend) in members.backends.iter().enumerate() {
            if backend.is_draining() || !is_good(backend) || ask.tried.contains(&backend.id) {
                continue;
            }
            if backend.is_full() {
                self.someone_is_full = true;
                continue;
            }
            let weight = backend.standing.risen(backend.weight(), now, settings.balancing.slow_start);
            self.servers.push(Able { backend, weight });
            self.places.push(place);
        }
    }
}
