//! Feeding functions with the messages of queues.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::functions::error::{Error, Result};
use crate::functions::events::{Mapping, Verdict, event_of, verdict};
use crate::functions::invoker::Body;
use crate::functions::queries::mappings as queries;
use crate::functions::service::life::most_events;
use crate::functions::service::{Event, FunctionsService};
use crate::queues::{self, Receipt, Receive, Received};
use crate::types::{RequestId, Timestamp};

/// How soon a change of mappings is seen that another node made.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The same where there is one node.
const LOOK_EVERY_ALONE: Duration = Duration::from_mins(1);

/// How long one look for messages waits.
const WAIT: Duration = Duration::from_secs(20);

/// The wait after a queue or its function could not be had; each further time in a row doubles it, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Messages that are received at once at the most.
const CHUNK: u32 = 50;

/// Bytes of a call's messages at the most; AWS Lambda's limit of a payload.
const BATCH_BYTES: usize = 6 * 1024 * 1024;

/// What is around a message of a batch, in bytes, at the most, attributes apart.
const AROUND: usize = 1024;

/// The longest time for which messages are given back that found no room.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What calls take beside their function's own time: waiting for a place, and starting.
const BESIDE: Duration = Duration::from_secs(30);

/// Messages on their way to a function.
struct Batch {
    messages: Vec<Received>,
    /// When they are to be visible again if the call fails.
    visible_at: Timestamp,
}

/// A mapping whose messages are handed over.
struct Fed {
    mapping: Mapping,
    /// Batches in a row for which there was no room.
    refusals: AtomicU32,
}

impl FunctionsService {
    /// Feeds functions as the mappings say until the server stops.
    pub(in crate::functions::service) async fn feed(self) {
        let tasks = self.0.invoker.tasks.clone();
        let longest = if self.0.databases.app.is_postgres() { LOOK_EVERY } else { LOOK_EVERY_ALONE };
        while !tasks.is_stopping() {
            match self.enabled_mappings().await {
                Ok(mappings) => {
                    for (mapping, stop) in self.0.feeders.take(mappings) {
                        drop(tasks.spawn(self.clone().feed_from(mapping, stop)));
                    }
                }
                Err(err) => tracing::warn!(error = %err, "changes of event source mappings are not seen for now: {err}"),
            }
            tokio::select! {
                () = tokio::time::sleep(longest) => {}
                () = self.0.feeders.woken() => {}
                () = tasks.soft_stopped() => {}
            }
        }
        self.0.feeders.take(Vec::new());
    }

    async fn enabled_mappings(&self) -> Result<Vec<Mapping>> {
        Ok(queries::enabled(&mut self.0.databases.app.read().await?).await?)
    }

