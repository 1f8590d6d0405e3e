//! What queues and messages are.

mod arn;
mod attributes;
mod message;
mod name;
mod queue;

pub use self::arn::{arn, queue_of};
pub use self::attributes::{Attribute, AttributeValue, md5_of, md5_of_body};
pub use self::message::{Draft, Message, Receipt, Received};
pub use self::name::QueueName;
pub use self::queue::{Changes, Counts, MAX_MESSAGE, Queue, Redrive, Settings};
