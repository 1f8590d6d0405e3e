//! `[[upstreams]]`, and the tables within.

mod balancing;
mod health;
mod table;

pub use balancing::{AllUnwell, Balancing, HashKey, KeepAlive, Queue, Resolve, SameSite, Sticky};
pub use health::{CheckKind, Ejection, HealthCheck};
pub(super) use table::fields;
pub use table::{Balance, Server, Upstream};
