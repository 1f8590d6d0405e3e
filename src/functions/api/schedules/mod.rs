//! Schedules of a function: listed, read, set and removed. Needs the service key.

mod answers;
mod body;
pub(super) mod handlers;

pub(super) use self::body::declared;
