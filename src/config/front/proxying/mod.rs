//! How a route's requests are passed on to its upstream.

mod fields;
pub(super) mod transport;
mod variables;

use std::time::Duration;

pub(super) use fields::FIELDS;
pub use transport::{Protocol, Transport};
pub use variables::{HeaderText, Piece, Variable};

/// How requests are passed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxying {
    pub host: HostHeader,
    /// How long a connection may take to be there, the TLS handshake included.
    pub connect_timeout: Duration,
    /// How long the upstream may take from the end of the request to the beginning of its answer; `None` for
    /// [`Proxying::read_timeout`].
    pub first_byte_timeout: Option<Duration>,
    /// How long the upstream may be silent before and between the parts of its answer.
    pub read_timeout: Duration,
    /// How long the upstream may take nothing of the request's body, and how long the client may send nothing of it.
    pub write_timeout: Duration,
    /// How long the whole exchange may take.
    pub timeout: Option<Duration>,
    /// How long a WebSocket may be silent on both sides.
    pub websocket_timeout: Duration,
    /// Bytes of a request's body at the most.
    pub max_body: usize,
    /// How many servers are tried after the first, where a request may be sent again.
    pub retries: u32,
    /// Headers set in the request that is passed on; one without a value is taken away.
    pub request_headers: Vec<(String, HeaderText)>,
    /// Whether a `Location` that names the upstream's own address is turned into one on the client's.
    pub rewrite_location: bool,
}

/// The `Host` that the upstream is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostHeader {
    /// The client's.
    #[default]
    Keep,
    /// The chosen server's name and port.
    Server,
    /// This one.
    Fixed(String),
}

impl Proxying {
    /// How long the upstream may take to begin its answer.
    #[must_use]
    pub fn first_byte(&self) -> Duration {
        self.first_byte_timeout.unwrap_or(self.read_timeout)
    }
}
