//! The reverse proxy: passes a request on to one of an upstream's servers, and the answer back.
//!
//! ```text
//! forward -> source (the client's body, taken as fast as the server takes it)
//!         -> balance (which server) -> pool | connect (a connection)
//!         -> connection (sends it, by http1 or hyper's HTTP/2) -> head (what the server is told)
//!         -> answer (streams back; gives the connection to the pool) | tunnel (a WebSocket) | failure (a problem, or the next server)
//! ```
//!
//! # Invariants
//!
//! - A connection is opened, used and kept on one web worker, whose runtime its socket belongs to.
//! - Nothing is sent on an exchange's behalf after its client has gone: dropping the exchange closes its connection or resets its stream.
//! - A request is sent again only when its server cannot have seen it, or when it is idempotent and all of its body is still there.
//! - Where a message ends is said anew on each side; a request or an answer that says it in two ways is passed on by neither.
//! - A body is never held: in memory are the first 64 KiB of a request's, and one piece of what streams.
//! - Every wait has a deadline. Redirects are passed on, never followed.

mod answer;
mod connect;
mod connection;
mod failure;
mod forward;
mod head;
mod headers;
mod http1;
mod pool;
mod source;
mod tunnel;
mod watch;

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::dev::Payload;

pub(super) use headers::of_request as passed_on;
pub(super) use http1::{Next, Reader};

use super::client::Client;
use super::transport::{TlsConfigs, TlsError};
use crate::config::front::{Proxying, Upstream};
use crate::tasks::Tasks;

/// Passes requests on. Made once: its connections outlive reloads.
pub struct Proxy {
    tls: Arc<TlsConfigs>,
    tasks: Tasks,
}

/// A request that is passed on.
pub struct Exchange {
    pub request: HttpRequest,
    pub payload: Payload,
    /// The path and the query that the upstream is asked for, where they are not the client's.
    pub path_and_query: Option<String>,
    pub how: Arc<Proxying>,
    pub client: Client,
}

impl Proxy {
    /// A proxy without connections. Its tunnels end when `tasks` stop.
    #[must_use]
    pub(super) fn new(tls: Arc<TlsConfigs>, tasks: &Tasks) -> Self {
        Self { tls, tasks: tasks.clone() }
    }

    /// Reads the certificates that upstreams are checked by. At each start and reload, before the first request.
    ///
    /// # Errors
    /// [`TlsError`]: certificates that cannot be read. What was read before stays.
    pub fn prepare(&self, upstreams: &[Upstream]) -> Result<(), TlsError> {
        self.tls.prepare(upstreams)
    }
}
