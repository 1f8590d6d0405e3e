//! Looks for a name's addresses, again and again.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hickory_resolver::config::{NameServerConfig, NameServerConfigGroup, ResolverConfig};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::xfer::Protocol;
use hickory_resolver::{ResolveError, Resolver, TokioResolver};
use tokio::time::{sleep, timeout};

use crate::config::front::{Resolve, Server};
use crate::front::balance::upstream::Upstream;

/// Addresses of a name at the most; further ones are left out.
const MAX_ADDRESSES: usize = 256;

/// What a look found.
#[derive(Debug)]
struct Found {
    /// In order, so that another order of the same is nothing new.
    addresses: Vec<SocketAddr>,
    good_for: Duration,
}

/// Finds out who is there.
trait Discovery: Send + Sync + fmt::Debug {
    fn look(&self) -> BoxFuture<'_, Result<Found, String>>;
}

/// The addresses that DNS has for a name.
struct Dns {
    resolver: TokioResolver,
    server: Server,
}

/// Looks for the addresses of a server's name for as long as the upstream is there. While DNS fails, the last answer is used on.
pub(in crate::front::balance) async fn keep_looking(upstream: Weak<Upstream>, server: Server, how: Resolve) {
    let name = server.name();
    loop {
        let (answer, rest) = look(&server, &how).await;
        let Some(upstream) = upstream.upgrade() else { return };
        upstream.resolved(&name, answer);
        drop(upstream);
        sleep(rest).await;
    }
}

/// One look, and how long to rest after it. Each begins with what the system says of DNS now.
async fn look(server: &Server, how: &Resolve) -> (Result<Vec<SocketAddr>, String>, Duration) {
    let discovery = match Dns::new(server.clone(), how) {
        Ok(dns) => dns,
        Err(err) => return (Err(format!("DNS cannot be asked: {err}")), how.min),
    };
    match timeout(how.timeout, discovery.look()).await {
        Ok(Ok(found)) => (Ok(found.addresses), found.good_for.clamp(how.min, how.max)),
        Ok(Err(why)) => (Err(why), how.min),
        Err(_) => (Err(format!("DNS does not answer within {:?}", how.timeout)), how.min),
    }
}

impl Dns {
    fn new(server: Server, how: &Resolve) -> Result<Self, ResolveError> {
        let provider = TokioConnectionProvider::default();
        let mut builder = if how.servers.is_empty() {
            Resolver::builder(provider)?
        } else {
            let mut group = NameServerConfigGroup::with_capacity(2 * how.servers.len());
            for address in &how.servers {
                group.push(NameServerConfig::new(*address, Protocol::Udp));
                group.push(NameServerConfig::new(*address, Protocol::Tcp));
            }
            Resolver::builder_with_config(ResolverConfig::from_parts(None, Vec::new(), group), provider)
        };
        let options = builder.options_mut();
        // How long an answer is used is decided here.
        options.cache_size = 0;
        options.timeout = how.timeout / 2;
        Ok(Self { resolver: builder.build(), server })
    }
}

impl Discovery for Dns {
    fn look(&self) -> BoxFuture<'_, Result<Found, String>> {
        async move {
            let Server { host, port, .. } = &self.server;
            let found = self.resolver.lookup_ip(host.as_str()).await;
            let found = found.map_err(|err| format!("DNS has no address for {host}: {err}"))?;
            let mut addresses: Vec<_> = found.iter().map(|ip| SocketAddr::new(ip, *port)).collect();
            addresses.sort_unstable();
            addresses.dedup();
            addresses.truncate(MAX_ADDRESSES);
            Ok(Found { addresses, good_for: found.valid_until().saturating_duration_since(Instant::now()) })
        }
        .boxed()
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dns({})", self.server.name())
    }
}
