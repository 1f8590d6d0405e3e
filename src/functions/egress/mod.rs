//! What functions reach beyond their sandbox: outbound requests, with the connections they share, and the platform's own modules.
//!
//! A worker has no network; it asks, and this side decides ([`policy`]) and makes the request ([`client`]). Redirects are followed by
//! the worker, so each hop is decided about anew. What it asks of `plinth:kv` and the like is decided about in [`platform`], and
//! answered by [`builtins`].
//!
//! # Invariants
//!
//! - A connection goes to an address that was looked at after the name was resolved, and to no other: what resolves is what filters.
//! - Connections to addresses that only a list may reach are in a pool of their own, so that nobody else is handed one.
//! - The server's own address is answered by its private listener, with the rights that the request's own credentials give.

mod builtins;
mod client;
mod messages;
mod platform;
mod policy;

pub(super) use self::builtins::Builtins;
pub(super) use self::client::{Egress, Outbound, Trouble, innermost};
pub use self::client::{MAX_HOPS, Own, hops_of};
pub(super) use self::platform::{Asker, Platform, Reply, permit};
pub use self::policy::{Class, Refusal, Route, classify, route};
