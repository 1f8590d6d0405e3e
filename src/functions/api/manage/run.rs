//! A call by an operator, who is told everything about it.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::api::{Code, MAX_JSON_DEPTH, Problem, json_depth};
use crate::auth::api::Caller;
use crate::functions::api::admin::query_of;
use crate::functions::api::answers::FailureAnswer;
use crate::functions::api::existing_name;
use crate::functions::api::http::body;
use crate::functions::metering::milliseconds;
use crate::functions::model::Qualifier;
use crate::functions::{Body, Done, Event, FunctionsService, MAX_EVENT, Outcome};
use crate::telemetry::current_request_id;
use crate::types::RequestId;

/// How a function is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::functions::api) struct RunQuery {
    /// A version's number, an alias, or `$LATEST`, which it is unless it is said.
    #[param(example = "$LATEST")]
    qualifier: Option<String>,
    /// Whether nobody waits: the call is stored, and made as soon as there is a place.
    #[serde(default)]
    #[param(default = false)]
    r#async: bool,
    /// Whether the end of the call's log is wanted.
    #[serde(default)]
    #[param(default = false)]
    tail: bool,
}

/// How a call went.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionRun)]
pub(in crate::functions::api) struct RunAnswer<'a> {
    #[schema(value_type = String, format = Uuid)]
    request_id: RequestId,
    /// The version that ran: a number, or `$LATEST`.
    #[schema(example = "$LATEST")]
    version: String,
    /// `success`, `error` (the function threw), `failure` (its process ended) or `timeout`.
    #[schema(example = "success")]
    outcome: &'static str,
    /// What the handler gave; null when it failed.
    #[schema(value_type = Value, example = json!({"hello": "world"}))]
    payload: Option<&'a RawValue>,
    /// How it failed; null when it did not.
    error: Option<FailureAnswer<'a>>,
    /// Whether an environment was started for it.
    cold: bool,
    /// Handler and initialisation, rounded up.
    #[schema(example = 4)]
    billed_ms: u64,
    /// What each phase took: `download`, `environment`, `init` and `handler`.
    #[schema(value_type = Object, example = json!({"download": 0.0, "environment": 0.0, "init": 0.0, "handler": 3.1}))]
    phases_ms: BTreeMap<&'static str, f64>,
    /// The end of the call's log, when it was asked for.
    log: Option<String>,
}

/// A call that nobody waits for.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionRunAccepted)]
pub(in crate::functions::api) struct AcceptedAnswer {
    /// Where it is among `/admin/v1/invocations` until it succeeds, and in the log.
    #[schema(value_type = String, format = Uuid)]
    request_id: RequestId,
}

/// Call a function with an event
///
/// For trying a function out: the body is the event, any JSON (`{}` without a body), and the answer tells everything about the call,
/// also when the function failed. Clients call `/functions/v1/{name}`.
#[utoipa::path(
    post,
    path = "/admin/v1/functions/{name}/invocations",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello"), RunQuery),
    request_body(content = Object, description = "The event", example = json!({"name": "world"})),
    responses(
        (status = 200, description = "The call was made; `outcome` says how it went", body = RunAnswer),
        (status = 202, description = "`async`: the call is stored and will be made", body = AcceptedAnswer),
        (status = 429, description = "No place to run became free in time; see Retry-After", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[post("/functions/{name}/invocations")]
pub(in crate::functions::api) async fn run_function(
    caller: Caller,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let query: RunQuery = query_of(&request)?;
    let name = existing_name(&name)?;
    let qualifier = query.qualifier.as_deref().map(str::parse::<Qualifier>).transpose();
    let qualifier = qualifier.map_err(|err| Code::InvalidInput.because(format!("qualifier: {err}")))?;
    let id = current_request_id().unwrap_or_else(RequestId::random);
    if query.r#async {
        let payload = event_of(body::read(payload, MAX_EVENT, "that of an asynchronous call").await?)?;
        functions.accept(&name, qualifier, id, Event { payload, client_context: None, wants_log: false, hops: 0 }).await?;
        return Ok(HttpResponse::Accepted().json(AcceptedAnswer { request_id: id }));
    }
    let payload = event_of(body::read(payload, functions.config().max_request, "functions.max_request").await?)?;
    let target = functions.target(&name, qualifier.as_ref()).await?;
    let version = target.revision.version_name();
    let done =
        functions.invoke_event(target, id, Event { payload, client_context: None, wants_log: query.tail, hops: 0 }).await?;
    answer(done, id, version)
}

/// The event: JSON, checked.
fn event_of(body: Bytes) -> Result<Bytes, Problem> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    if json_depth(&body) > MAX_JSON_DEPTH {
        return Err(Code::InvalidInput.because(format!("the event's JSON nests deeper than {MAX_JSON_DEPTH} levels")));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
        Ok(_) => Ok(body),
        Err(err) => Err(Code::InvalidInput.because(format!("the event is not JSON: {err}"))),
    }
}

fn answer(done: Done, request_id: RequestId, version: String) -> Result<HttpResponse, Problem> {
    let Done { result, phases, cold, log } = done;
    let (body, failure) = match result {
        Ok(reply) => (Some(reply.body), None),
        Err(failure) => (None, Some(failure)),
    };
    let payload: Option<&RawValue> = match &body {
        Some(Body::Whole(bytes)) => Some(serde_json::from_slice(bytes).map_err(Problem::internal)?),
        // An event's answer was asked for whole.
        Some(Body::Streamed(_)) | None => None,
    };
    let error = failure.as_ref().map(|failure| FailureAnswer {
        error_type: &failure.error.error_type,
        message: &failure.error.message,
        request_id,
        trace: Some(failure.error.trace.as_slice()),
        details: &failure.details,
    });
    let outcome = failure.as_ref().map_or(Outcome::Success, |failure| failure.outcome).as_str();
    let phases_ms = phases.named().map(|(name, time)| (name, milliseconds(time))).into();
    let billed_ms = phases.billed_ms();
    Ok(HttpResponse::Ok().json(RunAnswer { request_id, version, outcome, payload, error, cold, billed_ms, phases_ms, log }))
}
