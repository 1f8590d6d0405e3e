//! Asynchronous calls that wait, run or were given up. Needs the service key.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::admin::{limit_of, query_of};
use crate::api::{Code, Problem};
use crate::auth::api::Caller;
use crate::functions::FunctionsService;
use crate::functions::events::{EventFilter, EventState, Standing, StoredEvent};
use crate::types::{FunctionName, RequestId, Timestamp};

/// Invocations of a page unless it is asked for another number.
const PAGE: u32 = 100;

/// Which invocations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InvocationsQuery {
    /// Only those of this function.
    #[param(value_type = Option<String>, example = "hello")]
    function: Option<FunctionName>,
    /// Only those that are `pending`, `running`, `retrying` or `dead`.
    #[param(example = "dead")]
    state: Option<String>,
    /// Invocations of the page at the most, from 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The id after which the page begins: `next_after` of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    after: Option<RequestId>,
}

/// Which invocations are run again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeadQuery {
    /// Only those of this function.
    #[param(value_type = Option<String>, example = "hello")]
    function: Option<FunctionName>,
}

/// Which invocations are removed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PurgeQuery {
    /// Only those of this function.
    #[param(value_type = Option<String>, example = "hello")]
    function: Option<FunctionName>,
    /// Those that are `dead`, `pending` or `retrying`; what runs goes on.
    #[param(default = "dead", example = "dead")]
    state: Option<String>,
}

/// An asynchronous call.
#[derive(Serialize, ToSchema)]
#[schema(as = Invocation)]
pub(super) struct InvocationAnswer {
    /// The request id of each of its tries.
    #[schema(value_type = String, format = Uuid)]
    id: RequestId,
    #[schema(value_type = String, example = "hello")]
    function: FunctionName,
    /// A version or an alias; null for `$LATEST`.
    #[schema(example = json!(null))]
    qualifier: Option<String>,
    /// `pending`: not tried yet. `running`. `retrying`: it failed or found no room, and is tried again at `due_at`. `dead`: given up.
    #[schema(example = "retrying")]
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Timestamp,
    /// When it is tried; null while it runs and when it was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// When it was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    died_at: Option<Timestamp>,
    /// Tries that failed in the function.
    #[schema(example = 1)]
    attempts: u32,
    /// Tries for which there was no room.
    #[schema(example = 0)]
    refusals: u32,
    /// What the last try failed with.
    error: Option<InvocationError>,
    /// Bytes of the event.
    #[schema(example = 27)]
    size: usize,
    /// The event; where one invocation was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"order": 17}))]
    payload: Option<Value>,
}

/// What a try failed with.
#[derive(Serialize, ToSchema)]
pub(super) struct InvocationError {
    #[schema(example = "TypeError")]
    r#type: String,
    #[schema(example = "x is not a function")]
    message: String,
}

/// A page of asynchronous calls.
#[derive(Serialize, ToSchema)]
pub(super) struct InvocationsAnswer {
    invocations: Vec<InvocationAnswer>,
    /// What the next page begins after; null on the last.
    #[schema(value_type = Option<String>, format = Uuid)]
    next_after: Option<RequestId>,
}

/// How many were concerned.
#[derive(Serialize, ToSchema)]
pub(super) struct InvocationsCount {
    #[schema(example = 12)]
    invocations: u64,
}

impl InvocationAnswer {
    fn new(event: StoredEvent) -> Self {
        let standing = event.standing();
        let is_dead = event.state == EventState::Dead;
        Self {
            id: event.id,
            function: event.function,
            qualifier: event.qualifier.map(|qualifier| qualifier.to_string()),
            state: standing.as_str(),
            accepted_at: event.accepted_at,
            due_at: (!is_dead && standing != Standing::Running).then_some(event.due_at),
            died_at: is_dead.then_some(event.due_at),
            attempts: event.attempts,
            refusals: event.refusals,
            error: event.fault.map(|fault| InvocationError { r#type: fault.error_type, message: fault.message }),
            size: event.payload.len(),
            payload: None,
        }
    }

    fn whole(event: StoredEvent) -> Self {
        let payload = serde_json::from_slice(&event.payload).ok();
        Self { payload, ..Self::new(event) }
    }
}

/// List asynchronous calls
///
/// Those that wait, run or were given up, the oldest first. What succeeded is over and not there any more.
#[utoipa::path(
    get,
    path = "/admin/v1/invocations",
    tag = "functions",
    security(("bearer" = [])),
    params(InvocationsQuery),
    responses((status = 200, description = "A page", body = InvocationsAnswer), Problem),
)]
#[get("/invocations")]
pub(super) async fn list_invocations(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<Json<InvocationsAnswer>, Problem> {
    caller.require_service()?;
    let query: InvocationsQuery = query_of(&request)?;
    let standing = standing_of(query.state.as_deref(), &Standing::ALL)?;
    let limit = limit_of(query.limit, PAGE)?;
    let filter = EventFilter { function: query.function, standing, after: query.after };
    let mut events = functions.invocations(filter, limit + 1).await?;
    let has_more = events.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        events.pop();
    }
    let next_after = events.last().filter(|_| has_more).map(|last| last.id);
    Ok(Json(InvocationsAnswer { invocations: events.into_iter().map(InvocationAnswer::new).collect(), next_after }))
}

