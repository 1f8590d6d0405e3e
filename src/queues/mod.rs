//! Queues: messages that are kept until whoever receives them says that they are done with.
//!
//! ```text
//! QueuesService::send -> queue_messages        QueuesService::receive -> claims what is due, hides it for the visibility timeout
//! ```
//!
//! # Invariants
//!
//! - A message is durable before it is acknowledged, and stays until it is deleted, expires or its queue goes: at least once.
//! - Between two receives of a message lies its visibility timeout, unless its receiver ends that before; a receipt of an earlier receive
//!   does nothing.
//! - Nothing here knows HTTP; `sqs` speaks SQS's protocol, and functions are fed by event source mappings.

mod error;
mod model;
mod queries;
mod service;

pub use self::error::{Error, Result};
pub use self::model::{
    Attribute, AttributeValue, Changes, Counts, Draft, MAX_MESSAGE, Message, Queue, QueueName, Receipt, Received, Redrive,
    Settings, arn, md5_of, md5_of_body, queue_of,
};
pub use self::service::{QueuesService, Receive, keep};
