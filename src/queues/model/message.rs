//! A message, and what its receiver holds it by.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::{Attribute, QueueName};
use crate::types::{InvalidName, Timestamp};

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub body: String,
    pub attributes: BTreeMap<String, Attribute>,
    /// How long it waits; `None` for as long as the queue says.
    pub delay: Option<Duration>,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: Uuid,
    pub queue: QueueName,
    pub body: String,
    pub attributes: BTreeMap<String, Attribute>,
    pub sent_at: Timestamp,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub id: Uuid,
    pub receipt: Receipt,
    pub body: String,
    pub attributes: BTreeMap<String, Attribute>,
    pub sent_at: Timestamp,
    /// How often it was received, this time included.
    pub receives: u32,
    pub first_received_at: Timestamp,
    /// The queue it came from, in a dead-letter queue.
    pub moved_from: Option<QueueName>,
}

/// What a receiver deletes a message with: the message, and which of its receives it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub message: Uuid,
    pub receive: Uuid,
}

impl Draft {
    /// What counts of its size: the body, and names, types and values of attributes.
    #[must_use]
    pub fn size(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, attribute)| name.len() + attribute.size());
        self.body.len() + attributes.sum::<usize>()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message.simple(), self.receive.simple())
    }
}

impl FromStr for Receipt {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidName("the receipt handle is not one that this server gave".to_owned());
        let (message, receive) = text.split_at_checked(32).ok_or_else(wrong)?;
        let part = |text: &str| Uuid::try_parse(text).map_err(|_| wrong());
        Ok(Self { message: part(message)?, receive: part(receive)? })
    }
}
