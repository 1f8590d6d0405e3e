//! Which of an upstream's servers takes the next request.
//!
//! Three questions, a trait each:
//!
//! | question | trait | answers |
//! | --- | --- | --- |
//! | who is there? | [`members`]`::Discovery` | addresses as they are written, names by DNS |
//! | who is well? | [`health`]`::Health` | HTTP and TCP checks; beside them, what becomes of requests ejects |
//! | who is next? | [`selection`]`::Selection` | round robin, fewest requests, power of two choices, hash |
//!
//! ```text
//! Upstream::pick -> sticky cookie | able servers (primaries, else backups) -> Selection -> a place at the server -> Pick
//!                   every server full -> queue (in the order they came, with a deadline) -> Pick | Unavailable
//! Pick::report   -> counts, latency, ejection          Pick dropped -> the place is free; the queue's first gets it
//! ```
//!
//! # Invariants
//!
//! - An unwell server is never picked while a well one has room. While none at all is well, requests are sent as if all were, unless
//!   `all_unwell` is `"refuse"`.
//! - A server is never sent more than its `max_connections` at a time.
//! - Who waits longer is served first; who goes away leaves the queue.
//! - A server that stays through a reload, or through another answer of DNS, keeps its health and its counts.
//! - What is read for each request is swapped whole (`ArcSwap`) or an atomic; a lock is held for no longer than arithmetic takes.
//! - Clients cannot choose a server: cookies are opaque, made with a key of the server's.

mod backend;
mod health;
mod members;
mod meters;
mod pick;
mod queue;
mod report;
mod request;
mod selection;
mod sticky;
mod upstream;
mod upstreams;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use backend::BackendId;
pub use members::{Change, ChangeError};
pub use pick::{Ask, Failure, Outcome, Pick, Unavailable};
pub use report::{BackendOrigin, BackendReport, BackendState, NameReport, QueueReport, UpstreamReport};
pub use request::{hash_key, sticky_cookie};
pub use upstream::Upstream;
pub use upstreams::{Parts, Upstreams};

/// A lock whose value is whole at any moment, so that a panic of another thread spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
