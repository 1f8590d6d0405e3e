//! Messages of `plinth:queue`, checked.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::isolate::protocol::{AttributeKind, SendAsk, SentAttribute, SentMessage};
use crate::queues::{Attribute, AttributeValue, Draft, MAX_MESSAGE, QueueName};

/// The most messages that are sent at once.
const MESSAGES: usize = 100;

/// The most attributes of a message, the longest name of one in characters, and the longest delay in seconds: as SQS has them.
const ATTRIBUTES: usize = 10;
const ATTRIBUTE_NAME: usize = 256;
const DELAY: u32 = 900;

/// The queue and the messages of a question.
///
/// # Errors
/// What is wrong, and what is allowed.
pub(super) fn drafts_of(ask: SendAsk, mut bodies: Bytes) -> Result<(QueueName, Vec<Draft>), String> {
    let queue = ask.queue.parse::<QueueName>().map_err(|err| format!("the name of the queue: {err}"))?;
    if !(1..=MESSAGES).contains(&ask.messages.len()) {
        return Err(format!("{} messages are sent at once; 1 to {MESSAGES} are allowed", ask.messages.len()));
    }
    let mut drafts = Vec::with_capacity(ask.messages.len());
    for (at, message) in ask.messages.into_iter().enumerate() {
        if message.length > bodies.len() {
            return Err("the messages are longer than what was sent".to_owned());
        }
        let body = bodies.split_to(message.length);
        drafts.push(draft_of(message, &body).map_err(|why| format!("message {at}: {why}"))?);
    }
    let size: usize = drafts.iter().map(Draft::size).sum();
    if size > MAX_MESSAGE {
        return Err(format!("the messages have {size} bytes together; {MAX_MESSAGE} are allowed"));
    }
    Ok((queue, drafts))
}

fn draft_of(message: SentMessage, body: &[u8]) -> Result<Draft, String> {
    let body = String::from_utf8(body.to_vec()).map_err(|_| "it is not UTF-8".to_owned())?;
    if body.is_empty() {
        return Err("it is empty".to_owned());
    }
    if let Some(wrong) = body.chars().find(|c| !is_allowed(*c)) {
        return Err(format!("it holds the character U+{:04X}, which no message may: send bytes in base64", u32::from(wrong)));
    }
    if message.attributes.len() > ATTRIBUTES {
        return Err(format!("it has {} attributes; {ATTRIBUTES} are allowed", message.attributes.len()));
    }
    let attributes = message.attributes.into_iter().map(|(name, attribute)| {
        let attribute = attribute_of(&name, attribute)?;
        Ok((name, attribute))
    });
    let attributes = attributes.collect::<Result<BTreeMap<_, _>, String>>()?;
    if message.delay_s.is_some_and(|delay| delay > DELAY) {
        return Err(format!("delay must be {DELAY} seconds at the most"));
    }
    Ok(Draft { body, attributes, delay: message.delay_s.map(|delay| Duration::from_secs(delay.into())) })
}

fn attribute_of(name: &str, SentAttribute { kind, value }: SentAttribute) -> Result<Attribute, String> {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let lower = name.to_ascii_lowercase();
    let is_named = (1..=ATTRIBUTE_NAME).contains(&name.len()) && name.chars().all(is_of_a_name);
    if !is_named || name.starts_with('.') || name.ends_with('.') || lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(format!(
            "the name of an attribute must have 1 to {ATTRIBUTE_NAME} letters, digits, _, - or ., and not begin with aws. or amazon."
        ));
    }
    let (data_type, value) = match kind {
        AttributeKind::String if !value.is_empty() && value.chars().all(is_allowed) => ("String", AttributeValue::String(value)),
        AttributeKind::Number if value.parse::<f64>().is_ok_and(f64::is_finite) => ("Number", AttributeValue::String(value)),
        AttributeKind::Binary if STANDARD.decode(&value).is_ok_and(|bytes| !bytes.is_empty()) => {
            ("Binary", AttributeValue::Binary(value))
        }
        _ => {
            return Err(format!(
                "the attribute {name} must be a text without control characters, a number or bytes, and not empty"
            ));
        }
    };
    Ok(Attribute { data_type: data_type.to_owned(), value })
}

/// Characters that SQS takes.
const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
