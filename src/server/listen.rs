//! The addresses that are listened on, bound before anything is opened or changed.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use super::edge::{Bound, BoundListener};
use super::lifecycle::RunError;
use crate::config::Config;

/// The bound listeners, in the order of [`Bound`].
pub(super) struct Listeners {
    pub(super) main: TcpListener,
    pub(super) others: Vec<TcpListener>,
}

/// Binds every configured address, so that one that is taken is told of at once.
pub(super) fn bind(config: &Config) -> Result<(Listeners, Bound), RunError> {
    let patience = config.edge.send_timeout;
    let main = listen(config.server.listen, patience)?;
    let mut bound = Bound { main: main.local_addr()?, others: Vec::new() };
    let mut others = Vec::new();
    for listener in &config.front.listeners {
        let Some(written) = listener.address else { continue };
        let socket = listen(written, patience)?;
        bound.others.push(BoundListener { written, address: socket.local_addr()?, tls: listener.tls });
        others.push(socket);
    }
    Ok((Listeners { main, others }, bound))
}

fn listen(address: SocketAddr, patience: Duration) -> Result<TcpListener, RunError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // Connections have what their listener has. The second packet of an answer does not wait until the client has acknowledged the
        // first, which clients put off for 40 ms.
        rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
        // The kernel ends one whose client takes nothing of what it is sent for so long.
        let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(&listener, patience)?;
        io::Result::Ok(listener)
    };
    bind().map_err(|source| RunError::Listen { address, source })
}

/// Lets the process have as many files open as it may: each connection is one.
pub(super) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
        if let Err(err) = raised {
            tracing::warn!(error = %err, "the limit of open files stays at {:?}: {err}", limit.current);
        }
    }
}
