//! What a destination is told of an event's end, in AWS Lambda's shape (version 1.0).

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::event::{EventFault, StoredEvent};
use crate::functions::model::{LATEST, arn};
use crate::types::Timestamp;

/// Why an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::functions) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
}

/// The record of an event's end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::functions) struct Record<'e> {
    version: &'static str,
    timestamp: Timestamp,
    request_context: RequestContext,
    request_payload: &'e RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: String,
    function_arn: String,
    condition: Condition,
    approximate_invoke_count: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    status_code: u16,
    executed_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultPayload<'f> {
    error_type: &'f str,
    error_message: &'f str,
}

/// How the last try was answered.
#[derive(Clone, Debug)]
pub(in crate::functions) enum Answered {
    /// There was none.
    Not,
    /// By a version, with what the handler gave.
    With { version: String, payload: Bytes },
    /// A version failed.
    Failed { version: String, fault: EventFault },
}

impl<'e> Record<'e> {
    /// The record of an event that ended now; `tries` counts those that ran.
    ///
    /// # Errors
    /// When a payload is no JSON, which nothing that was accepted is.
    pub(in crate::functions) fn of(
        event: &'e StoredEvent,
        (condition, tries): (Condition, u32),
        answered: Answered,
        now: Timestamp,
    ) -> serde_json::Result<Self> {
        let qualifier = event.qualifier.as_ref().map_or_else(|| LATEST.to_owned(), ToString::to_string);
        let (response_context, response_payload) = match answered {
            Answered::Not => (None, None),
            Answered::With { version, payload } => {
                let payload = String::from_utf8(payload.to_vec()).map_err(serde::ser::Error::custom)?;
                let context = ResponseContext { status_code: 200, executed_version: version, function_error: None };
                (Some(context), Some(RawValue::from_string(payload)?))
            }
            Answered::Failed { version, fault } => {
                let context = ResponseContext { status_code: 200, executed_version: version, function_error: Some("Unhandled") };
                let payload = FaultPayload { error_type: &fault.error_type, error_message: &fault.message };
                (Some(context), Some(serde_json::value::to_raw_value(&payload)?))
            }
        };
        Ok(Self {
            version: "1.0",
            timestamp: now,
            request_context: RequestContext {
                request_id: event.id.to_string(),
                function_arn: arn(event.function.as_str(), Some(&qualifier)),
                condition,
                approximate_invoke_count: tries,
            },
            request_payload: serde_json::from_slice(&event.payload)?,
            response_context,
            response_payload,
        })
    }
}
