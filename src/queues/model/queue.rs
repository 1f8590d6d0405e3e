//! A queue, and what may be set of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::QueueName;
use crate::types::Timestamp;

/// The longest message, in bytes, its attributes included.
pub const MAX_MESSAGE: usize = 1024 * 1024;

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: QueueName,
    pub settings: Settings,
    pub tags: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub purged_at: Option<Timestamp>,
}

/// What is set of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a new message waits.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long a receiver waits that does not say.
    pub receive_wait: Duration,
    /// How long a message is hidden from others once it was received.
    pub visibility_timeout: Duration,
    /// Bytes of a message at the most.
    pub max_message_size: usize,
    pub redrive: Option<Redrive>,
}

/// Where messages go that are received again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    pub queue: QueueName,
    /// Receives after which a message goes there.
    pub max_receive_count: u32,
}

/// What is to be changed of a queue's settings; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub delay: Option<Duration>,
    pub retention: Option<Duration>,
    pub receive_wait: Option<Duration>,
    pub visibility_timeout: Option<Duration>,
    pub max_message_size: Option<usize>,
    /// `Some(None)` takes it away.
    pub redrive: Option<Option<Redrive>>,
}

/// How many messages a queue has, by what they wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They may be received.
    pub visible: u64,
    /// They were received, and are hidden.
    pub in_flight: u64,
    /// Their delay is not over.
    pub delayed: u64,
}

impl Default for Settings {
    /// SQS's own.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            retention: Duration::from_hours(96),
            receive_wait: Duration::ZERO,
            visibility_timeout: Duration::from_secs(30),
            max_message_size: MAX_MESSAGE,
            redrive: None,
        }
    }
}

impl Queue {
    /// The queue itself, if these changes would change nothing.
    #[must_use]
    pub fn same_with(self, changes: &Changes) -> Option<Self> {
        (self.settings.clone().with(changes) == self.settings).then_some(self)
    }
}

impl Settings {
    /// The same with changes.
    #[must_use]
    pub fn with(self, changes: &Changes) -> Self {
        Self {
            delay: changes.delay.unwrap_or(self.delay),
            retention: changes.retention.unwrap_or(self.retention),
            receive_wait: changes.receive_wait.unwrap_or(self.receive_wait),
            visibility_timeout: changes.visibility_timeout.unwrap_or(self.visibility_timeout),
            max_message_size: changes.max_message_size.unwrap_or(self.max_message_size),
            redrive: changes.redrive.clone().unwrap_or(self.redrive),
        }
    }
}
