//! Where clients meet the server: whom it believes, what it takes of them, how long it waits, and what is seen of all that.
//!
//! ```text
//! connection (accepted, counted) -> refuse (limits, HTTPS) -> body (silence) -> the handlers -> access (counted, one line)
//! ```
//!
//! # Invariants
//!
//! - What a reload changes is read once for each request, from [`Live`]: a request sees one configuration from its head to its end.
//! - Nothing a client invents becomes a label of a metric.

mod access;
mod body;
mod connection;
mod idle;
mod live;
mod refuse;
mod worker;

pub(super) use access::{Access, Counted, Ended};
pub(super) use body::watch_body;
pub(super) use connection::{Connection, Shared, UnderWay};
pub(super) use live::{Bound, BoundListener, Live, Now};
pub(super) use refuse::{dress, refuse};
