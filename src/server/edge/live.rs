//! What of the configuration is read for each request, and replaced by a reload.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use arc_swap::{ArcSwap, Guard};

use crate::config::{Config, Edge};

/// The present settings of requests, swapped whole.
pub(in crate::server) struct Live {
    now: ArcSwap<Now>,
    bound: Bound,
}

/// The settings of requests at one time.
pub(in crate::server) struct Now {
    /// Whether each request is logged, and whether with what the client says of itself.
    pub(in crate::server) access: bool,
    pub(in crate::server) access_client: bool,
    pub(in crate::server) edge: Edge,
    pub(super) hsts: Option<HeaderValue>,
    /// The listeners whose requests are sent on to HTTPS.
    pub(super) redirecting: Vec<SocketAddr>,
    /// The port that they are sent to.
    pub(super) https_port: u16,
}

/// The addresses that are listened on.
#[derive(Clone, Debug)]
pub(in crate::server) struct Bound {
    /// `server.listen`, with the port it was given.
    pub(in crate::server) main: SocketAddr,
    pub(in crate::server) others: Vec<BoundListener>,
}

/// One of `[[listeners]]`.
#[derive(Clone, Debug)]
pub(in crate::server) struct BoundListener {
    /// As it was written, where port 0 takes any.
    pub(in crate::server) written: SocketAddr,
    pub(in crate::server) address: SocketAddr,
    pub(in crate::server) tls: bool,
}

impl Live {
    pub(in crate::server) fn new(config: &Config, bound: Bound) -> Self {
        Self { now: ArcSwap::from_pointee(Now::of(config, &bound)), bound }
    }

    /// The settings of a request that comes now.
    pub(in crate::server) fn now(&self) -> Guard<Arc<Now>> {
        self.now.load()
    }

    /// Takes another configuration for the requests that come from now on.
    pub(in crate::server) fn apply(&self, config: &Config) {
        self.now.store(Arc::new(Now::of(config, &self.bound)));
    }

    pub(in crate::server) const fn bound(&self) -> &Bound {
        &self.bound
    }
}

impl Now {
    fn of(config: &Config, bound: &Bound) -> Self {
        let asked = |written| {
            let mut listeners = config.front.listeners.iter();
            listeners.any(|listener| listener.address == Some(written) && listener.redirect_to_https && !listener.tls)
        };
        let plain = bound.others.iter().filter(|listener| !listener.tls && asked(listener.written));
        let main = config.edge.redirect_to_https.then_some(bound.main);
        Self {
            access: config.log.access,
            access_client: config.log.access_client,
            edge: config.edge.clone(),
            hsts: config.edge.hsts.as_deref().and_then(|value| HeaderValue::from_str(value).ok()),
            redirecting: main.into_iter().chain(plain.map(|listener| listener.address)).collect(),
            https_port: bound.others.iter().find(|listener| listener.tls).map_or(443, |listener| listener.address.port()),
        }
    }
}
