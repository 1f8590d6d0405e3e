//! Names in the form of AWS's ARNs.

use super::QueueName;

/// The account and region in names, as in functions' ARNs.
const ACCOUNT: &str = "000000000000";
const REGION: &str = "local";

/// The ARN of a queue.
#[must_use]
pub fn arn(queue: &QueueName) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// The queue that an ARN names; `None` when it is no queue's ARN.
#[must_use]
pub fn queue_of(arn: &str) -> Option<QueueName> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "sqs", _, _, name] = parts.as_slice() else { return None };
    name.parse().ok()
}
