//! How a route's requests are passed on to its upstream.

use std::time::Duration;

use crate::config::tables::Field;

use super::Route;

/// How requests are passed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxying {
    pub host: HostHeader,
    /// How long a connection may take to be there, the TLS handshake included.
    pub connect_timeout: Duration,
    /// How long the upstream may be silent before and between the parts of its answer.
    pub read_timeout: Duration,
    /// How many servers are tried after the first, where a request may be sent again.
    pub retries: u32,
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

const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) const FIELDS: &[Field<Route>] = &[
    Field {
        key: "host",
        default: "keep",
        meaning: "The Host header that the upstream is told: the client's, the chosen server's, or a fixed one.",
        allowed: "\"keep\", \"server\" or a host's name",
        set: |route, raw| {
            route.proxying.host = match raw.text()? {
                "keep" => HostHeader::Keep,
                "server" => HostHeader::Server,
                name => HostHeader::Fixed(super::site::host(name).filter(|host| !host.contains('*'))?),
            };
            Some(())
        },
    },
    Field {
        key: "connect_timeout",
        default: "5s",
        meaning: "How long a connection to a server may take to be there.",
        allowed: "a time from 1ms to 24h, such as 500ms or 5s",
        set: |route, raw| raw.duration(Duration::from_millis(1)..=LONGEST).map(|time| route.proxying.connect_timeout = time),
    },
    Field {
        key: "read_timeout",
        default: "60s",
        meaning: "How long a server may be silent before its answer, and between the parts of it.",
        allowed: "a time from 1ms to 24h, such as 60s",
        set: |route, raw| raw.duration(Duration::from_millis(1)..=LONGEST).map(|time| route.proxying.read_timeout = time),
    },
    Field {
        key: "retries",
        default: "2",
        meaning: "How many other servers are tried when one fails and the request may be sent again.",
        allowed: "a whole number from 0 to 10",
        set: |route, raw| raw.whole(0..=10).map(|count| route.proxying.retries = count),
    },
];
