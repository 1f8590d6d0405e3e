//! Why queues refused. Knows nothing of HTTP.

use super::model::QueueName;
use crate::db;

/// What may go wrong with queues and messages.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the queue {0} does not exist")]
    NoQueue(QueueName),
    /// There is one with other settings.
    #[error("a queue {0} with other attributes exists")]
    OtherSettings(QueueName),
    /// The dead-letter queue does not exist.
    #[error("the dead-letter queue {0} does not exist")]
    NoDeadLetterQueue(QueueName),
    #[error("the message has {size} bytes; {limit} are allowed")]
    MessageTooLong { size: usize, limit: usize },
    /// The message was received again, deleted, or never with this receipt.
    #[error("the message is not held by this receipt any more")]
    NotHeld,
    /// It was purged within the last minute.
    #[error("the queue {0} was purged within the last 60 seconds")]
    PurgedJustNow(QueueName),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// Whether there is no space left: nothing was changed.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Db(db::Error::Full(_)))
    }
}

/// What queues' verbs return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
