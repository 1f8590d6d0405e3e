//! Calls: which revision, and then its worker.

use std::sync::Arc;

use bytes::Bytes;

use super::FunctionsService;
use crate::functions::error::Result;
use crate::functions::invoker::{Done, Payload, Work};
use crate::functions::model::{Qualifier, Revision, arn};
use crate::functions::registry::Found;
use crate::isolate::protocol::HttpRequest;
use crate::types::{FunctionName, RequestId};

/// The revision that a call runs, and as what it was called.
#[derive(Clone, Debug)]
pub struct Target {
    pub revision: Arc<Revision>,
    /// The ARN, with the qualifier where there was one.
    pub arn: String,
}

/// A call with an event.
#[derive(Clone, Debug)]
pub struct Event {
    /// JSON.
    pub payload: Bytes,
    /// What `context.clientContext` is; JSON.
    pub client_context: Option<String>,
    /// Whether the end of the call's log is wanted.
    pub wants_log: bool,
    /// How many functions the request has gone through already.
    pub hops: u8,
}

impl FunctionsService {
    /// The revision that a call of this name runs now; at most two seconds behind other nodes.
    ///
    /// # Errors
    /// [`UnknownFunction`](crate::functions::Error::UnknownFunction), or the database fails.
    pub async fn live(&self, name: &FunctionName) -> Result<Arc<Revision>> {
        Ok(match self.0.registry.live(name).await? {
            Found::Remembered(revision) => revision,
            Found::Read(revision) => {
                self.0.invoker.set_live(revision.function_id, Some(revision.id));
                revision
            }
        })
    }

    /// What a call of a name and qualifier runs now; an alias that shares its calls is rolled for. At most two seconds behind other
    /// nodes.
    ///
    /// # Errors
    /// [`UnknownFunction`](crate::functions::Error::UnknownFunction), [`UnknownQualifier`](crate::functions::Error::UnknownQualifier), or the database fails.
    pub async fn target(&self, name: &FunctionName, qualifier: Option<&Qualifier>) -> Result<Target> {
        let version = match qualifier {
            None | Some(Qualifier::Latest) => None,
            Some(Qualifier::Version(number)) => Some(*number),
            Some(Qualifier::Alias(alias)) => match self.0.registry.alias(name, alias).await? {
                Some(alias) => alias.choose(roll()),
                None => return Err(self.unknown_qualifier(name, alias.clone()).await?),
            },
        };
        let revision = match version {
            None => self.live(name).await?,
            Some(number) => match self.0.registry.version(name, number).await? {
                Some(Found::Remembered(revision)) => revision,
                Some(Found::Read(revision)) => {
                    self.0.invoker.keep_version(revision.function_id, revision.id);
                    revision
                }
                None => return Err(self.unknown_qualifier(name, number.to_string()).await?),
            },
        };
        let qualifier = qualifier.map(ToString::to_string);
        Ok(Target { revision, arn: arn(name.as_str(), qualifier.as_deref()) })
    }

    /// Runs one call of a revision with an HTTP request; the answer is whole. The function's own failures are in [`Done`].
    ///
    /// # Errors
    /// `Busy`, `Reserved`, `Stopping`, `NoWorker` of [`Error`](crate::functions::Error): it was not run.
    pub async fn invoke(&self, revision: Arc<Revision>, request: RequestId, http: HttpRequest, payload: Bytes) -> Result<Done> {
        let arn = arn(revision.name.as_str(), None);
        self.invoke_http(Target { revision, arn }, request, http, payload).await
    }

    /// As [`FunctionsService::invoke`], of a version or an alias.
    ///
    /// # Errors
    /// As for that.
    pub async fn invoke_http(&self, target: Target, request: RequestId, http: HttpRequest, payload: Bytes) -> Result<Done> {
        let Target { revision, arn } = target;
        let payload = Payload::Whole(payload);
        let http = Some(http);
        self.0.invoker.invoke(Work { http, may_stream: false, ..Work::new(revision, request, arn, payload) }).await
    }

    /// As [`FunctionsService::invoke`] for a client that takes a stream for an answer, and may send one. `hops` is how many functions
    /// the request has gone through already. A streamed answer is there as soon as it begins; its call goes on.
    ///
    /// # Errors
    /// As for that.
    pub async fn stream(
        &self,
        revision: Arc<Revision>,
        request: RequestId,
        http: HttpRequest,
        payload: Payload,
        hops: u8,
    ) -> Result<Done> {
        let arn = arn(revision.name.as_str(), None);
        let work = Work::new(revision, request, arn, payload);
        self.0.invoker.invoke(Work { http: Some(http), may_stream: true, hops, ..work }).await
    }

    /// Runs one call with an event. The function's own failures are in [`Done`].
    ///
    /// # Errors
    /// As [`FunctionsService::invoke`].
    pub async fn invoke_event(&self, target: Target, request: RequestId, event: Event) -> Result<Done> {
        let (Target { revision, arn }, Event { payload, client_context, wants_log, hops }) = (target, event);
        let work = Work::new(revision, request, arn, Payload::Whole(payload));
        self.0.invoker.invoke(Work { client_context, wants_log, hops, ..work }).await
    }
}

/// A random number from 0 up to, not including, 1.
fn roll() -> f64 {
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 1.0,
    }
}
