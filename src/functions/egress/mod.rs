//! Outbound requests of functions: what they may reach, and the connections they share.
//!
//! A worker has no network; it asks, and this side decides ([`policy`]) and makes the request ([`client`]). Redirects are followed by
//! the worker, so each hop is decided about anew.
//!
//! # Invariants
//!
//! - A connection goes to an address that was looked at after the name was resolved, and to no other: what resolves is what filters.
//! - Connections to addresses that only a list may reach are in a pool of their own, so that nobody else is handed one.
//! - The server's own address is answered by its private listener, with the rights that the request's own credentials give.

mod client;
mod policy;

pub(super) use self::client::{Egress, Outbound, Trouble, innermost};
pub use self::client::{MAX_HOPS, Own, hops_of};
pub use self::policy::{Class, Refusal, Route, classify, route};
