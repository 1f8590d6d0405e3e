//! What stands behind `plinth:kv`, `plinth:functions` and `plinth:queue`.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::MAX_HOPS;
use super::messages::drafts_of;
use super::platform::{Asker, Platform, Reply, refused};
use crate::db;
use crate::functions::error::Error;
use crate::functions::invoker::Body;
use crate::functions::model::Qualifier;
use crate::functions::service::{Event, FunctionsService, MAX_EVENT, WeakService};
use crate::isolate::protocol::{Answered, InvokeAsk, KvAsk, KvForm, ListedKey, OnlyIf, Question, Refused, SendAsk};
use crate::kv::{self, Change, Content, Key, KvService, Only, StoreName};
use crate::queues::{self, QueuesService};
use crate::types::{FunctionName, RequestId, Timestamp};

/// The services of this node that functions share.
pub(in crate::functions) struct Builtins {
    kv: KvService,
    queues: QueuesService,
    /// Once there is one.
    functions: OnceLock<WeakService>,
}

impl Builtins {
    pub(in crate::functions) fn new(kv: KvService, queues: QueuesService) -> Self {
        Self { kv, queues, functions: OnceLock::new() }
    }

    /// Says who calls functions.
    pub(in crate::functions) fn serve(&self, functions: &FunctionsService) {
        let _ = self.functions.set(functions.downgrade());
    }

    async fn ask_store(&self, store: &str, ask: KvAsk, body: Bytes) -> Result<Reply, kv::Error> {
        let store = StoreName::new(store)?;
        let answer = match ask {
            KvAsk::Get { key } => match self.kv.get(&store, &Key::new(&key)?).await? {
                None => Answered::NoEntry,
                Some(entry) => {
                    let (form, value) = match entry.content {
                        Content::Bytes(bytes) => (KvForm::Bytes, bytes),
                        Content::Json(text) => (KvForm::Json, text.into_bytes()),
                        Content::Number(number) => (KvForm::Json, number.to_string().into_bytes()),
                    };
                    let (version, expires_at_ms) = (entry.version.to_string(), millis_of(entry.expires_at));
                    return Ok((Answered::Entry { form, version, expires_at_ms }, value.into()));
                }
            },
            KvAsk::Set { key, form, expires_in_ms, only_if } => {
                let content = match form {
                    KvForm::Bytes => Content::bytes(body.to_vec())?,
                    KvForm::Json => Content::json(&body)?,
                };
                let change = Change { content, expires_in: expires_in_ms.map(Duration::from_millis), only: only(only_if) };
                match self.kv.set(store, Key::new(&key)?, change).await? {
                    Some(version) => Answered::Written { version: version.to_string() },
                    None => Answered::Unchanged,
                }
            }
            KvAsk::Delete { key, only_if } => {
                Answered::Deleted { existed: self.kv.delete(store, Key::new(&key)?, only(only_if)).await? }
            }
            KvAsk::Increment { key, by, expires_in_ms } => {
                let expires_in = expires_in_ms.map(Duration::from_millis);
                let (value, version) = self.kv.increment(store, Key::new(&key)?, by, expires_in).await?;
                Answered::Number { value, version: version.to_string() }
            }
            KvAsk::List { prefix, after, limit } => {
                let page = self.kv.list(&store, &prefix, after.as_deref(), limit).await?;
                let listed = |listed: kv::Listed| ListedKey {
                    key: listed.key,
                    version: listed.version.to_string(),
                    expires_at_ms: millis_of(listed.expires_at),
                };
                Answered::Listed { entries: page.keys.into_iter().map(listed).collect(), more: page.more }
            }
        };
        Ok((answer, Bytes::new()))
    }

    async fn send(&self, ask: SendAsk, bodies: Bytes) -> Reply {
        let (queue, drafts) = match drafts_of(ask, bodies) {
            Ok(drafts) => drafts,
            Err(message) => return refused(Refused::Invalid, message),
        };
        match self.queues.send(&queue, drafts).await {
            Ok(ids) => (Answered::Sent { ids: ids.iter().map(ToString::to_string).collect() }, Bytes::new()),
            Err(err) => refused_by_queues(err),
        }
    }

