//! Event source mappings: what feeds a function with the messages of a queue.
//!
//! ```text
//! service::asynchronous::feeding (receives, gathers) -> filter (what is not wanted is deleted) -> batch (the event, and what its answer
//!     says of each message) -> the messages are deleted, or given back to the queue
//! ```

mod batch;
mod feeders;
mod filter;
mod mapping;

pub(in crate::functions) use self::batch::{Verdict, event_of, verdict};
pub(in crate::functions) use self::feeders::Feeders;
pub use self::filter::{Filter, MAX_FILTER};
pub use self::mapping::{Mapping, MappingSettings};
