//! Runs one function call in a worker process, within its limits.
//!
//! A call is *admitted* ([`admit`]: it gets one of the places to run in, or is refused when none becomes free in time), given an
//! idle environment of its revision by [`pool`], or a new one by [`start`], and sent as one frame over [`channel`]. The answer
//! comes back the same way, on the thread that made the call.
//!
//! ```text
//! service::invoke -> admit -> pool::checkout ------------------> call::run -> pool::checkin
//!                                   | none idle                     ^
//!                                   start: package -> spares::take -+ (on the core runtime)
//! ```
//!
//! What is more than a frame out and a frame back (streamed bodies, outbound requests, promises after the answer) is a session of
//! [`call`] on the core runtime.
//!
//! [`spares`] keeps workers ready; [`spawner`] is the one thread that starts them, from the startup snapshot of [`snapshot`];
//! [`worker`] watches a process until it is reaped.
//!
//! # Invariants
//!
//! - A worker runs one revision in its life, and after any fault (a timeout, a crash, memory, a broken protocol) never again.
//! - The server never waits on a worker without a deadline, and believes nothing a worker says beyond [`protocol`](crate::isolate::protocol).
//! - Whoever holds a [`worker::Worker`] owns its process: dropping it kills it. Nothing else needs to be cleaned up.
//! - A place is given back after the environment, so that whoever is admitted finds an environment or room for one.
//! - No V8 here: this side speaks only [`protocol`](crate::isolate::protocol).
//!
//! Retries are not here either.

mod admit;
mod call;
mod channel;
mod compile;
mod environment;
mod pool;
mod runner;
mod snapshot;
mod spares;
mod spawner;
mod start;
mod tap;
mod worker;

pub use self::call::untrusted;
pub use self::call::{Body, Done, Download, Payload, Reply, Upload, Uploader, upload};
pub(super) use self::pool::Evicted;
pub(super) use self::runner::{Counts, Invoker, Setup, Work};
pub(super) use self::snapshot::hex;
