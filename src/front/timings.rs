//! How long the phases of an exchange with an upstream took. The proxy leaves them among the request's extensions, the access log and
//! `Server-Timing` tell of them.

use std::time::Duration;

/// The phases that there were; `None` for one that did not come about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Waiting for a server that had room.
    pub queue: Option<Duration>,
    /// Until a connection was there; about nothing for one that was kept.
    pub connect: Option<Duration>,
    /// From the request's being sent to the head of the answer.
    pub first_byte: Option<Duration>,
    /// Until the answer's last byte.
    pub total: Option<Duration>,
    /// The upstream's name and the server's address.
    pub upstream: Option<String>,
    /// Servers that were tried.
    pub tries: u32,
}
