//! Operations on up to ten messages at once: each entry succeeds or fails by itself.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::messages::{LONGEST_TIMEOUT, SendInput, SendOutput, draft, seconds, within};
use super::{answer, queue_of};
use crate::queues::MAX_MESSAGE;
use crate::sqs::error::{Exception, Result};
use crate::sqs::request::Call;

/// The most entries of a batch.
const ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<E> {
    #[serde(default)]
    queue_url: String,
    #[serde(default = "Vec::new")]
    entries: Vec<E>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEntry {
    id: String,
    #[serde(flatten)]
    message: SendInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HeldEntry {
    id: String,
    #[serde(default)]
    receipt_handle: String,
    #[serde(default)]
    visibility_timeout: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome<S> {
    successful: Vec<S>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    id: String,
    #[serde(flatten)]
    message: SendOutput,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    code: String,
    message: String,
    sender_fault: bool,
}

pub(super) async fn send(call: &Call) -> Result {
    let Batch { queue_url, entries }: Batch<SendEntry> = call.json()?;
    let queue = queue_of(&queue_url)?;
    check(entries.iter().map(|entry| entry.id.as_str()))?;
    let settings = call.queues.get(&queue).await?.settings;
    let (mut drafts, mut sent, mut failed, mut size) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for SendEntry { id, message } in entries {
        match draft(message) {
            Ok((draft, _)) if draft.size() > settings.max_message_size => {
                let message = format!("Message must be shorter than {} bytes.", settings.max_message_size);
                failed.push(refused(id, Exception::invalid(message)));
            }
            Ok((draft, output)) => {
                size += draft.size();
                drafts.push(draft);
                sent.push(Sent { id, message: output });
            }
            Err(exception) => failed.push(refused(id, exception)),
        }
    }
    if size > MAX_MESSAGE {
        let message = format!("Batch requests cannot be longer than {MAX_MESSAGE} bytes. You have sent {size} bytes.");
        return Err(Exception::batch("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", message));
    }
    let ids = if drafts.is_empty() { Vec::new() } else { call.queues.send(&queue, drafts).await? };
    for (sent, id) in sent.iter_mut().zip(ids) {
        sent.message.message_id = id.to_string();
    }
    answer(&Outcome { successful: sent, failed })
}

pub(super) async fn delete(call: &Call) -> Result {
    let Batch { queue_url, entries }: Batch<HeldEntry> = call.json()?;
    let queue = queue_of(&queue_url)?;
    check(entries.iter().map(|entry| entry.id.as_str()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let deleted = match entry.receipt_handle.parse() {
            Ok(receipt) => call.queues.delete_message(&queue, receipt).await.map_err(Exception::from),
            Err(_) => Err(Exception::receipt(&entry.receipt_handle)),
        };
        match deleted {
            Ok(_) => successful.push(Ended { id: entry.id }),
            Err(exception) => failed.push(refused(entry.id, exception)),
        }
    }
    answer(&Outcome { successful, failed })
}

pub(super) async fn hide(call: &Call) -> Result {
    let Batch { queue_url, entries }: Batch<HeldEntry> = call.json()?;
    let queue = queue_of(&queue_url)?;
    check(entries.iter().map(|entry| entry.id.as_str()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let hidden = async {
            let receipt = entry.receipt_handle.parse().map_err(|_| Exception::receipt(&entry.receipt_handle))?;
            let timeout = within("VisibilityTimeout", entry.visibility_timeout, (0, LONGEST_TIMEOUT))?;
            let timeout = timeout.ok_or_else(|| Exception::missing("VisibilityTimeout"))?;
            Ok::<_, Exception>(call.queues.hide(&queue, receipt, seconds(timeout)).await?)
        };
        match hidden.await {
            Ok(()) => successful.push(Ended { id: entry.id }),
            Err(exception) => failed.push(refused(entry.id, exception)),
        }
    }
    answer(&Outcome { successful, failed })
}

/// That a batch has one to ten entries, each with an id of its own.
fn check<'i>(ids: impl ExactSizeIterator<Item = &'i str>) -> Result<()> {
    let count = ids.len();
    if count == 0 {
        let message = "There should be at least one entry in the request.";
        return Err(Exception::batch("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", message));
    }
    if count > ENTRIES {
        let message = format!("Maximum number of entries per request are {ENTRIES}. You have sent {count}.");
        let old_name = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(Exception::batch("TooManyEntriesInBatchRequest", old_name, message));
    }
    let mut seen = HashSet::new();
    for id in ids {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(allowed) {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
            return Err(Exception::batch("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", message));
        }
        if !seen.insert(id) {
            let message = format!("Id {id} repeated.");
            let old_name = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
            return Err(Exception::batch("BatchEntryIdsNotDistinct", old_name, message));
        }
    }
    Ok(())
}

fn refused(id: String, exception: Exception) -> Failed {
    let (code, message, sender_fault) = exception.into_parts();
    Failed { id, code, message, sender_fault }
}
