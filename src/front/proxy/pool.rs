//! Connections that wait for their next request. Each web worker has its own, as its sockets live on its own runtime.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::client::conn::http2;

use super::http1::Http1;
use super::source::Outgoing;
use crate::config::front::KeepAlive;

/// How often connections that were idle for too long, or that their server closed, are looked for.
const ROUND: Duration = Duration::from_secs(2);

/// Which connections may stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) address: SocketAddr,
    pub(super) http2: bool,
    /// How the certificate was checked, and for which name.
    pub(super) tls: Option<(u64, String)>,
}

#[derive(Default)]
struct Pool {
    http1: HashMap<Key, Vec<Kept<Box<Http1>>>>,
    http2: HashMap<Key, Kept<http2::SendRequest<Outgoing>>>,
    /// Whether a task looks for connections to close.
    is_tended: bool,
}

struct Kept<C> {
    connection: C,
    used_at: Instant,
    timeout: Duration,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// The connection that was used last, if the server has not closed it. One that it closed is found here, before anything is sent.
pub(super) fn take(key: &Key) -> Option<Box<Http1>> {
    loop {
        let kept = POOL.with_borrow_mut(|pool| pool.http1.get_mut(key)?.pop())?;
        let mut connection = kept.connection;
        if kept.used_at.elapsed() < kept.timeout && connection.is_ready() {
            return Some(connection);
        }
    }
}

/// Keeps a connection, if it can be used again and there is room.
pub(super) fn put(key: &Key, mut connection: Box<Http1>, keep: &KeepAlive) {
    let is_spent = connection.requests() >= keep.requests || connection.age() >= keep.max_age;
    if keep.idle == 0 || is_spent || !connection.is_ready() {
        return;
    }
    connection.rest();
    let kept = Kept { connection, used_at: Instant::now(), timeout: keep.idle_timeout };
    POOL.with_borrow_mut(|pool| {
        // The key is copied for the first connection alone.
        let Some(idle) = pool.http1.get_mut(key) else {
            pool.http1.insert(key.clone(), vec![kept]);
            return;
        };
        if idle.len() >= keep.idle {
            idle.remove(0);
        }
        idle.push(kept);
    });
    tend();
}

/// The HTTP/2 connection that all requests share.
pub(super) fn shared(key: &Key) -> Option<http2::SendRequest<Outgoing>> {
    POOL.with_borrow_mut(|pool| {
        let kept = pool.http2.get_mut(key).filter(|kept| !kept.connection.is_closed())?;
        kept.used_at = Instant::now();
        Some(kept.connection.clone())
    })
}

/// Shares an HTTP/2 connection.
pub(super) fn share(key: &Key, connection: http2::SendRequest<Outgoing>, keep: &KeepAlive) {
    if keep.idle == 0 {
        return;
    }
    let kept = Kept { connection, used_at: Instant::now(), timeout: keep.idle_timeout };
    POOL.with_borrow_mut(|pool| pool.http2.insert(key.clone(), kept));
    tend();
}

/// Starts the task that closes connections, unless it runs. It ends when there are none, and with its web worker.
fn tend() {
    if POOL.with_borrow_mut(|pool| std::mem::replace(&mut pool.is_tended, true)) {
        return;
    }
    actix_web::rt::spawn(async {
        loop {
            actix_web::rt::time::sleep(ROUND).await;
            if POOL.with_borrow_mut(Pool::close_idle) {
                return;
            }
        }
    });
}

impl Pool {
    /// Closes what was idle for too long or is closed already; whether nothing is left.
    fn close_idle(&mut self) -> bool {
        self.http1.retain(|_, idle| {
            idle.retain_mut(|kept| kept.used_at.elapsed() < kept.timeout && kept.connection.is_ready());
            !idle.is_empty()
        });
        // Requests under way hold the connection open; it closes when the last of them is over.
        self.http2.retain(|_, kept| kept.used_at.elapsed() < kept.timeout && !kept.connection.is_closed());
        self.is_tended = !(self.http1.is_empty() && self.http2.is_empty());
        !self.is_tended
    }
}
