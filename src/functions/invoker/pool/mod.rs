//! Environments between their calls: which of them wait, how many there may be, which of them end, which are kept initialised.
//!
//! ```text
//! checkout <- idle -> checkin        a call takes one and gives it back
//! make_room -> end the least needed  a cold start: within max_environments, its function's share, and the memory budget
//! sweep, measure -> end              once a second: idle for too long; the workers hold more memory than they may
//! sit -> retire                      where calls share environments: a place beside others, or the right to start one
//! keeper -> provision                provisioned ones are started, and started again when they end
//! ```
//!
//! # Invariants
//!
//! - A busy environment is not in here: its call owns it, and nothing in here ends it.
//! - Among idle ones those go first that are not provisioned, of these those of functions that have more than an even share, of
//!   these the one used longest ago.
//! - Every environment that is ended in here is logged and counted with its reason.

mod eviction;
mod idle;
mod keeper;
mod memory;
mod provisioning;
mod room;
mod sharing;

pub(in crate::functions) use self::eviction::Evicted;
pub(super) use self::idle::Pool;
pub(super) use self::room::{Alive, Room};
