//! Calls that nobody waits for: accepted here, run here, told of here.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::db;
use crate::functions::error::{Error, Result};
use crate::functions::events::{Answered, Condition, EventFault, EventRules, Fate, RENEW_EVERY, Ran, StoredEvent, Taken};
use crate::functions::invoker::Body;
use crate::functions::model::{EventConfig, Qualifier};
use crate::functions::queries::event_configs;
use crate::functions::queries::events as queries;
use crate::functions::service::FunctionsService;
use crate::functions::service::{Event, Target};
use crate::types::{FunctionName, RequestId};

/// The longest event, in bytes, as AWS Lambda has it for calls that nobody waits for.
pub const MAX_EVENT: usize = 1024 * 1024;

/// How often what was given up long ago is removed.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// The wait after the database did not give what is due; nobody wakes when it does again.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How often, while the server stops, the end of the last event is looked for.
const LOOK_WHILE_STOPPING: Duration = Duration::from_millis(20);

/// How many of these are removed in one transaction.
const FORGET: u32 = 1000;

/// How a try ended, and what it was answered.
struct Tried {
    ran: Ran,
    answered: Answered,
}

impl FunctionsService {
    /// Accepts a call that nobody waits for: it is durable when this returns.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], [`Error::UnknownQualifier`], or the database fails: it was not accepted.
    pub async fn accept(&self, name: &FunctionName, qualifier: Option<Qualifier>, id: RequestId, event: Event) -> Result<()> {
        let Target { revision, .. } = self.target(name, qualifier.as_ref()).await?;
        let now = self.now();
        let stored = StoredEvent {
            client_context: event.client_context,
            hops: event.hops,
            ..StoredEvent::new((revision.function_id, name.clone(), qualifier), id, event.payload, now)
        };
        let written = self.0.databases.system.write(move |tx| {
            let stored = stored.clone();
            Box::pin(async move { Ok::<_, Error>(queries::insert(tx, &stored).await?) })
        });
        written.await?;
        self.0.events.wake();
        Ok(())
    }

    /// Runs what is due until the server stops.
    pub(in crate::functions::service) async fn run_events(self) {
        let tasks = self.0.invoker.tasks.clone();
        while let Err(err) = self.0.events.free_what_was_left().await {
            tracing::warn!(error = %err, "events that were under way when the server ended stay where they are for now: {err}");
            tokio::select! {
                () = tokio::time::sleep(RENEW_EVERY) => {}
                () = tasks.soft_stopped() => return,
            }
        }
        while !tasks.is_stopping() {
            let taken = match self.0.events.take().await {
                Ok(taken) => taken,
                Err(err) => {
                    tracing::warn!(error = %err, "events are not run for now: {err}");
                    tokio::select! {
                        () = tokio::time::sleep(AFTER_FAILURE) => {}
                        () = tasks.soft_stopped() => {}
                    }
                    continue;
                }
            };
            if taken.is_empty() {
                tokio::select! {
                    () = self.0.events.idle() => {}
                    () = tasks.soft_stopped() => {}
                }
                continue;
            }
            for taken in taken {
                let functions = self.clone();
                drop(tasks.spawn(async move { functions.run_event(taken).await }));
            }
        }
    }

    /// Holds on to events under way, and removes what was given up long ago, until the server stops and the last of them is over.
    pub(in crate::functions::service) async fn keep_events(self) {
        let tasks = self.0.invoker.tasks.clone();
        let mut looked = self.now().minus(FORGET_EVERY);
        let mut renewed = Instant::now();
        while !(tasks.is_stopping() && self.0.events.running() == 0) {
            let round = if tasks.is_stopping() { LOOK_WHILE_STOPPING } else { RENEW_EVERY };
            tokio::select! {
                () = tokio::time::sleep(round) => {}
                () = tasks.soft_stopped(), if !tasks.is_stopping() => {}
            }
            if renewed.elapsed() < RENEW_EVERY {
                continue;
            }
            renewed = Instant::now();
            if let Err(err) = self.0.events.renew().await {
                tracing::warn!(error = %err, "the leases of events under way are not renewed for now: {err}");
            }
            if self.now().since(looked) >= FORGET_EVERY {
                looked = self.now();
                if let Err(err) = self.forget_dead_events().await {
                    tracing::warn!(error = %err, "events that were given up long ago stay for now: {err}");
                }
            }
        }
    }

