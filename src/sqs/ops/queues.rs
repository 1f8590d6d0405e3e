//! Operations on queues.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answer, attributes, done, queue_of, url_of};
use crate::queues::QueueName;
use crate::sqs::error::{Exception, Result};
use crate::sqs::request::Call;

/// The most queues of a page.
const PAGE: u32 = 1000;

/// The most tags of a queue.
const TAGS: usize = 50;

/// A queue to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsCreateQueue)]
pub(in crate::sqs) struct CreateInput {
    #[serde(default)]
    #[schema(example = "orders")]
    queue_name: String,
    #[serde(default)]
    #[schema(example = json!({ "VisibilityTimeout": "30" }))]
    attributes: Option<BTreeMap<String, String>>,
    // The real clients write it small.
    #[serde(default, alias = "tags")]
    tags: Option<BTreeMap<String, String>>,
}

/// Where a queue is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = SqsQueueUrl)]
pub(in crate::sqs) struct UrlOutput {
    #[schema(example = "http://127.0.0.1:8000/sqs/000000000000/orders")]
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    #[serde(default)]
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Located {
    #[serde(default)]
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    #[serde(default)]
    queue_name_prefix: Option<String>,
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default)]
    max_results: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListOutput {
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourcesOutput {
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesInput {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attribute_names: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesOutput {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetInput {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagInput {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagsOutput {
    tags: BTreeMap<String, String>,
}

pub(super) async fn create(call: &Call) -> Result {
    let input: CreateInput = call.json()?;
    if input.queue_name.is_empty() {
        return Err(Exception::missing("QueueName"));
    }
    if std::path::Path::new(&input.queue_name).extension().is_some_and(|extension| extension == "fifo") {
        return Err(Exception::unsupported("FIFO queues are not supported by this server."));
    }
    let name: QueueName = input.queue_name.parse().map_err(|err| Exception::invalid(format!("{err}")))?;
    let changes = attributes::read(&input.attributes.unwrap_or_default())?;
    let tags = input.tags.unwrap_or_default();
    check_tags(&tags)?;
    let queue = call.queues.create(&name, changes, tags).await?;
    answer(&UrlOutput { queue_url: url_of(call, &queue.name) })
}

pub(super) async fn url(call: &Call) -> Result {
    let input: Named = call.json()?;
    if input.queue_name.is_empty() {
        return Err(Exception::missing("QueueName"));
    }
    let name: QueueName = input.queue_name.parse().map_err(|_| Exception::no_queue())?;
    let queue = call.queues.get(&name).await?;
    answer(&UrlOutput { queue_url: url_of(call, &queue.name) })
}

pub(super) async fn list(call: &Call) -> Result {
    let input: ListInput = call.json()?;
    let (after, limit) = page(&input)?;
    let prefix = input.queue_name_prefix.unwrap_or_default();
    let mut names: Vec<_> = call.queues.list(&prefix, &after, limit + 1).await?.into_iter().map(|queue| queue.name).collect();
    let next_token = cut(&mut names, limit);
    answer(&ListOutput { queue_urls: names.iter().map(|name| url_of(call, name)).collect(), next_token })
}

pub(super) async fn sources(call: &Call) -> Result {
    let input: ListInput = call.json()?;
    let (after, limit) = page(&input)?;
    let name = queue_of(&input.queue_url)?;
    let mut names: Vec<_> = call.queues.sources(&name, &after, limit + 1).await?.into_iter().map(|queue| queue.name).collect();
    let next_token = cut(&mut names, limit);
    answer(&SourcesOutput { queue_urls: names.iter().map(|name| url_of(call, name)).collect(), next_token })
}

pub(super) async fn delete(call: &Call) -> Result {
    let input: Located = call.json()?;
    call.queues.delete(&queue_of(&input.queue_url)?).await?;
    done()
}

pub(super) async fn purge(call: &Call) -> Result {
    let input: Located = call.json()?;
    call.queues.purge(&queue_of(&input.queue_url)?).await?;
    done()
}

pub(super) async fn attributes(call: &Call) -> Result {
    let input: AttributesInput = call.json()?;
    let queue = call.queues.get(&queue_of(&input.queue_url)?).await?;
    let mut all = attributes::of(&queue, call.queues.count(&queue.name).await?);
    let wanted = input.attribute_names.unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|name| *name != "All" && !is_attribute(name)) {
        return Err(Exception::attribute_name(unknown));
    }
    if !wanted.iter().any(|name| name == "All") {
        all.retain(|name, _| wanted.iter().any(|wanted| wanted == name));
    }
    answer(&AttributesOutput { attributes: all })
}

pub(super) async fn set_attributes(call: &Call) -> Result {
    let input: SetInput = call.json()?;
    call.queues.change(&queue_of(&input.queue_url)?, attributes::read(&input.attributes)?).await?;
    done()
}

pub(super) async fn tag(call: &Call) -> Result {
    let input: TagInput = call.json()?;
    check_tags(&input.tags)?;
    call.queues.tag(&queue_of(&input.queue_url)?, input.tags, Vec::new()).await?;
    done()
}

pub(super) async fn untag(call: &Call) -> Result {
    let input: TagInput = call.json()?;
    call.queues.tag(&queue_of(&input.queue_url)?, BTreeMap::new(), input.tag_keys).await?;
    done()
}

pub(super) async fn tags(call: &Call) -> Result {
    let input: Located = call.json()?;
    answer(&TagsOutput { tags: call.queues.get(&queue_of(&input.queue_url)?).await?.tags })
}

/// Whether a queue can have an attribute of this name.
fn is_attribute(name: &str) -> bool {
    const MORE: [&str; 9] = [
        "QueueArn",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
        "RedrivePolicy",
        "Policy",
        "FifoQueue",
    ];
    MORE.contains(&name)
        || !matches!(attributes::read(&BTreeMap::from([(name.to_owned(), String::new())])), Err(err) if err.is_unknown_attribute())
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    let fits = |(key, value): (&String, &String)| (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if tags.len() > TAGS || !tags.iter().all(fits) {
        return Err(Exception::invalid("A queue has at most 50 tags, keys of 1 to 128 and values of at most 256 characters."));
    }
    Ok(())
}

/// After which name a page begins, and how many it has.
fn page(input: &ListInput) -> Result<(String, u32)> {
    let read = |token: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok();
    let after = match input.next_token.as_deref().filter(|token| !token.is_empty()) {
        None => String::new(),
        Some(token) => read(token).ok_or_else(|| Exception::invalid("NextToken is not one that this server gave."))?,
    };
    let limit = input.max_results.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Exception::invalid(format!("MaxResults must be an integer from 1 to {PAGE}.")));
    }
    Ok((after, limit))
}

/// Takes the surplus name off; gives the token of the next page, if there is one that was asked for.
fn cut(names: &mut Vec<QueueName>, limit: u32) -> Option<String> {
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    if names.len() <= size {
        return None;
    }
    names.truncate(size);
    names.last().map(|last| URL_SAFE_NO_PAD.encode(last.as_str()))
}
