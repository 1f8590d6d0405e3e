//! An event as it is stored.

use std::time::Duration;

use bytes::Bytes;

use crate::functions::model::Qualifier;
use crate::types::{FunctionId, FunctionName, RequestId, Timestamp};

/// A call that nobody waits for.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// The same for each of its tries.
    pub id: RequestId,
    /// Whose it is: a function that is made anew under its name does not get it.
    pub function_id: FunctionId,
    pub function: FunctionName,
    /// `None` for `$LATEST`.
    pub qualifier: Option<Qualifier>,
    /// JSON.
    pub payload: Bytes,
    /// JSON.
    pub client_context: Option<String>,
    pub state: EventState,
    /// When it may be taken; while a runner has it, when its lease ends; of a dead one, when it was given up.
    pub due_at: Timestamp,
    /// Whether a runner has it.
    pub is_taken: bool,
    pub accepted_at: Timestamp,
    /// Tries that failed in the function.
    pub attempts: u32,
    /// Tries for which there was no room.
    pub refusals: u32,
    /// How many functions its sender had gone through.
    pub hops: u8,
    /// What the last try failed with.
    pub fault: Option<EventFault>,
}

/// How an event stands in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// For its time, or for the runner that has it.
    Waiting,
    /// Given up.
    Dead,
}

/// What a try failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFault {
    pub error_type: String,
    pub message: String,
}

/// How an event is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRules {
    /// Tries after the first that fails in the function.
    pub max_retries: u32,
    /// It is not tried when it is older.
    pub max_age: Duration,
    /// The wait before the first retry; before the second it is twice as long.
    pub retry_wait: Duration,
}

/// How an event stands, as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not tried yet.
    Pending,
    Running,
    /// It failed or found no room, and is tried again.
    Retrying,
    /// Given up.
    Dead,
}

/// How many events stand how, on all nodes together, each up to a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    pub pending: i64,
    pub running: i64,
    pub retrying: i64,
    pub dead: i64,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub function: Option<FunctionName>,
    pub standing: Option<Standing>,
    /// Those behind this one, in the order of their being accepted.
    pub after: Option<RequestId>,
}

impl StoredEvent {
    /// An event that waits from now on, for a function or one of its qualifiers.
    pub(in crate::functions) fn new(
        (function_id, function, qualifier): (FunctionId, FunctionName, Option<Qualifier>),
        id: RequestId,
        payload: Bytes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            function_id,
            function,
            qualifier: qualifier.filter(|qualifier| *qualifier != Qualifier::Latest),
            payload,
            client_context: None,
            state: EventState::Waiting,
            due_at: now,
            is_taken: false,
            accepted_at: now,
            attempts: 0,
            refusals: 0,
            hops: 0,
            fault: None,
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match (self.state, self.is_taken) {
            (EventState::Dead, _) => Standing::Dead,
            (EventState::Waiting, true) => Standing::Running,
            (EventState::Waiting, false) if self.attempts == 0 && self.refusals == 0 => Standing::Pending,
            (EventState::Waiting, false) => Standing::Retrying,
        }
    }
}

impl Standing {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Retrying, Self::Dead];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Dead => "dead",
        }
    }

    /// The condition on an event's row.
    pub(in crate::functions) const fn condition(self) -> &'static str {
        match self {
            Self::Pending => "state = 'waiting' and runner is null and attempts = 0 and refusals = 0",
            Self::Running => "state = 'waiting' and runner is not null",
            Self::Retrying => "state = 'waiting' and runner is null and (attempts > 0 or refusals > 0)",
            Self::Dead => "state = 'dead'",
        }
    }
}

impl EventState {
    /// The state as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}
