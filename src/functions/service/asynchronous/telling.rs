//! How an event ends: written together with what its destinations are told.

use std::collections::BTreeMap;

use crate::db::Tx;
use crate::functions::egress::MAX_HOPS;
use crate::functions::error::{Error, Result};
use crate::functions::events::{Answered, Condition, EventFault, EventState, Fate, Record, StoredEvent};
use crate::functions::model::{EventConfig, function_of};
use crate::functions::queries::events::{self as queries, Change};
use crate::functions::service::FunctionsService;
use crate::queues::{self, Attribute, AttributeValue, Draft, Message, QueueName, queue_of};
use crate::types::RequestId;

/// The longest error message that goes with a dead letter, in bytes, as AWS Lambda has it.
const ERROR_MESSAGE: usize = 1024;

/// What one destination is told.
#[derive(Clone)]
enum Told {
    Event(StoredEvent),
    Message(Message),
}

impl FunctionsService {
    /// Writes what became of an event, and with it, in one transaction, what its destinations are told.
    pub(super) async fn settle(
        &self,
        event: &StoredEvent,
        fate: &Fate,
        answered: Answered,
        config: Option<&EventConfig>,
    ) -> Result<()> {
        let ended = match fate {
            Fate::Over => Some((Condition::Success, event.attempts + 1, config.and_then(|config| config.on_success.as_deref()))),
            Fate::Dead { why, attempts, .. } => Some((*why, *attempts, config.and_then(|config| config.on_failure.as_deref()))),
            Fate::Again { .. } => None,
        };
        let mut told = Vec::new();
        if let Some((condition, tries, Some(destination))) = ended {
            match Record::of(event, (condition, tries), answered, self.now()).and_then(|record| serde_json::to_string(&record)) {
                Ok(record) => told.extend(self.told(destination, record, BTreeMap::new(), event.hops.saturating_add(1)).await),
                Err(err) => {
                    tracing::error!(destination, event = %event.id, error = %err, "no record of an event's end can be made: {err}");
                }
            }
        }
        if let Fate::Dead { fault, .. } = fate {
            told.extend(self.dead_letter(event, fault).await);
        }
        let change = match fate.clone() {
            Fate::Over => None,
            Fate::Again { due_at, attempts, refusals, fault } => {
                Some(Change { state: EventState::Waiting, due_at, attempts, refusals, fault })
            }
            Fate::Dead { attempts, fault, .. } => {
                Some(Change { state: EventState::Dead, due_at: self.now(), attempts, refusals: event.refusals, fault })
            }
        };
        let (id, runner, adds) = (event.id, self.0.events.name().to_owned(), told.clone());
        let written = self.0.databases.system.write(move |tx| {
            let (runner, change, told) = (runner.clone(), change.clone(), adds.clone());
            Box::pin(async move { end(tx, (id, &runner), change.as_ref(), &told).await })
        });
        if written.await? {
            self.0.events.wake();
            for one in &told {
                if let Told::Message(message) = one {
                    self.0.queues.ring(&message.queue);
                }
            }
        }
        Ok(())
    }

    /// What a destination gets; `None` when there is nobody to tell.
    async fn told(&self, destination: &str, body: String, attributes: BTreeMap<String, Attribute>, hops: u8) -> Option<Told> {
        let found = match (function_of(destination), queue_of(destination)) {
            (Some(_), _) if hops >= MAX_HOPS => {
                tracing::warn!(
                    destination,
                    "{destination} is not told of an event's end: {MAX_HOPS} functions have called one another in a row"
                );
                return None;
            }
            (Some((name, qualifier)), _) => self.target(&name, qualifier.as_ref()).await.map(|target| {
                let of = (target.revision.function_id, name, qualifier);
                Told::Event(StoredEvent { hops, ..StoredEvent::new(of, RequestId::random(), body.into(), self.now()) })
            }),
            (None, Some(queue)) => self.message_for(&queue, body, attributes).await.map(Told::Message),
            (None, None) => return None,
        };
        match found {
            Ok(told) => Some(told),
            Err(err) => {
                tracing::warn!(destination, error = %err, "{destination} is not told of an event's end: {err}");
                None
            }
        }
    }

    async fn message_for(&self, queue: &QueueName, body: String, attributes: BTreeMap<String, Attribute>) -> Result<Message> {
        self.0.queues.prepare(queue, Draft { body, attributes, delay: None }).await.map_err(|err| match err {
            queues::Error::Db(err) => err.into(),
            other => Error::Invalid { field: "Destination".to_owned(), message: other.to_string() },
        })
    }

    /// An event that was given up, for the `DeadLetterConfig` of its function: the event itself, with why in the attributes.
    async fn dead_letter(&self, event: &StoredEvent, fault: &EventFault) -> Option<Told> {
        let target = self.target(&event.function, event.qualifier.as_ref()).await.ok()?;
        let destination = target.revision.declared.fields.get("DeadLetterConfig")?.get("TargetArn")?.as_str()?.to_owned();
        let body = String::from_utf8(event.payload.to_vec()).ok()?;
        let code = if fault.error_type == "TooManyRequestsException" { "429" } else { "200" };
        let mut message = fault.message.clone();
        message.truncate(message.floor_char_boundary(ERROR_MESSAGE));
        if message.is_empty() {
            message.clone_from(&fault.error_type);
        }
        let attributes = [
            ("RequestID", "String", event.id.to_string()),
            ("ErrorCode", "Number", code.to_owned()),
            ("ErrorMessage", "String", message),
        ];
        let attributes = attributes.into_iter().map(|(name, data_type, text)| {
            (name.to_owned(), Attribute { data_type: data_type.to_owned(), value: AttributeValue::String(text) })
        });
        self.told(&destination, body, attributes.collect(), event.hops.saturating_add(1)).await
    }
}

/// Ends or changes an event that a runner has, and adds what tells of it; false when the runner has it no longer.
async fn end(tx: &mut Tx, (id, runner): (RequestId, &str), change: Option<&Change>, told: &[Told]) -> Result<bool> {
    let is_ours = match change {
        None => queries::end(tx, id, runner).await?,
        Some(change) => queries::give_back(tx, (id, runner), change).await?,
    };
    if !is_ours {
        return Ok(false);
    }
    for one in told {
        match one {
            Told::Event(event) => queries::insert(tx, event).await?,
            Told::Message(message) => {
                if !queues::keep(tx, message).await? {
                    tracing::warn!(event = %id, queue = %message.queue, "the queue {} is not told of an event's end: it is gone", message.queue);
                }
            }
        }
    }
    Ok(true)
}
