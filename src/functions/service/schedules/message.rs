//! The event of a firing.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use chrono::SecondsFormat;
use serde_json::json;
use uuid::{Builder, Uuid, Variant, Version};

use crate::functions::model::{ACCOUNT, REGION, Schedule};
use crate::types::{RequestId, Timestamp};

/// How EventBridge's placeholders begin.
const PLACEHOLDER: &str = "<aws.scheduler.";

/// The request id of a firing: of a schedule and a due time there is one.
pub(super) fn request_of(series: Uuid, due: Timestamp) -> RequestId {
    let hash = digest(&SHA256, &[series.as_bytes().as_slice(), &due.micros().to_be_bytes()].concat());
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *hashed;
    }
    RequestId(Builder::from_bytes(bytes).with_variant(Variant::RFC4122).with_version(Version::Custom).into_uuid())
}

/// The event: the schedule's own payload with EventBridge's placeholders filled in, or the event that EventBridge sends.
pub(super) fn event_of(schedule: &Schedule, due: Timestamp, request: RequestId) -> Bytes {
    let time = due.to_chrono().to_rfc3339_opts(SecondsFormat::Secs, true);
    let (function, name) = (&schedule.function, &schedule.name);
    let Some(payload) = &schedule.payload else {
        let event = json!({
            "version": "0",
            "id": request,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": time,
            "region": REGION,
            "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")],
            "detail": {},
        });
        return event.to_string().into();
    };
    let text = String::from_utf8_lossy(payload);
    if !text.contains(PLACEHOLDER) {
        return payload.clone();
    }
    // None of these needs escaping in JSON.
    let values = [
        ("scheduled-time>", time),
        ("execution-id>", request.to_string()),
        ("schedule-arn>", format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{function}/{name}")),
    ];
    let filled = values.iter().fold(text.into_owned(), |text, (key, value)| text.replace(&format!("{PLACEHOLDER}{key}"), value));
    filled.into()
}