    async fn invoke(&self, asker: Asker, ask: InvokeAsk, payload: Bytes) -> Result<Reply, Error> {
        if asker.is_init {
            let message = "functions are called from a handler, not from the code outside it";
            return Ok(refused(Refused::Invalid, message));
        }
        let hops = asker.hops.saturating_add(1);
        if hops >= MAX_HOPS {
            let message = format!("the call has gone through {MAX_HOPS} functions, which is the most: one of them calls itself");
            return Ok(refused(Refused::LoopDetected, message));
        }
        let functions = self.functions.get().and_then(WeakService::upgrade).ok_or(Error::Stopping)?;
        let invalid = |message: String| Ok(refused(Refused::Invalid, message));
        let name: FunctionName = match ask.function.parse() {
            Ok(name) => name,
            Err(err) => return invalid(format!("{err}")),
        };
        let qualifier = match ask.qualifier.map(|text| text.parse::<Qualifier>()).transpose() {
            Ok(qualifier) => qualifier,
            Err(err) => return invalid(format!("qualifier: {err}")),
        };
        if let Err(err) = serde_json::from_slice::<IgnoredAny>(&payload) {
            return invalid(format!("the payload is no JSON: {err}"));
        }
        let id = RequestId::random();
        let event = Event { payload, client_context: None, wants_log: false, hops };
        if ask.event {
            if event.payload.len() > MAX_EVENT {
                return invalid(format!(
                    "the payload has {} bytes; with mode \"event\" {MAX_EVENT} are allowed",
                    event.payload.len()
                ));
            }
            functions.accept(&name, qualifier, id, event).await?;
            return Ok((Answered::Accepted { request_id: id.to_string() }, Bytes::new()));
        }
        let target = functions.target(&name, qualifier.as_ref()).await?;
        let done = functions.invoke_event(target, id, event).await?;
        Ok(match done.result {
            Ok(reply) => match reply.body {
                Body::Whole(result) => (Answered::Result, result),
                Body::Streamed(_) => refused(Refused::Unavailable, "the function's answer is a stream"),
            },
            Err(failure) => {
                let (error_type, message) = (failure.error.error_type, failure.error.message);
                (Answered::FunctionFailed { error_type, message }, Bytes::new())
            }
        })
    }
}

impl Platform for Builtins {
    fn answer(&self, asker: Asker, question: Question, body: Bytes) -> BoxFuture<'_, Reply> {
        async move {
            match question {
                Question::Kv { store, ask } => self.ask_store(&store, ask, body).await.unwrap_or_else(refused_by_store),
                Question::Invoke(ask) => self.invoke(asker, ask, body).await.unwrap_or_else(refused_by_functions),
                Question::Send(ask) => self.send(ask, body).await,
            }
        }
        .boxed()
    }
}

fn only(only_if: OnlyIf) -> Only {
    match only_if {
        OnlyIf::Always => Only::Always,
        OnlyIf::Absent => Only::Absent,
        OnlyIf::Version(version) => Only::Version(Uuid::try_parse(&version).ok()),
    }
}

fn millis_of(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(|moment| moment.to_chrono().timestamp_millis())
}

fn refused_by_store(err: kv::Error) -> Reply {
    match err {
        kv::Error::Invalid { .. } | kv::Error::NoNumber(_) | kv::Error::TooLarge(_) => refused(Refused::Invalid, err.to_string()),
        kv::Error::Db(source) => {
            tracing::error!(error = %source, "a key-value store does not serve: {source}");
            unavailable(&source, "the store does not serve at the moment; try again")
        }
    }
}

fn refused_by_queues(err: queues::Error) -> Reply {
    match err {
        queues::Error::NoQueue(_) => refused(Refused::NotFound, err.to_string()),
        queues::Error::MessageTooLong { .. } => refused(Refused::Invalid, err.to_string()),
        queues::Error::Db(source) => {
            tracing::error!(error = %source, "a function's messages were not sent: {source}");
            unavailable(&source, "the queue does not serve at the moment; try again")
        }
        err => {
            tracing::error!(error = %err, "a function's messages were not sent: {err}");
            refused(Refused::Unavailable, "the queue does not serve at the moment; try again")
        }
    }
}

fn refused_by_functions(err: Error) -> Reply {
    match err {
        Error::UnknownFunction(_) | Error::UnknownQualifier { .. } => refused(Refused::NotFound, err.to_string()),
        Error::Busy(_) | Error::Reserved { .. } => refused(Refused::Busy, err.to_string()),
        Error::Stopping => refused(Refused::Unavailable, err.to_string()),
        Error::Db(source) => {
            tracing::error!(error = %source, "a function's call of another failed: {source}");
            unavailable(&source, "the function cannot be called at the moment; the server's log says why")
        }
        err => {
            tracing::error!(error = %err, "a function's call of another failed: {err}");
            refused(Refused::Unavailable, "the function cannot be called at the moment; the server's log says why")
        }
    }
}

/// The database does not serve, for a reason that can be told: there is no space; or for another, with these words for it.
fn unavailable(source: &db::Error, otherwise: &str) -> Reply {
    let full = "the server's disk is full: nothing was stored; try again when there is space";
    refused(Refused::Unavailable, if matches!(source, db::Error::Full(_)) { full } else { otherwise })
}
