//! PostgreSQL: a pool for each tokio runtime, and writes that are run again when the database asks for it.
//!
//! A socket belongs to the runtime it was opened on. One that is awaited on another runtime is polled by the first, and stalls with
//! it; so every web worker has its own pool, and the core runtime has one.

mod listener;
mod pools;
mod session;

pub use listener::Listener;
pub(super) use pools::Pools;
pub(super) use session::{Session, collect};
