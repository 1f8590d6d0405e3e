//! The function worker: a process that runs one function revision and can do no harm.
//!
//! [`worker::main`] closes the sandbox around itself, makes the isolate from the startup snapshot ([`snapshot`]), and waits on its
//! socket. Then it either checks a source ([`compile`]) or becomes an environment for life ([`environment`]).
//!
//! ```text
//! worker -> channel (frames) -> environment (assign, invoke) -> runtime (V8, ops, js/)
//!                            -> compile (oxc; modules tells what names mean, here and at run time)
//! ```
//!
//! # Invariants
//!
//! - The server imports [`protocol`] and nothing else of this.
//! - No descriptor but the socket, no file, no network, no program: the kernel refuses them, whatever the isolate is made to do.
//! - A worker runs one revision in its life, and one call at a time. After a fault it exits.
//! - Outbound requests and bodies that are not whole are [`streams`] over the same socket; each ends with its call.
//! - Events and results pass as JSON text through V8's own parser; nothing here recurses over what a user made.

mod channel;
mod compile;
mod environment;
mod failure;
mod host;
mod last_words;
pub mod modules;
pub mod protocol;
mod runtime;
pub mod snapshot;
mod streams;
mod watchdog;
pub mod worker;
