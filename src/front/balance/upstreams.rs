//! All upstreams: what outlives a reload, and what a reload changes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use super::lock;
use super::members::{Change, ChangeError};
use super::meters::Labels;
use super::report::UpstreamReport;
use super::sticky::Tokens;
use super::upstream::Upstream;
use crate::config::front;
use crate::front::transport::TlsConfigs;
use crate::tasks::Tasks;
use crate::types::Clock;

/// What all upstreams are made with.
#[derive(Clone, Debug)]
pub struct Parts {
    pub tasks: Tasks,
    pub clock: Clock,
    /// Decides what is left to chance.
    pub seed: u64,
}

/// Every upstream of the configuration. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstreams(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    by_name: ArcSwap<HashMap<String, Arc<Upstream>>>,
    /// Held while the configuration is applied.
    applying: Mutex<()>,
}

/// What every upstream uses.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) tasks: Tasks,
    pub(super) clock: Clock,
    pub(super) labels: Labels,
    pub(super) tokens: ArcSwap<Tokens>,
    pub(super) tls: Arc<TlsConfigs>,
    seeds: AtomicU64,
}

impl Shared {
    /// Another seed each time.
    pub(super) fn seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::Relaxed)
    }
}

impl Upstreams {
    /// No upstreams yet; checks and DNS run on `tasks`' core runtime.
    #[must_use]
    pub fn new(tasks: &Tasks) -> Self {
        Self::with(Parts { tasks: tasks.clone(), clock: Clock::system(), seed: RandomState::new().hash_one(0) })
    }

    /// As [`Upstreams::new`], by a clock and a seed.
    #[must_use]
    pub fn with(parts: Parts) -> Self {
        let Parts { tasks, clock, seed } = parts;
        // Until the server gives its own: cookies of other processes lead nowhere.
        let mut key = [0; 32];
        for part in key.chunks_mut(8) {
            part.copy_from_slice(&RandomState::new().hash_one(0).to_ne_bytes());
        }
        let shared = Shared {
            tasks,
            clock,
            labels: Labels::default(),
            tokens: ArcSwap::from_pointee(Tokens::new(&key)),
            tls: Arc::default(),
            seeds: AtomicU64::new(seed),
        };
        Self(Arc::new(Inner { shared: Arc::new(shared), by_name: ArcSwap::default(), applying: Mutex::new(()) }))
    }

    /// How connections to servers with TLS are encrypted.
    pub(in crate::front) fn tls(&self) -> Arc<TlsConfigs> {
        Arc::clone(&self.0.shared.tls)
    }

    /// The key that sticky cookies are made with: the same on all nodes and after a restart, so that cookies go on leading to their
    /// servers.
    pub fn use_key(&self, key: &[u8; 32]) {
        self.0.shared.tokens.store(Arc::new(Tokens::new(key)));
        self.0.by_name.load().values().for_each(|upstream| upstream.take_key());
    }

    /// Takes what a configuration says. Upstreams that stay keep their servers' health and counts; the changes of operators are undone
    /// unless `keep_changes` is set.
    pub fn apply(&self, upstreams: &[front::Upstream]) {
        let _applying = lock(&self.0.applying);
        let before = self.0.by_name.load_full();
        let after = upstreams.iter().map(|settings| {
            let upstream = match before.get(&settings.name) {
                Some(upstream) => {
                    upstream.configure(settings);
                    Arc::clone(upstream)
                }
                None => Upstream::new(settings, &self.0.shared),
            };
            (settings.name.clone(), upstream)
        });
        let after: HashMap<_, _> = after.collect();
        for (_, gone) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
            gone.close();
        }
        self.0.by_name.store(Arc::new(after));
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Upstream>> {
        self.0.by_name.load().get(name).cloned()
    }

    /// Every upstream as it is now, by name.
    #[must_use]
    pub fn report(&self) -> Vec<UpstreamReport> {
        let mut reports: Vec<_> = self.0.by_name.load().values().map(|upstream| upstream.describe()).collect();
        reports.sort_by(|one, other| one.name.cmp(&other.name));
        reports
    }

    /// Sets the gauges of what changes with time alone, before Prometheus reads them.
    pub fn measure(&self) {
        self.0.by_name.load().values().for_each(|upstream| upstream.measure());
    }

    /// Adds a server at run time.
    ///
    /// # Errors
    /// [`ChangeError`]: there is no such upstream, or it has the server.
    pub fn add(&self, upstream: &str, server: front::Server) -> Result<UpstreamReport, ChangeError> {
        let upstream = self.named(upstream)?;
        upstream.add(server)?;
        Ok(upstream.describe())
    }

    /// Changes a server at run time: one by its address, or all of a name.
    ///
    /// # Errors
    /// [`ChangeError`]: there is no such upstream or server.
    pub fn change(&self, upstream: &str, server: &str, change: Change) -> Result<UpstreamReport, ChangeError> {
        let upstream = self.named(upstream)?;
        upstream.change(server, change)?;
        Ok(upstream.describe())
    }

    /// Takes a server away at run time; what it has under way it finishes.
    ///
    /// # Errors
    /// [`ChangeError`]: there is no such upstream or server.
    pub fn remove(&self, upstream: &str, server: &str) -> Result<UpstreamReport, ChangeError> {
        let upstream = self.named(upstream)?;
        upstream.remove(server)?;
        Ok(upstream.describe())
    }

    fn named(&self, name: &str) -> Result<Arc<Upstream>, ChangeError> {
        self.get(name).ok_or_else(|| ChangeError::NoUpstream(name.to_owned()))
    }
}
