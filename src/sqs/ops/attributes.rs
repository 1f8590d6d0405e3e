//! Attributes of queues: what they are called, and what they may be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::queues::{Changes, Counts, Queue, Redrive, arn, queue_of};
use crate::sqs::error::{Exception, Result};

/// What `RedrivePolicy` holds, as JSON in a text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: Count,
}

/// A number, or a text of one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Text(String),
}

/// Attributes of AWS's that change nothing here.
const WITHOUT_EFFECT: [&str; 3] = ["SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"];

/// What attributes change.
pub(super) fn read(attributes: &BTreeMap<String, String>) -> Result<Changes> {
    let mut changes = Changes::default();
    for (name, value) in attributes {
        let seconds = |range| number(name, value, range).map(|seconds| Some(Duration::from_secs(seconds)));
        match name.as_str() {
            "DelaySeconds" => changes.delay = seconds(0..=900)?,
            "MessageRetentionPeriod" => changes.retention = seconds(60..=1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => changes.receive_wait = seconds(0..=20)?,
            "VisibilityTimeout" => changes.visibility_timeout = seconds(0..=43_200)?,
            "MaximumMessageSize" => {
                let most = u64::try_from(crate::queues::MAX_MESSAGE).unwrap_or(u64::MAX);
                changes.max_message_size = usize::try_from(number(name, value, 1024..=most)?).ok();
            }
            "RedrivePolicy" => changes.redrive = Some(redrive(value)?),
            "FifoQueue" | "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => {
                return Err(Exception::unsupported("FIFO queues are not supported by this server."));
            }
            name if WITHOUT_EFFECT.contains(&name) => {}
            "Policy" | "RedriveAllowPolicy" => {
                return Err(Exception::unsupported(format!(
                    "{name} is not supported by this server: its access keys may do everything."
                )));
            }
            _ => return Err(Exception::attribute_name(name)),
        }
    }
    Ok(changes)
}

fn number(name: &str, value: &str, range: RangeInclusive<u64>) -> Result<u64> {
    let rule = format!("Must be an integer from {} to {}.", range.start(), range.end());
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| Exception::attribute_value(name, &rule))
}

fn redrive(value: &str) -> Result<Option<Redrive>> {
    if value.is_empty() {
        return Ok(None);
    }
    let wrong = |rule: &str| Exception::attribute_value("RedrivePolicy", rule);
    let policy: RedrivePolicy =
        serde_json::from_str(value).map_err(|_| wrong("Must be a JSON object with deadLetterTargetArn and maxReceiveCount."))?;
    let queue =
        queue_of(&policy.dead_letter_target_arn).ok_or_else(|| wrong("deadLetterTargetArn must be the ARN of a queue."))?;
    let count = match policy.max_receive_count {
        Count::Number(number) => Some(number),
        Count::Text(text) => text.parse().ok(),
    };
    let count =
        count.filter(|count| (1..=1000).contains(count)).ok_or_else(|| wrong("maxReceiveCount must be from 1 to 1000."))?;
    Ok(Some(Redrive { queue, max_receive_count: count }))
}

/// Every attribute of a queue.
pub(super) fn of(queue: &Queue, counts: Counts) -> BTreeMap<&'static str, String> {
    let settings = &queue.settings;
    let seconds = |time: Duration| time.as_secs().to_string();
    let mut all = BTreeMap::from([
        ("QueueArn", arn(&queue.name)),
        ("CreatedTimestamp", queue.created_at.seconds().to_string()),
        ("LastModifiedTimestamp", queue.updated_at.seconds().to_string()),
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        ("DelaySeconds", seconds(settings.delay)),
        ("MessageRetentionPeriod", seconds(settings.retention)),
        ("ReceiveMessageWaitTimeSeconds", seconds(settings.receive_wait)),
        ("VisibilityTimeout", seconds(settings.visibility_timeout)),
        ("MaximumMessageSize", settings.max_message_size.to_string()),
        ("SqsManagedSseEnabled", "false".to_owned()),
    ]);
    if let Some(redrive) = &settings.redrive {
        let policy = RedrivePolicy {
            dead_letter_target_arn: arn(&redrive.queue),
            max_receive_count: Count::Number(redrive.max_receive_count),
        };
        all.insert("RedrivePolicy", serde_json::to_string(&policy).unwrap_or_default());
    }
    all
}