/// Get an asynchronous call, with its event
#[utoipa::path(
    get,
    path = "/admin/v1/invocations/{id}",
    tag = "functions",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Its request id")),
    responses(
        (status = 200, description = "It waits, runs or was given up", body = InvocationAnswer),
        (status = 404, description = "There is none: it succeeded, or never was", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[get("/invocations/{id}")]
pub(super) async fn get_invocation(
    caller: Caller,
    id: Path<String>,
    functions: Data<FunctionsService>,
) -> Result<Json<InvocationAnswer>, Problem> {
    caller.require_service()?;
    let found = functions.invocation(id_of(&id)?).await?.ok_or_else(nothing)?;
    Ok(Json(InvocationAnswer::whole(found)))
}

/// Run an asynchronous call again that was given up
///
/// It is tried at once, as often as a new one, under the request id it has.
#[utoipa::path(
    post,
    path = "/admin/v1/invocations/{id}/redrive",
    tag = "functions",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Its request id")),
    responses(
        (status = 202, description = "It is tried again"),
        (status = 404, description = "None of this id was given up", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[post("/invocations/{id}/redrive")]
pub(super) async fn redrive_invocation(
    caller: Caller,
    id: Path<String>,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    if functions.redrive(Some(id_of(&id)?), None).await? == 0 {
        return Err(nothing());
    }
    Ok(HttpResponse::Accepted().finish())
}

/// Run all asynchronous calls again that were given up
#[utoipa::path(
    post,
    path = "/admin/v1/invocations/redrive",
    tag = "functions",
    security(("bearer" = [])),
    params(DeadQuery),
    responses((status = 202, description = "They are tried again", body = InvocationsCount), Problem),
)]
#[post("/invocations/redrive")]
pub(super) async fn redrive_invocations(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let query: DeadQuery = query_of(&request)?;
    let invocations = functions.redrive(None, query.function).await?;
    Ok(HttpResponse::Accepted().json(InvocationsCount { invocations }))
}

/// Remove an asynchronous call that waits or was given up
#[utoipa::path(
    delete,
    path = "/admin/v1/invocations/{id}",
    tag = "functions",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Its request id")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "None of this id waits or was given up", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[delete("/invocations/{id}")]
pub(super) async fn remove_invocation(
    caller: Caller,
    id: Path<String>,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    if functions.remove_invocation(id_of(&id)?).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(nothing()) }
}

/// Remove all asynchronous calls that were given up, or that wait
#[utoipa::path(
    delete,
    path = "/admin/v1/invocations",
    tag = "functions",
    security(("bearer" = [])),
    params(PurgeQuery),
    responses((status = 200, description = "Removed", body = InvocationsCount), Problem),
)]
#[delete("/invocations")]
pub(super) async fn purge_invocations(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<Json<InvocationsCount>, Problem> {
    caller.require_service()?;
    let query: PurgeQuery = query_of(&request)?;
    let standing = standing_of(query.state.as_deref(), &[Standing::Dead, Standing::Pending, Standing::Retrying])?;
    let standing = standing.unwrap_or(Standing::Dead);
    Ok(Json(InvocationsCount { invocations: functions.purge_invocations(query.function, standing).await? }))
}

/// The state of a query, which may be one of these.
fn standing_of(text: Option<&str>, allowed: &[Standing]) -> Result<Option<Standing>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let found = allowed.iter().find(|standing| standing.as_str() == text);
    found.copied().map(Some).ok_or_else(|| {
        let allowed: Vec<_> = allowed.iter().map(|standing| standing.as_str()).collect();
        Code::InvalidInput.because(format!("state must be one of {}", allowed.join(", ")))
    })
}

/// An id in a path; one that no call can have is one that no call has.
fn id_of(text: &str) -> Result<RequestId, Problem> {
    text.parse().map_err(|_| nothing())
}

fn nothing() -> Problem {
    Code::NotFound.because("there is no such asynchronous call: it succeeded, was removed, or never was")
}
