//! Who is there: the servers of an upstream, from the configuration, by DNS, and from operators.

mod changes;
mod discovery;
mod settle;
mod sources;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

use super::backend::{Backend, BackendId, Orders};
use crate::config::front::{HealthCheck, Server, Upstream as Settings};
use crate::tasks::Tasks;

pub(super) use changes::Changes;
pub use changes::{Change, ChangeError};
pub(super) use discovery::keep_looking;
pub(super) use sources::Source;

/// The servers that requests are spread over. Swapped whole.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) backends: Vec<Arc<Backend>>,
    /// By their values in sticky cookies.
    by_token: HashMap<String, usize>,
    /// Whether a name has not become addresses yet.
    pub(super) is_looking: bool,
}

impl Members {
    /// `token` gives a server's value in cookies.
    pub(super) fn new(backends: Vec<Arc<Backend>>, is_looking: bool, token: impl Fn(SocketAddr) -> String) -> Self {
        let by_token = backends.iter().enumerate().map(|(place, backend)| (token(backend.address), place)).collect();
        Self { backends, by_token, is_looking }
    }

    pub(super) fn by_token(&self, token: &str) -> Option<&Arc<Backend>> {
        self.by_token.get(token).map(|place| &self.backends[*place])
    }
}

/// What [`Members`] are made of; changed under a lock.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// One for each server of the configuration, in its order.
    pub(super) sources: Vec<Source>,
    pub(super) changes: Changes,
    /// Who asks whom whether it is well, and how.
    pub(super) checks: HashMap<BackendId, Watch>,
    pub(super) check: Option<HealthCheck>,
    /// Whether members were made before: those that come later start slowly.
    pub(super) is_settled: bool,
}

/// A server that is to be there.
pub(super) struct Wanted<'a> {
    pub(super) server: &'a Server,
    pub(super) address: SocketAddr,
    pub(super) orders: Orders,
}

impl Membership {
    /// Every server that is to be there, each address once: the configuration's first.
    pub(super) fn wanted(&self, settings: &Settings) -> Vec<Wanted<'_>> {
        let mut addresses = HashSet::new();
        let sources = self.sources.iter().chain(&self.changes.added);
        let all = sources.flat_map(|source| source.addresses().iter().map(|address| (&source.server, *address)));
        all.filter(|(_, address)| addresses.insert(*address))
            .filter_map(|(server, address)| {
                let orders = Orders {
                    weight: server.weight,
                    max_connections: server.max_connections.unwrap_or(settings.balancing.max_connections),
                    backup: server.backup,
                    draining: false,
                };
                let orders = self.changes.applied(address, orders)?;
                Some(Wanted { server, address, orders })
            })
            .collect()
    }

    pub(super) fn is_looking(&self) -> bool {
        self.sources.iter().chain(&self.changes.added).any(|source| !source.is_known())
    }

    /// The source that a name's addresses are of.
    pub(super) fn source_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Source> {
        self.sources.iter_mut().chain(&mut self.changes.added).filter(move |source| source.server.name() == name)
    }

    /// Takes the sources that another configuration keeps, by the name of their server.
    pub(super) fn take_sources(&mut self) -> BTreeMap<String, Source> {
        std::mem::take(&mut self.sources).into_iter().map(|source| (source.server.name(), source)).collect()
    }
}

/// A task that ends when this is dropped, or the server stops.
#[derive(Debug)]
pub(super) struct Watch {
    _stop: DropGuard,
}

impl Watch {
    pub(super) fn start(tasks: &Tasks, work: impl Future<Output = ()> + Send + 'static) -> Self {
        let stop = CancellationToken::new();
        let (own, all) = (stop.clone(), tasks.clone());
        drop(tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = own.cancelled() => {}
                () = all.soft_stopped() => {}
            }
        }));
        Self { _stop: stop.drop_guard() }
    }
}
