//! Who is there changes: by the configuration, by DNS, by an operator.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Change, ChangeError, Members, Membership, Source, Wanted, Watch, keep_looking};
use crate::config::front::{Server, Upstream as Settings};
use crate::front::balance::backend::Backend;
use crate::front::balance::health::keep_asking;
use crate::front::balance::lock;
use crate::front::balance::meters::BackendMeters;
use crate::front::balance::selection::Chance;
use crate::front::balance::upstream::{Plan, Upstream};

/// Servers of an upstream at the most, those of operators and each address of a name included.
const MAX_BACKENDS: usize = 1000;

impl Upstream {
    /// Takes what the configuration says.
    pub(in crate::front::balance) fn configure(&self, settings: &Settings) {
        self.plan.store(Arc::new(Plan::new(settings, &self.shared)));
        let mut membership = lock(&self.membership);
        let mut before = membership.take_sources();
        if !settings.balancing.keep_changes {
            membership.changes = super::Changes::default();
        }
        membership.sources = settings
            .servers
            .iter()
            .map(|server| {
                let mut source = before.remove(&server.name()).unwrap_or_else(|| Source::new(server.clone()));
                source.server = server.clone();
                source
            })
            .collect();
        self.look_for_names(&mut membership, settings);
        self.settle(&mut membership);
        drop(membership);
        self.serve_queue();
    }

    /// It is not in the configuration any more: nobody is asked for its sake.
    pub(in crate::front::balance) fn close(&self) {
        *lock(&self.membership) = Membership::default();
    }

    /// Takes an answer of DNS.
    pub(in crate::front::balance) fn resolved(&self, name: &str, answer: Result<Vec<SocketAddr>, String>) {
        let mut membership = lock(&self.membership);
        let mut is_new = false;
        for source in membership.source_mut(name) {
            if let Err(why) = &answer
                && source.fault.is_none()
            {
                tracing::warn!(upstream = self.name, name, why, "{name} of {} is used as it was: {why}", self.name);
            }
            is_new |= source.take(answer.clone());
        }
        if is_new {
            tracing::info!(upstream = self.name, name, addresses = ?answer.unwrap_or_default(), "{name} has other addresses");
            self.settle(&mut membership);
        }
        drop(membership);
        self.serve_queue();
    }

    /// Makes the cookies' values anew, by another key.
    pub(in crate::front::balance) fn take_key(&self) {
        self.settle(&mut lock(&self.membership));
    }

    /// Adds a server at run time.
    pub(in crate::front::balance) fn add(&self, server: Server) -> Result<(), ChangeError> {
        let mut membership = lock(&self.membership);
        let name = server.name();
        let members = self.members.load_full();
        if members.backends.len() >= MAX_BACKENDS {
            return Err(ChangeError::Full(self.name.clone()));
        }
        let of_name: Vec<_> = membership.source_mut(&name).map(|source| source.addresses().to_vec()).collect();
        let known = of_name.concat();
        let is_there = |backend: &Arc<Backend>| known.contains(&backend.address) || backend.name == name;
        if members.backends.iter().any(is_there) || (!of_name.is_empty() && known.is_empty()) {
            return Err(ChangeError::Exists { upstream: self.name.clone(), server: name });
        }
        if of_name.is_empty() {
            membership.changes.add(server);
        } else {
            // An operator took it away before.
            membership.changes.restore(&known);
        }
        let settings = self.config();
        self.look_for_names(&mut membership, &settings);
        self.settle(&mut membership);
        drop(membership);
        self.serve_queue();
        Ok(())
    }

    /// Changes a server at run time.
    pub(in crate::front::balance) fn change(&self, server: &str, change: Change) -> Result<(), ChangeError> {
        self.revise(server, |membership, address| membership.changes.change(address, change))
    }

    /// Takes a server away at run time.
    pub(in crate::front::balance) fn remove(&self, server: &str) -> Result<(), ChangeError> {
        self.revise(server, |membership, address| membership.changes.remove(address))
    }

    /// Does something for each address of a server, which is given as an address or as a name.
    fn revise(&self, server: &str, mut each: impl FnMut(&mut Membership, SocketAddr)) -> Result<(), ChangeError> {
        let mut membership = lock(&self.membership);
        let address = server.parse::<SocketAddr>().ok();
        let members = self.members.load_full();
        let of = members.backends.iter().filter(|backend| Some(backend.address) == address || backend.name == server);
        let addresses: Vec<_> = of.map(|backend| backend.address).collect();
        if addresses.is_empty() {
            return Err(ChangeError::NoServer { upstream: self.name.clone(), server: server.to_owned() });
        }
        for address in addresses {
            each(&mut membership, address);
        }
        self.settle(&mut membership);
        drop(membership);
        self.serve_queue();
        Ok(())
    }

    /// Has somebody ask DNS for each name, in the configured way.
    fn look_for_names(&self, membership: &mut Membership, settings: &Settings) {
        let how = &settings.resolve;
        let sources = membership.sources.iter_mut().chain(&mut membership.changes.added);
        for source in sources.filter(|source| source.is_name() && !source.is_watched(how)) {
            let look = keep_looking(self.own.clone(), source.server.clone(), how.clone());
            source.watch(Watch::start(&self.shared.tasks, look), how.clone());
        }
    }

    /// Makes the members anew from what is known. Servers that stay are the same ones as before.
    fn settle(&self, membership: &mut Membership) {
        let settings = self.config();
        let before = self.members.load_full();
        let mut stayed: HashMap<_, _> =
            before.backends.iter().map(|backend| ((backend.address, backend.name.clone()), Arc::clone(backend))).collect();
        let mut backends = Vec::new();
        for Wanted { server, address, orders } in membership.wanted(&settings).into_iter().take(MAX_BACKENDS) {
            let name = server.name();
            if let Some(backend) = stayed.remove(&(address, name.clone())) {
                backend.order(orders);
                backends.push(backend);
                continue;
            }
            let meters = BackendMeters::new(&self.shared.labels, &self.name, address);
            let backend = Backend::new(name, address, orders, meters);
            if membership.is_settled {
                backend.standing.rise(self.now());
            }
            backends.push(Arc::new(backend));
        }
        for gone in stayed.values() {
            gone.meters.well(false);
        }
        // The first addresses of a name are not late.
        membership.is_settled = !membership.is_looking();
        self.check(membership, &settings, &backends);
        self.members.store(Arc::new(Members::new(backends, membership.is_looking(), |address| self.token(address))));
    }

    /// Has each server asked whether it is well, in the configured way.
    fn check(&self, membership: &mut Membership, settings: &Settings, backends: &[Arc<Backend>]) {
        if membership.check != settings.health {
            membership.checks.clear();
            membership.check.clone_from(&settings.health);
        }
        let Some(rules) = &membership.check else {
            backends.iter().for_each(|backend| backend.standing.forget_checks());
            return;
        };
        let mut before = std::mem::take(&mut membership.checks);
        for backend in backends {
            let watch = before.remove(&backend.id).unwrap_or_else(|| {
                let chance = Chance::new(self.shared.seed());
                Watch::start(&self.shared.tasks, keep_asking(self.own.clone(), Arc::clone(backend), rules.clone(), chance))
            });
            membership.checks.insert(backend.id, watch);
        }
    }
}
