//! A mapping, and what may be set of it.

use std::time::Duration;

use uuid::Uuid;

use super::Filter;
use crate::functions::model::{ACCOUNT, Qualifier, REGION};
use crate::queues::QueueName;
use crate::types::{FunctionId, FunctionName, Timestamp};

/// What feeds a function with the messages of a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    pub id: Uuid,
    pub function_id: FunctionId,
    pub function: FunctionName,
    /// `None` for `$LATEST`.
    pub qualifier: Option<Qualifier>,
    pub queue: QueueName,
    pub settings: MappingSettings,
    pub is_enabled: bool,
    pub updated_at: Timestamp,
}

/// How messages are handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingSettings {
    /// Messages of one call at the most.
    pub batch_size: u32,
    /// How long is waited for a call's messages once there is one.
    pub window: Duration,
    /// Calls at once on a node at the most; `None` for as many as the node runs of calls that nobody waits for.
    pub max_concurrency: Option<u32>,
    /// A message is handed over that one of them matches; every message when there is none.
    pub filters: Vec<Filter>,
    /// Whether the function's answer says which messages failed.
    pub reports_failures: bool,
}

impl Default for MappingSettings {
    /// AWS Lambda's own for queues.
    fn default() -> Self {
        Self { batch_size: 10, window: Duration::ZERO, max_concurrency: None, filters: Vec::new(), reports_failures: false }
    }
}

impl Mapping {
    /// The ARN of a mapping.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{}", self.id)
    }
}
