//! Operations on messages.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answer, done, queue_of};
use crate::queues::{Attribute, AttributeValue, Draft, Receive, Received, arn, md5_of, md5_of_body};
use crate::sqs::error::{Exception, Result};
use crate::sqs::request::Call;

/// The most attributes of a message.
const ATTRIBUTES: usize = 10;

/// The longest delay and the longest visibility timeout, in seconds.
const LONGEST_DELAY: i64 = 900;
pub(super) const LONGEST_TIMEOUT: i64 = 43_200;

/// An attribute as it is sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsMessageAttribute)]
pub(in crate::sqs) struct AttributeShape {
    #[serde(default)]
    #[schema(example = "String")]
    data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "blue")]
    string_value: Option<String>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsSendMessage)]
pub(in crate::sqs) struct SendInput {
    #[serde(default)]
    #[schema(example = "http://127.0.0.1:8000/sqs/000000000000/orders")]
    pub(super) queue_url: String,
    #[serde(default)]
    #[schema(example = "an order")]
    pub(super) message_body: Option<String>,
    #[serde(default)]
    #[schema(example = 0)]
    pub(super) delay_seconds: Option<i64>,
    #[serde(default)]
    pub(super) message_attributes: Option<BTreeMap<String, AttributeShape>>,
    #[serde(default)]
    pub(super) message_group_id: Option<String>,
    #[serde(default)]
    pub(super) message_deduplication_id: Option<String>,
}

/// A message that was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = SqsSentMessage)]
pub(in crate::sqs) struct SendOutput {
    #[serde(rename = "MessageId")]
    pub(super) message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    pub(super) md5_of_body: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    pub(super) md5_of_attributes: Option<String>,
}

/// What is to be received.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsReceiveMessage)]
pub(in crate::sqs) struct ReceiveInput {
    #[serde(default)]
    #[schema(example = "http://127.0.0.1:8000/sqs/000000000000/orders")]
    queue_url: String,
    #[serde(default)]
    #[schema(example = 10)]
    max_number_of_messages: Option<i64>,
    #[serde(default)]
    #[schema(example = 20)]
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    #[schema(example = 30)]
    visibility_timeout: Option<i64>,
    #[serde(default)]
    attribute_names: Option<Vec<String>>,
    #[serde(default)]
    message_system_attribute_names: Option<Vec<String>>,
    #[serde(default)]
    message_attribute_names: Option<Vec<String>>,
}

/// What was received.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsReceivedMessages)]
pub(in crate::sqs) struct ReceiveOutput {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageOutput>,
}

/// A message that was received.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsMessage)]
struct MessageOutput {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<String, AttributeShape>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_attributes: Option<String>,
}

/// A message that is held by a receipt.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HeldInput {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
    #[serde(default)]
    visibility_timeout: Option<i64>,
}

pub(super) async fn send(call: &Call) -> Result {
    let input: SendInput = call.json()?;
    let queue = queue_of(&input.queue_url)?;
    let (draft, mut output) = draft(input)?;
    let ids = call.queues.send(&queue, vec![draft]).await?;
    output.message_id = ids.first().map(ToString::to_string).unwrap_or_default();
    answer(&output)
}

pub(super) async fn receive(call: &Call) -> Result {
    let input: ReceiveInput = call.json()?;
    let queue = queue_of(&input.queue_url)?;
    let most = within("MaxNumberOfMessages", input.max_number_of_messages, (1, 10))?.unwrap_or(1);
    let how = Receive {
        most: u32::try_from(most).unwrap_or(1),
        wait: within("WaitTimeSeconds", input.wait_time_seconds, (0, 20))?.map(seconds),
        visibility_timeout: within("VisibilityTimeout", input.visibility_timeout, (0, LONGEST_TIMEOUT))?.map(seconds),
    };
    let system: Vec<String> =
        [input.attribute_names, input.message_system_attribute_names].into_iter().flatten().flatten().collect();
    let own = input.message_attribute_names.unwrap_or_default();
    let received = call.queues.receive(&queue, how).await?;
    answer(&ReceiveOutput { messages: received.into_iter().map(|message| shown(message, &system, &own)).collect() })
}

pub(super) async fn delete(call: &Call) -> Result {
    let input: HeldInput = call.json()?;
    let queue = queue_of(&input.queue_url)?;
    let receipt = input.receipt_handle.parse().map_err(|_| Exception::receipt(&input.receipt_handle))?;
    // As with SQS, a receipt that is not the last one deletes nothing, and is no error.
    call.queues.delete_message(&queue, receipt).await?;
    done()
}

pub(super) async fn hide(call: &Call) -> Result {
    let input: HeldInput = call.json()?;
    let queue = queue_of(&input.queue_url)?;
    let receipt = input.receipt_handle.parse().map_err(|_| Exception::receipt(&input.receipt_handle))?;
    let timeout = within("VisibilityTimeout", input.visibility_timeout, (0, LONGEST_TIMEOUT))?;
    let timeout = timeout.ok_or_else(|| Exception::missing("VisibilityTimeout"))?;
    call.queues.hide(&queue, receipt, seconds(timeout)).await?;
    done()
}

