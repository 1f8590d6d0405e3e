//! What functions log, and the records of their calls: buffered in memory, written in batches, kept within a bound, and followed live.
//!
//! A call must not wait for its log, and a function that is called ten thousand times a second must not fill the disk: lines go
//! to a [`buffer`] of their function, which holds no more than is kept of a function anyway; what is overwritten before it could
//! be written is counted and said. A reader flushes first, so whoever has a call's answer finds the call's lines. What cannot be
//! written (a full disk) is kept in memory, within the same bound, and read from there.
//!
//! ```text
//! Buffer::push -> flush -> plinth.function_logs -> read (newest first)
//!                                               -> tail's pump -> followers
//! ```
//!
//! # Invariants
//!
//! - A line's id is its place in the table. Lines become visible in the order of their ids, so a follower that has seen one has
//!   seen, or was told to have missed, all before it.
//! - Nobody who follows slows a call, the writer or another follower down.

mod buffer;
mod entry;
mod excerpt;
mod mask;
mod store;
mod tail;

pub(super) use self::buffer::{Buffer, What};
pub(super) use self::entry::{Filter, Kind, LogEntry, level_of};
pub(super) use self::excerpt::Excerpt;
pub(super) use self::store::Logs;
pub(super) use self::tail::{Event, Follow};
