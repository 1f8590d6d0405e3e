//! What becomes of an event after a try.

use std::time::Duration;

use super::event::{EventFault, EventRules, StoredEvent};
use super::record::Condition;
use crate::types::Timestamp;

/// The wait after the first refusal; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait after a refusal.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) enum Ran {
    Succeeded,
    /// The function failed.
    Failed(EventFault),
    /// There was no room, or the server could not run it.
    Refused(EventFault),
    /// The function may not be run at all: nothing is reserved for it.
    Barred(EventFault),
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) enum Fate {
    /// It succeeded.
    Over,
    /// It is tried again.
    Again { due_at: Timestamp, attempts: u32, refusals: u32, fault: EventFault },
    /// It is given up.
    Dead { why: Condition, attempts: u32, fault: EventFault },
}

impl Fate {
    /// What becomes of an event whose try ended now.
    ///
    /// As AWS Lambda does it: a function that failed is tried again after a minute and after two more; what found no room after one
    /// second, then twice as long each time up to five minutes; and nothing is tried any more when it would be too old.
    pub(in crate::functions) fn of(event: &StoredEvent, rules: &EventRules, ran: Ran, now: Timestamp) -> Self {
        let (attempts, refusals) = (event.attempts, event.refusals);
        let again = |wait: Duration, attempts: u32, refusals: u32, fault: EventFault| {
            let due_at = now.plus(wait);
            if due_at.since(event.accepted_at) > rules.max_age {
                return Self::Dead { why: Condition::EventAgeExceeded, attempts, fault };
            }
            Self::Again { due_at, attempts, refusals, fault }
        };
        match ran {
            Ran::Succeeded => Self::Over,
            Ran::Barred(fault) => Self::Dead { why: Condition::RetriesExhausted, attempts, fault },
            Ran::Failed(fault) if attempts >= rules.max_retries => {
                Self::Dead { why: Condition::RetriesExhausted, attempts: attempts.saturating_add(1), fault }
            }
            Ran::Failed(fault) => {
                let attempts = attempts.saturating_add(1);
                again(rules.retry_wait.saturating_mul(attempts), attempts, refusals, fault)
            }
            Ran::Refused(fault) => {
                let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(refusals).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
                again(wait, attempts, refusals.saturating_add(1), fault)
            }
        }
    }

    /// Whether an event is too old to be tried.
    pub(in crate::functions) fn is_too_old(event: &StoredEvent, rules: &EventRules, now: Timestamp) -> bool {
        now.since(event.accepted_at) > rules.max_age
    }
}
