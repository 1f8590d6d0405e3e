//! Users' functions, the server's side: deployed, kept, called, logged.
//!
//! ```text
//! api::deploy -> config (x-plinth-config) -> service -> invoker::compile -> packages (blobs) -> queries (one transaction)
//! api::invoke -> registry (name -> revision) -> invoker (admit, pool, worker) -> metering, logs
//! ```
//!
//! # Invariants
//!
//! - User code runs in a worker process, never here; it is not even parsed here.
//! - A revision never changes. A deployment makes a new one, and it is durable before it is answered.
//! - Every call ends in its records and in an answer, within its limit and a grace of 100 ms, whatever its code does.
//! - A function reaches the network through [`egress`] alone.
//! - The values of a function's variables are sealed at rest, and read back by the Lambda API alone, as AWS's clients expect it;
//!   the service key never reaches a function.

pub mod api;
pub mod egress;
mod error;
mod events;
mod fault;
mod invoker;
mod logs;
mod metering;
pub mod model;
pub mod packages;
mod queries;
mod registry;
mod service;

pub use self::api::FunctionsStatus;
pub use self::egress::Own;
pub use self::error::{Error, Result};
pub use self::events::{Filter, MAX_FILTER, Mapping, MappingSettings, Standings};
pub use self::fault::{Details, Failure, Outcome};
pub use self::invoker::{Body, Done, Download, Payload, Reply, Upload, Uploader, untrusted, upload};
#[doc(hidden)]
pub use self::metering::Histogram;
pub use self::metering::Phases;
pub use self::service::{
    AliasChange, Declarations, Draft, Earlier, Event, EventConfigDraft, FunctionsService, MAX_EVENT, MappingDraft, MappingFilter,
    Parts, Publication, Status, Target, Totals, Work,
};
