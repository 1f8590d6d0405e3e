//! What operators change at run time.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::Source;
use crate::config::front::Server;
use crate::front::balance::backend::Orders;

/// What an operator changes of a server; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// From 1 to 100.
    pub weight: Option<u32>,
    /// 0 for no limit.
    pub max_connections: Option<u32>,
    pub drain: Option<bool>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no upstream {0}")]
    NoUpstream(String),
    #[error("the upstream {upstream} has no server {server}; give its address as GET /admin/v1/front shows it, or its name")]
    NoServer { upstream: String, server: String },
    #[error("the upstream {upstream} has the server {server} already")]
    Exists { upstream: String, server: String },
    #[error("the upstream {0} has as many servers as it may have: 1000")]
    Full(String),
}

/// Everything operators changed since the configuration was read.
#[derive(Debug, Default)]
pub(in crate::front::balance) struct Changes {
    pub(in crate::front::balance) added: Vec<Source>,
    of: HashMap<SocketAddr, Said>,
}

/// What was said of an address.
#[derive(Clone, Copy, Debug)]
enum Said {
    Removed,
    Changed(Change),
}

impl Changes {
    /// What holds for a server of this address; `None` when it was removed.
    pub(super) fn applied(&self, address: SocketAddr, orders: Orders) -> Option<Orders> {
        match self.of.get(&address) {
            None => Some(orders),
            Some(Said::Removed) => None,
            Some(Said::Changed(change)) => Some(Orders {
                weight: change.weight.unwrap_or(orders.weight),
                max_connections: change.max_connections.unwrap_or(orders.max_connections),
                draining: change.drain.unwrap_or(orders.draining),
                backup: orders.backup,
            }),
        }
    }

    pub(in crate::front::balance) fn change(&mut self, address: SocketAddr, change: Change) {
        let before = match self.of.get(&address) {
            Some(Said::Changed(before)) => *before,
            Some(Said::Removed) | None => Change::default(),
        };
        let change = Change {
            weight: change.weight.or(before.weight),
            max_connections: change.max_connections.or(before.max_connections),
            drain: change.drain.or(before.drain),
        };
        self.of.insert(address, Said::Changed(change));
    }

    pub(in crate::front::balance) fn remove(&mut self, address: SocketAddr) {
        self.of.insert(address, Said::Removed);
        // What an operator added is gone for good when nothing of it is left.
        let of = &self.of;
        self.added.retain(|source| {
            let gone = |address: &SocketAddr| matches!(of.get(address), Some(Said::Removed));
            source.addresses().is_empty() || !source.addresses().iter().all(gone)
        });
    }

    /// Adds a server; what was said of its addresses before is forgotten.
    pub(in crate::front::balance) fn add(&mut self, server: Server) {
        let source = Source::new(server);
        for address in source.addresses() {
            self.of.remove(address);
        }
        self.added.push(source);
    }

    /// Forgets what was said of addresses, so that the configuration's servers of this name are there again.
    pub(in crate::front::balance) fn restore(&mut self, addresses: &[SocketAddr]) {
        for address in addresses {
            self.of.remove(address);
        }
    }

    pub(in crate::front::balance) fn is_any(&self) -> bool {
        !self.added.is_empty() || !self.of.is_empty()
    }

    pub(in crate::front::balance) fn is_changed(&self, address: SocketAddr) -> bool {
        self.of.contains_key(&address)
    }

    pub(in crate::front::balance) fn is_added(&self, address: SocketAddr) -> bool {
        self.added.iter().any(|source| source.addresses().contains(&address))
    }
}