    async fn forget_dead_events(&self) -> db::Result<()> {
        let before = self.now().minus(self.0.config.keep_dead_events);
        loop {
            let write =
                self.0.databases.system.write(move |tx| Box::pin(async move { queries::forget_dead(tx, before, FORGET).await }));
            if write.await? < u64::from(FORGET) {
                return Ok(());
            }
        }
    }

    async fn run_event(&self, taken: Taken) {
        let event = &taken.event;
        let (id, function) = (event.id, &event.function);
        let ended = async {
            let config = self.event_config_of(event).await?;
            let rules = self.rules(config.as_ref());
            let now = self.now();
            let (fate, answered) = if Fate::is_too_old(event, &rules, now) {
                let message = format!("it waited longer than {} seconds", rules.max_age.as_secs());
                let fault = event.fault.clone().unwrap_or_else(|| fault("EventAgeExceeded", message));
                (Fate::Dead { why: Condition::EventAgeExceeded, attempts: event.attempts, fault }, Answered::Not)
            } else {
                let Tried { ran, answered } = self.try_event(event).await?;
                (Fate::of(event, &rules, ran, self.now()), answered)
            };
            self.settle(event, &fate, answered, config.as_ref()).await
        };
        match ended.await {
            Ok(()) => {}
            // It is gone for good, and so are its events.
            Err(Error::UnknownFunction(_)) => {
                tracing::warn!(%function, event = %id, "an event of {function} is dropped: the function was deleted");
                self.drop_event(event).await;
            }
            // Its lease ends, and then it is tried again.
            Err(err) => {
                tracing::warn!(%function, event = %id, error = %err, "an event of {function} is tried again later: {err}")
            }
        }
    }

    async fn try_event(&self, event: &StoredEvent) -> Result<Tried> {
        let target = self.target(&event.function, event.qualifier.as_ref()).await?;
        if target.revision.function_id != event.function_id {
            return Err(Error::UnknownFunction(event.function.clone()));
        }
        let version = target.revision.version_name();
        let (payload, client_context) = (event.payload.clone(), event.client_context.clone());
        let call = Event { payload, client_context, wants_log: false, hops: event.hops };
        let refused = |error_type: &str, err: &Error| Ran::Refused(fault(error_type, err.to_string()));
        let done = match self.invoke_event(target, event.id, call).await {
            Ok(done) => done,
            Err(err) => {
                let ran = match &err {
                    Error::Reserved { reserved: 0, .. } => Ran::Barred(fault("TooManyRequestsException", err.to_string())),
                    Error::Reserved { .. } | Error::Busy(_) => refused("TooManyRequestsException", &err),
                    Error::Stopping | Error::NoWorker(_) => refused("ServiceException", &err),
                    _ => return Err(err),
                };
                return Ok(Tried { ran, answered: Answered::Not });
            }
        };
        Ok(match done.result {
            Ok(reply) => {
                let payload = if let Body::Whole(body) = reply.body { body } else { Bytes::from_static(b"null") };
                Tried { ran: Ran::Succeeded, answered: Answered::With { version, payload } }
            }
            Err(failure) => {
                let fault = fault(&failure.error.error_type, failure.error.message.clone());
                Tried { ran: Ran::Failed(fault.clone()), answered: Answered::Failed { version, fault } }
            }
        })
    }

    async fn drop_event(&self, event: &StoredEvent) {
        let (id, runner) = (event.id, self.0.events.name().to_owned());
        let dropped = self.0.databases.system.write(move |tx| {
            let runner = runner.clone();
            Box::pin(async move { queries::end(tx, id, &runner).await })
        });
        if let Err(err) = dropped.await {
            tracing::warn!(event = %id, error = %err, "an event of a deleted function stays for now: {err}");
        }
    }

    async fn event_config_of(&self, event: &StoredEvent) -> Result<Option<EventConfig>> {
        let key = event.qualifier.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok(event_configs::find(&mut self.0.databases.app.read().await?, event.function_id, &key).await?)
    }

    fn rules(&self, config: Option<&EventConfig>) -> EventRules {
        let own = &self.0.config;
        EventRules {
            max_retries: config.and_then(|config| config.max_retries).unwrap_or(own.event_retries),
            max_age: config.and_then(|config| config.max_age).unwrap_or(own.event_max_age),
            retry_wait: own.event_retry_wait,
        }
    }
}

fn fault(error_type: &str, message: String) -> EventFault {
    EventFault { error_type: error_type.to_owned(), message }
}
