//! Key-value stores: small values by name, shared by all environments of all functions, on all nodes.
//!
//! ```text
//! functions::egress::builtins -> KvService (limits, one transaction each) -> queries (plinth.kv, in the system database)
//! ```
//!
//! # Invariants
//!
//! - What was acknowledged is durable.
//! - An entry whose time is over is not there: for reads and writes alike, from that moment on. A task removes its row later.
//! - Each write gives an entry a version that it never had before, so that a change can be made only if nothing was changed since.

mod error;
mod model;
mod queries;
mod service;

pub use self::error::{Error, Result};
pub use self::model::{Change, Content, Entry, Key, Listed, MAX_KEY, MAX_LIFETIME, MAX_PAGE, MAX_VALUE, Only, Page, StoreName};
pub use self::service::KvService;