    async fn feed_from(self, mapping: Mapping, stop: CancellationToken) {
        let own = most_events(&self.0.config);
        let most = mapping.settings.max_concurrency.and_then(|most| usize::try_from(most).ok()).unwrap_or(own);
        let places = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
        let fed = Arc::new(Fed { mapping, refusals: AtomicU32::new(0) });
        let feeding = async {
            let mut troubles = 0;
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                match self.gather(&fed.mapping).await {
                    Ok(batch) if batch.messages.is_empty() => troubles = 0,
                    Ok(batch) => {
                        troubles = 0;
                        drop(self.0.invoker.tasks.spawn(self.clone().hand_over(Arc::clone(&fed), batch, place)));
                    }
                    Err(err) => {
                        self.pause(&fed.mapping, &err, troubles).await;
                        troubles = troubles.saturating_add(1);
                    }
                }
            }
        };
        stop.run_until_cancelled(feeding).await;
    }

    /// Waits after a trouble, the longer the more there were before it: a queue that was deleted may never come back.
    async fn pause(&self, mapping: &Mapping, err: &Error, before: u32) {
        let Mapping { id, queue, function, .. } = mapping;
        self.0.feeders.note(*id, "PROBLEM: the queue or the function cannot be had");
        let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
        let seconds = wait.as_secs();
        tracing::warn!(%queue, %function, error = %err, "the messages of {queue} are not handed to {function} for {seconds} s: {err}");
        tokio::time::sleep(wait).await;
    }

    /// Receives the messages of a call: waits for the first, and then as long as the window says for more.
    async fn gather(&self, mapping: &Mapping) -> Result<Batch> {
        let (queue, settings) = (&mapping.queue, &mapping.settings);
        let revision = self.target(&mapping.function, mapping.qualifier.as_ref()).await?.revision;
        if revision.function_id != mapping.function_id {
            return Err(Error::UnknownFunction(mapping.function.clone()));
        }
        let visibility = self.queue(mapping).await?.settings.visibility_timeout;
        let hidden = visibility.max(revision.settings.timeout + settings.window + BESIDE);
        let receive = async |most: u32, wait: Duration| {
            let how = Receive { most: most.min(CHUNK), wait: Some(wait), visibility_timeout: Some(hidden) };
            self.0.queues.receive(queue, how).await.map_err(of_queue)
        };
        let mut messages = receive(settings.batch_size, WAIT).await?;
        let visible_at = self.now().plus(visibility);
        let window = Instant::now() + settings.window;
        let size = |messages: &[Received]| messages.iter().map(size_of).sum::<usize>();
        let batch_size = usize::try_from(settings.batch_size).unwrap_or(usize::MAX);
        let chunk = usize::try_from(CHUNK).unwrap_or(usize::MAX);
        let mut came = messages.len();
        while came > 0 && messages.len() < batch_size && size(&messages) < BATCH_BYTES && !self.0.invoker.tasks.is_stopping() {
            let left = window.saturating_duration_since(Instant::now());
            // The queue had no more a moment ago.
            if left.is_zero() && came < chunk {
                break;
            }
            let more = receive(u32::try_from(batch_size - messages.len()).unwrap_or(CHUNK), left).await?;
            came = more.len();
            messages.extend(more);
        }
        // What does not fit any more comes with the next call.
        let mut bytes = 0;
        let fits = messages.iter().position(|message| {
            bytes += size_of(message);
            bytes > BATCH_BYTES
        });
        let surplus = fits.map_or_else(Vec::new, |at| messages.split_off(at.max(1)));
        if !surplus.is_empty() {
            self.0.queues.give_back(queue, receipts(&surplus), self.now(), false).await.map_err(of_queue)?;
        }
        Ok(Batch { messages, visible_at })
    }

    async fn queue(&self, mapping: &Mapping) -> Result<queues::Queue> {
        self.0.queues.get(&mapping.queue).await.map_err(of_queue)
    }

    /// Calls the function with a batch, and ends or gives back its messages.
    async fn hand_over(self, fed: Arc<Fed>, batch: Batch, place: OwnedSemaphorePermit) {
        let mapping = &fed.mapping;
        let Batch { messages, visible_at } = batch;
        let handed = async {
            let mut wanted = Vec::with_capacity(messages.len());
            let mut unwanted = Vec::new();
            let filters = &mapping.settings.filters;
            for message in messages {
                let event = event_of(&mapping.queue, &message);
                if filters.is_empty() || filters.iter().any(|filter| filter.matches(&event)) {
                    wanted.push((message.receipt, event));
                } else {
                    unwanted.push(message.receipt);
                }
            }
            if !unwanted.is_empty() {
                self.0.queues.delete_all(&mapping.queue, unwanted).await.map_err(of_queue)?;
            }
            if wanted.is_empty() { Ok(()) } else { self.call_with(&fed, wanted, visible_at).await }
        };
        if let Err(err) = handed.await {
            self.0.feeders.note(mapping.id, "PROBLEM: the queue cannot be had");
            tracing::warn!(queue = %mapping.queue, function = %mapping.function, error = %err, "messages come again when their time is over: {err}");
        }
        drop(place);
    }

    async fn call_with(&self, fed: &Fed, messages: Vec<(Receipt, Map<String, Value>)>, visible_at: Timestamp) -> Result<()> {
        let mapping = &fed.mapping;
        let by_id: HashMap<String, Receipt> =
            messages.iter().map(|(receipt, _)| (receipt.message.to_string(), *receipt)).collect();
        let records: Vec<Value> = messages.into_iter().map(|(_, event)| Value::Object(event)).collect();
        let payload = json!({ "Records": records }).to_string().into();
        let id = RequestId::random();
        let called = async {
            let target = self.target(&mapping.function, mapping.qualifier.as_ref()).await?;
            self.invoke_event(target, id, Event { payload, client_context: None, wants_log: false, hops: 0 }).await
        };
        let all = || by_id.values().copied().collect::<Vec<_>>();
        let done = match called.await {
            Ok(done) => done,
            Err(err) => {
                // The function did not see them: it does not count.
                let refusals = fed.refusals.fetch_add(1, Ordering::Relaxed);
                let pause = Duration::from_secs(1).saturating_mul(1 << refusals.min(6)).min(LONGEST_PAUSE);
                self.0.feeders.note(mapping.id, "PROBLEM: Function call was throttled");
                tracing::debug!(function = %mapping.function, error = %err, "a batch of messages found no room: {err}");
                let due_at = self.now().plus(pause);
                return self.0.queues.give_back(&mapping.queue, all(), due_at, false).await.map_err(of_queue);
            }
        };
        fed.refusals.store(0, Ordering::Relaxed);
        let verdict = match done.result {
            Err(_) => Verdict::AllFailed,
            Ok(_) if !mapping.settings.reports_failures => Verdict::Done,
            Ok(reply) => match reply.body {
                Body::Whole(answer) => verdict(&answer, &by_id.keys().cloned().collect::<HashSet<_>>()),
                Body::Streamed(_) => Verdict::AllFailed,
            },
        };
        let failed = match &verdict {
            Verdict::Done => Vec::new(),
            Verdict::Failed(ids) => ids.iter().filter_map(|id| by_id.get(id).copied()).collect(),
            Verdict::AllFailed => all(),
        };
        let failed_ids: HashSet<_> = failed.iter().map(|receipt| receipt.message).collect();
        let ended: Vec<_> = by_id.values().copied().filter(|receipt| !failed_ids.contains(&receipt.message)).collect();
        self.0.feeders.note(mapping.id, if failed.is_empty() { "OK" } else { "PROBLEM: Function call failed" });
        if !ended.is_empty() {
            self.0.queues.delete_all(&mapping.queue, ended).await.map_err(of_queue)?;
        }
        if !failed.is_empty() {
            self.0.queues.give_back(&mapping.queue, failed, visible_at.max(self.now()), true).await.map_err(of_queue)?;
        }
        Ok(())
    }
}

fn receipts(messages: &[Received]) -> Vec<Receipt> {
    messages.iter().map(|message| message.receipt).collect()
}

/// What a message takes of a payload, at the most about.
fn size_of(message: &Received) -> usize {
    let attributes = message.attributes.iter().map(|(name, attribute)| name.len() + attribute.size());
    message.body.len() + attributes.sum::<usize>() + AROUND
}

fn of_queue(err: queues::Error) -> Error {
    match err {
        queues::Error::Db(err) => Error::Db(err),
        other => Error::Invalid { field: "EventSourceArn".to_owned(), message: other.to_string() },
    }
}
