//! When a function is called by the clock.
//!
//! ```text
//! Expression (rate, at, cron) + Zone + start and end = Timing -> the moments at which a schedule is due
//! ```
//!
//! # Invariants
//!
//! - Due times are whole seconds, and the one after a moment is always later than it, whatever the clocks of the zone do.
//! - Every search ends: an expression that no day matches is refused when it is read.
//! - Nothing here asks for the time.

mod cron;
mod days;
mod expression;
mod field;
mod name;
mod timing;
mod zone;

use bytes::Bytes;
use uuid::Uuid;

pub use self::expression::{EXPRESSION_CHARS, Expression, InvalidExpression};
pub use self::name::ScheduleName;
pub use self::timing::Timing;
pub use self::zone::{InvalidZone, Zone};
use super::Qualifier;
use crate::types::{FunctionId, FunctionName, RequestId, Timestamp};

/// Schedules of one function at the most.
pub const MAX_SCHEDULES: usize = 100;

/// The longest payload of a schedule, in bytes of JSON. What stands for a placeholder is longer than it, so it is well below what an
/// event may have.
pub const MAX_PAYLOAD: usize = 64 * 1024;

/// Due times that are made up for at once at the most, with [`Missed::All`].
pub const MAX_MADE_UP: usize = 100;

/// A schedule of a function.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub function_id: FunctionId,
    pub function: FunctionName,
    pub name: ScheduleName,
    /// Changes with the timing, so that no due time of one timing is taken for that of another.
    pub series: Uuid,
    pub timing: Timing,
    /// JSON; `None` for the event that EventBridge sends.
    pub payload: Option<Bytes>,
    /// `None` for `$LATEST`.
    pub qualifier: Option<Qualifier>,
    pub is_enabled: bool,
    pub missed: Missed,
    /// Whether it came with a deployment, and goes with one that has it no more.
    pub is_declared: bool,
    /// When it is due; `None` while it is disabled, and when it is over.
    pub next_at: Option<Timestamp>,
    pub last_run: Option<LastRun>,
    /// Why the last firing was not accepted; `None` when it was.
    pub refusal: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The last firing of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    pub due_at: Timestamp,
    pub fired_at: Timestamp,
    pub request: RequestId,
}

/// What becomes of due times that passed while no server ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    Skip,
    /// The newest of them fires.
    #[default]
    Once,
    /// Each fires, the newest [`MAX_MADE_UP`] at the most.
    All,
}

/// What is wanted of a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleDraft {
    pub expression: Expression,
    pub zone: Zone,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub payload: Option<Bytes>,
    pub qualifier: Option<Qualifier>,
    pub is_enabled: bool,
    pub missed: Missed,
}

impl Missed {
    pub const ALL: [Self; 3] = [Self::Skip, Self::Once, Self::All];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|missed| missed.as_str() == word)
    }
}