/// A message that may be sent, and what its sender is told.
pub(super) fn draft(input: SendInput) -> Result<(Draft, SendOutput)> {
    if input.message_deduplication_id.is_some() || input.message_group_id.as_deref().is_some_and(str::is_empty) {
        return Err(Exception::invalid(
            "The parameter MessageDeduplicationId is for FIFO queues, which are not supported by this server.",
        ));
    }
    let body = input.message_body.filter(|body| !body.is_empty()).ok_or_else(|| Exception::missing("MessageBody"))?;
    if let Some(wrong) = body.chars().find(|c| !is_allowed(*c)) {
        let message = format!(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; there is #x{:X}",
            u32::from(wrong)
        );
        return Err(Exception::contents(message));
    }
    let attributes = attributes(input.message_attributes.unwrap_or_default())?;
    let delay = within("DelaySeconds", input.delay_seconds, (0, LONGEST_DELAY))?.map(seconds);
    let output = SendOutput {
        message_id: String::new(),
        md5_of_body: md5_of_body(&body),
        md5_of_attributes: (!attributes.is_empty()).then(|| md5_of(&attributes)),
    };
    Ok((Draft { body, attributes, delay }, output))
}

fn attributes(sent: BTreeMap<String, AttributeShape>) -> Result<BTreeMap<String, Attribute>> {
    if sent.len() > ATTRIBUTES {
        return Err(Exception::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES}].",
            sent.len()
        )));
    }
    sent.into_iter().map(|(name, shape)| attribute(&name, shape).map(|attribute| (name, attribute))).collect()
}

fn attribute(name: &str, shape: AttributeShape) -> Result<Attribute> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let lower = name.to_ascii_lowercase();
    let is_named = !name.is_empty() && name.len() <= 256 && name.chars().all(allowed);
    if !is_named || name.starts_with('.') || name.ends_with('.') || lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(Exception::invalid(format!("The message attribute name '{name}' is invalid.")));
    }
    let kind = shape.data_type.split('.').next().unwrap_or_default();
    let wrong = |why: &str| Exception::invalid(format!("The message attribute '{name}' {why}"));
    let value = match (kind, shape.string_value, shape.binary_value) {
        ("String", Some(text), None) if !text.is_empty() => AttributeValue::String(text),
        ("Number", Some(text), None) if text.parse::<f64>().is_ok_and(f64::is_finite) => AttributeValue::String(text),
        ("Binary", None, Some(encoded)) if !encoded.is_empty() => AttributeValue::Binary(encoded),
        ("String" | "Number" | "Binary", ..) => return Err(wrong("must have a value of its type, which is not empty.")),
        _ => {
            return Err(wrong(
                "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
            ));
        }
    };
    Ok(Attribute { data_type: shape.data_type, value })
}

/// A received message as its receiver asked to see it.
fn shown(message: Received, system: &[String], own: &[String]) -> MessageOutput {
    let wants = |name: &str| system.iter().any(|wanted| wanted == "All" || wanted == name);
    let mut attributes = BTreeMap::from([
        ("SenderId", super::ACCOUNT.to_owned()),
        ("SentTimestamp", message.sent_at.millis().to_string()),
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.millis().to_string()),
    ]);
    if let Some(source) = &message.moved_from {
        attributes.insert("DeadLetterQueueSourceArn", arn(source));
    }
    attributes.retain(|name, _| wants(name));
    let is_wanted = |name: &str| {
        own.iter().any(|wanted| match wanted.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => wanted == "All" || wanted == name,
        })
    };
    let mut kept = message.attributes;
    kept.retain(|name, _| is_wanted(name));
    let md5_of_attributes = (!kept.is_empty()).then(|| md5_of(&kept));
    let message_attributes = kept.into_iter().map(|(name, attribute)| {
        let (string_value, binary_value) = match attribute.value {
            AttributeValue::String(text) => (Some(text), None),
            AttributeValue::Binary(encoded) => (None, Some(encoded)),
        };
        (name, AttributeShape { data_type: attribute.data_type, string_value, binary_value })
    });
    MessageOutput {
        message_id: message.id.to_string(),
        receipt_handle: message.receipt.to_string(),
        md5_of_body: md5_of_body(&message.body),
        body: message.body,
        attributes,
        message_attributes: message_attributes.collect(),
        md5_of_attributes,
    }
}

/// A number of a parameter, where it is there.
pub(super) fn within(name: &str, value: Option<i64>, (least, most): (i64, i64)) -> Result<Option<i64>> {
    if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
        let message =
            format!("Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided.");
        return Err(Exception::invalid(message));
    }
    Ok(value)
}

pub(super) fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}
