//! Where a server's addresses come from.

use std::net::{IpAddr, SocketAddr};

use super::Watch;
use crate::config::front::{Resolve, Server};

/// A server as it is written, and the addresses it has come to.
#[derive(Debug)]
pub(in crate::front::balance) struct Source {
    pub(in crate::front::balance) server: Server,
    /// `None` until a name's first answer.
    known: Option<Vec<SocketAddr>>,
    /// Who asks DNS for a name, and how.
    watch: Option<(Watch, Resolve)>,
    /// Why the last question had no answer.
    pub(in crate::front::balance) fault: Option<String>,
}

impl Source {
    /// A server whose name is still to be asked for, unless it is an address.
    pub(in crate::front::balance) fn new(server: Server) -> Self {
        let address = server.host.parse::<IpAddr>().ok().map(|ip| vec![SocketAddr::new(ip, server.port)]);
        Self { server, known: address, watch: None, fault: None }
    }

    /// Whether it is a name, for DNS.
    pub(in crate::front::balance) fn is_name(&self) -> bool {
        self.server.host.parse::<IpAddr>().is_err()
    }

    pub(in crate::front::balance) fn addresses(&self) -> &[SocketAddr] {
        self.known.as_deref().unwrap_or_default()
    }

    pub(in crate::front::balance) const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// Whether somebody asks for its name in this way.
    pub(in crate::front::balance) fn is_watched(&self, how: &Resolve) -> bool {
        self.watch.as_ref().is_some_and(|(_, own)| own == how)
    }

    pub(in crate::front::balance) fn watch(&mut self, watch: Watch, how: Resolve) {
        self.watch = Some((watch, how));
    }

    /// Takes an answer; whether it says something new. After a failure the addresses stay what they were.
    pub(in crate::front::balance) fn take(&mut self, answer: Result<Vec<SocketAddr>, String>) -> bool {
        match answer {
            Ok(addresses) => {
                self.fault = None;
                let new = self.known.as_ref() != Some(&addresses);
                self.known = Some(addresses);
                new
            }
            Err(why) => {
                self.fault = Some(why);
                // Nobody is to wait any longer for a name that has no address.
                let new = self.known.is_none();
                self.known.get_or_insert_default();
                new
            }
        }
    }
}
