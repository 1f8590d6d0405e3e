//! Calls that nobody waits for: stored before they are accepted, tried until they succeed or are given up, and told of.
//!
//! ```text
//! service::events (accept: one durable insert) -> runner (claims what is due, holds a lease) -> service::calls (runs it)
//!     -> fate (over, again, given up) -> one transaction: the event's end and the record for its destination
//! ```
//!
//! # Invariants
//!
//! - An event that was accepted is in the table until it is over: a process that dies leaves its lease behind, and whoever claims
//!   the event after that runs it again under the same request id. At least once, never not at all.
//! - A message that a function is fed with is deleted only when the call with it succeeded, or the function's answer says so.
//! - Who ends an event still holds its lease; a runner that was slower than its lease changes nothing.

mod event;
mod fate;
mod mappings;
mod record;
mod runner;

pub use self::event::{EventFault, EventFilter, EventRules, EventState, Standing, Standings, StoredEvent};
pub(in crate::functions) use self::fate::{Fate, Ran};
pub(in crate::functions) use self::mappings::{Feeders, Verdict, event_of, verdict};
pub use self::mappings::{Filter, MAX_FILTER, Mapping, MappingSettings};
pub(in crate::functions) use self::record::{Answered, Condition, Record};
pub(in crate::functions) use self::runner::{RENEW_EVERY, Runner, Taken};
