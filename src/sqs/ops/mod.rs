//! The operations, and which of them a target means.

mod attributes;
mod batch;
mod messages;
mod queues;

pub(super) use self::messages::{ReceiveInput, ReceiveOutput, SendInput, SendOutput};
pub(super) use self::queues::{CreateInput, UrlOutput};

use actix_web::HttpResponse;
use serde::Serialize;

use super::error::{Exception, JSON, Result};
use super::request::Call;
use crate::queues::QueueName;

/// The account in URLs, as in functions' ARNs.
const ACCOUNT: &str = "000000000000";

/// Does what a target asks for.
pub(super) async fn dispatch(call: &Call, target: &str) -> Result {
    match target.strip_prefix("AmazonSQS.").ok_or_else(|| Exception::unknown_operation(target))? {
        "CreateQueue" => queues::create(call).await,
        "GetQueueUrl" => queues::url(call).await,
        "ListQueues" => queues::list(call).await,
        "ListDeadLetterSourceQueues" => queues::sources(call).await,
        "DeleteQueue" => queues::delete(call).await,
        "PurgeQueue" => queues::purge(call).await,
        "GetQueueAttributes" => queues::attributes(call).await,
        "SetQueueAttributes" => queues::set_attributes(call).await,
        "TagQueue" => queues::tag(call).await,
        "UntagQueue" => queues::untag(call).await,
        "ListQueueTags" => queues::tags(call).await,
        "SendMessage" => messages::send(call).await,
        "SendMessageBatch" => batch::send(call).await,
        "ReceiveMessage" => messages::receive(call).await,
        "DeleteMessage" => messages::delete(call).await,
        "DeleteMessageBatch" => batch::delete(call).await,
        "ChangeMessageVisibility" => messages::hide(call).await,
        "ChangeMessageVisibilityBatch" => batch::hide(call).await,
        other => Err(Exception::unknown_operation(other)),
    }
}

/// The queue that a URL of ours names. Scheme and host may be any: the server has several.
fn queue_of(url: &str) -> Result<QueueName> {
    if url.is_empty() {
        return Err(Exception::missing("QueueUrl"));
    }
    let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    name.parse().map_err(|_| Exception::no_queue())
}

/// The URL of a queue.
fn url_of(call: &Call, name: &QueueName) -> String {
    format!("{}{}/{ACCOUNT}/{name}", call.public_url.0, super::PREFIX)
}

fn answer(body: &impl Serialize) -> Result {
    Ok(HttpResponse::Ok().content_type(JSON).body(serde_json::to_vec(body).map_err(Exception::internal)?))
}

/// The answer of operations that have nothing to tell.
fn done() -> Result {
    Ok(HttpResponse::Ok().content_type(JSON).body("{}"))
}
