//! A server that was picked for a request, and what became of it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{Backend, BackendId};
use super::sticky;
use super::upstream::Upstream;

/// What of a request goes into the choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// What the request is known by, for hash: see [`super::hash_key`].
    pub key: Option<&'a str>,
    /// The value of the sticky cookie: see [`super::sticky_cookie`].
    pub cookie: Option<&'a str>,
    /// Servers that failed this request; none of them is picked.
    pub tried: &'a [BackendId],
}

/// A place at a server. It counts as one of the server's requests until it is dropped.
pub struct Pick {
    upstream: Arc<Upstream>,
    backend: Arc<Backend>,
    /// Whether the client's cookie led here.
    by_cookie: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer's head came.
    Answered { status: u16, first_byte: Duration },
    /// It did not.
    Failed(Failure),
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There was no connection.
    Connect,
    /// It took too long.
    Timeout,
    /// The connection broke off.
    Reset,
    /// What came is not HTTP.
    Protocol,
}

/// Why no server was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// 502: none is there, none is well, or each was tried.
    #[error("the upstream has no server that can be asked")]
    NoBackend,
    /// 503: every server is full, and so is the queue.
    #[error("every server of the upstream is busy, and as many requests wait as may")]
    QueueFull,
    /// 503: every server stayed full.
    #[error("every server of the upstream stayed busy for as long as a request may wait")]
    QueueTimeout,
}

impl Unavailable {
    /// When it is worth trying again, for `Retry-After`; `None` when that is not known.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::NoBackend => None,
            Self::QueueFull | Self::QueueTimeout => Some(Duration::from_secs(1)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Timeout => "it took too long",
            Self::Reset => "the connection broke off",
            Self::Protocol => "what came is not HTTP",
        })
    }
}

impl Pick {
    /// A pick of a place that was taken at the server.
    pub(super) fn new(upstream: Arc<Upstream>, backend: Arc<Backend>, by_cookie: bool) -> Self {
        Self { upstream, backend, by_cookie }
    }

    #[must_use]
    pub fn id(&self) -> BackendId {
        self.backend.id
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.backend.address
    }

    /// `host:port` as it is configured, for the Host header and TLS.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.backend.name
    }

    /// The `Set-Cookie` that leads the client back here; `None` when its cookie did so, or the upstream has no such cookie.
    #[must_use]
    pub fn sticky(&self) -> Option<String> {
        let config = self.upstream.config();
        let how = config.sticky.as_ref().filter(|_| !self.by_cookie)?;
        Some(sticky::set_cookie(how, &self.upstream.token(self.backend.address)))
    }

    /// Tells what became of the request.
    pub fn report(&self, outcome: Outcome) {
        self.upstream.report(&self.backend, outcome);
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pick({} {})", self.backend.name, self.backend.address)
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        self.backend.release();
        self.upstream.serve_queue();
    }
}
