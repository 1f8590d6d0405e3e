//! Messages as functions get them, and what an answer says of them.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::functions::model::REGION;
use crate::queues::{AttributeValue, QueueName, Received, arn, md5_of, md5_of_body};

/// What became of a batch's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) enum Verdict {
    Done,
    /// Those with these ids are to come again.
    Failed(HashSet<String>),
    AllFailed,
}

/// A message as a function gets it: a record of AWS Lambda's event for queues.
pub(in crate::functions) fn event_of(queue: &QueueName, message: &Received) -> Map<String, Value> {
    let mut system = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_at.millis().to_string(),
        "SenderId": crate::functions::model::ACCOUNT,
        "ApproximateFirstReceiveTimestamp": message.first_received_at.millis().to_string(),
    });
    if let Some(source) = &message.moved_from {
        system["DeadLetterQueueSourceArn"] = arn(source).into();
    }
    let attributes = message.attributes.iter().map(|(name, attribute)| {
        let (field, value) = match &attribute.value {
            AttributeValue::String(text) => ("stringValue", text),
            AttributeValue::Binary(encoded) => ("binaryValue", encoded),
        };
        let shape = json!({ "dataType": attribute.data_type, field: value, "stringListValues": [], "binaryListValues": [] });
        (name.clone(), shape)
    });
    let mut record = Map::from_iter([
        ("messageId".to_owned(), message.id.to_string().into()),
        ("receiptHandle".to_owned(), message.receipt.to_string().into()),
        ("body".to_owned(), message.body.clone().into()),
        ("attributes".to_owned(), system),
        ("messageAttributes".to_owned(), Value::Object(attributes.collect())),
        ("md5OfBody".to_owned(), md5_of_body(&message.body).into()),
        ("eventSource".to_owned(), "aws:sqs".into()),
        ("eventSourceARN".to_owned(), arn(queue).into()),
        ("awsRegion".to_owned(), REGION.into()),
    ]);
    if !message.attributes.is_empty() {
        record.insert("md5OfMessageAttributes".to_owned(), md5_of(&message.attributes).into());
    }
    record
}

/// What an answer says of a batch with these messages, as AWS Lambda reads it: an answer that is not understood fails all.
pub(in crate::functions) fn verdict(answer: &[u8], ids: &HashSet<String>) -> Verdict {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        #[serde(default)]
        batch_item_failures: Option<Vec<Failure>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        item_identifier: String,
    }

    let Ok(answer) = serde_json::from_slice::<Option<Answer>>(answer) else { return Verdict::AllFailed };
    let failures = answer.and_then(|answer| answer.batch_item_failures).unwrap_or_default();
    let failed: HashSet<String> = failures.into_iter().map(|failure| failure.item_identifier).collect();
    if failed.is_empty() {
        Verdict::Done
    } else if failed.is_subset(ids) {
        Verdict::Failed(failed)
    } else {
        Verdict::AllFailed
    }
}
