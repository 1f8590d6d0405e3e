//! Calls with an event.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::functions::egress::{MAX_HOPS, hops_of};
use crate::functions::{Body, Done, Event, Failure, MAX_EVENT, Reply};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;

/// The longest client context, in bytes of base64, as AWS Lambda has it.
const CLIENT_CONTEXT: usize = 3583;

/// The body of the answer when the function failed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LambdaFunctionError)]
pub(in crate::lambda) struct FailureBody<'a> {
    /// The class of what was thrown, or `Runtime.…`, `Sandbox.…`, `Function.…`.
    #[schema(example = "TypeError")]
    error_type: &'a str,
    #[schema(example = "x is not a function")]
    error_message: &'a str,
    /// The stack, where there is one to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a [String]>,
}

/// Invoke a function
///
/// The body is the event, any JSON; without one the event is `{}`. The answer's body is what the handler gave. When the function
/// failed the status is 200 too, and `X-Amz-Function-Error` is `Unhandled`.
#[utoipa::path(
    post,
    path = "/2015-03-31/functions/{function}/invocations",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
        ("X-Amz-Invocation-Type" = Option<String>, Header, description = "`RequestResponse`, `Event` (asynchronous) or `DryRun`"),
        ("X-Amz-Log-Type" = Option<String>, Header, description = "`Tail`: the last 4 KB of the log come with the answer"),
        ("X-Amz-Client-Context" = Option<String>, Header, description = "JSON in base64: `context.clientContext`"),
    ),
    request_body(description = "The event", content((Object = "application/json"))),
    responses(
        (status = 200, description = "What the handler gave, or how it failed", body = FailureBody,
         headers(
            ("x-amz-function-error" = String, description = "`Unhandled`, when the function failed"),
            ("x-amz-executed-version" = String, description = "The version that ran"),
            ("x-amz-log-result" = String, description = "The end of the log, in base64"),
         )),
        (status = 202, description = "`Event`: the call is stored and will be made; it is tried again when it fails"),
        (status = 204, description = "`DryRun`: the call would be made"),
        (status = 400, description = "The event is not JSON, or a parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
        (status = 413, description = "The event is over 6 MiB, or over 1 MiB for `Event`", body = ExceptionBody),
        (status = 429, description = "No place to run is free; see Retry-After", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn invoke_lambda(call: &Call, function: Reference) -> Result {
    let hops = hops_of(call.header("x-plinth-hops").map(str::as_bytes));
    if hops >= MAX_HOPS {
        return Err(Exception::recursive());
    }
    let kind = call.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let wants_log = match call.header("x-amz-log-type") {
        None | Some("None") => false,
        Some("Tail") => true,
        Some(other) => {
            let rule = "Member must satisfy enum value set: [None, Tail]";
            return Err(crate::lambda::rules::constraint(other, "logType", rule));
        }
    };
    match kind {
        "RequestResponse" | "DryRun" | "Event" => {}
        other => {
            let rule = "Member must satisfy enum value set: [Event, RequestResponse, DryRun]";
            return Err(crate::lambda::rules::constraint(other, "invocationType", rule));
        }
    }
    if kind == "Event" {
        if call.body.len() > MAX_EVENT {
            return Err(Exception::too_large(MAX_EVENT, "InvokeFunction"));
        }
        let event = Event { payload: payload(&call.body)?, client_context: client_context(call)?, wants_log: false, hops };
        call.functions.accept(&function.name, function.qualifier, call.id, event).await?;
        return Ok(HttpResponse::Accepted().finish());
    }
    let target = call.functions.target(&function.name, function.qualifier.as_ref()).await?;
    if kind == "DryRun" {
        return Ok(HttpResponse::NoContent().finish());
    }
    let event = Event { payload: payload(&call.body)?, client_context: client_context(call)?, wants_log, hops };
    let version = target.revision.version_name();
    let done = call.functions.invoke_event(target, call.id, event).await?;
    answer(done, &version)
}

/// The event: JSON, checked.
fn payload(body: &Bytes) -> Result<Bytes> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    serde_json::from_slice::<IgnoredAny>(body)
        .map_err(|err| Exception::content(format!("Could not parse request body into json: {err}")))?;
    Ok(body.clone())
}

/// `X-Amz-Client-Context` as JSON.
fn client_context(call: &Call) -> Result<Option<String>> {
    let Some(header) = call.header("x-amz-client-context").filter(|header| !header.is_empty()) else { return Ok(None) };
    let wrong = || {
        let message = format!("Client context must be a valid Base64-encoded JSON object of at most {CLIENT_CONTEXT} bytes.");
        Exception::content(message)
    };
    if header.len() > CLIENT_CONTEXT {
        return Err(wrong());
    }
    let json = STANDARD.decode(header).map_err(|_| wrong())?;
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&json).map_err(|_| wrong())?;
    String::from_utf8(json).map(Some).map_err(|_| wrong())
}

fn answer(done: Done, version: &str) -> Result {
    let Done { result, log, phases, .. } = done;
    let mut response = HttpResponse::build(StatusCode::OK);
    response.content_type("application/json").insert_header(("x-amz-executed-version", version));
    response.insert_header(("server-timing", phases.server_timing()));
    if let Some(log) = log {
        response.insert_header(("x-amz-log-result", STANDARD.encode(log)));
    }
    match result {
        Ok(Reply { body: Body::Whole(body), .. }) => Ok(response.body(body)),
        // An event's answer was asked for whole.
        Ok(Reply { body: Body::Streamed(_), .. }) => Err(Exception::internal("a whole answer was streamed")),
        Err(failure) => {
            response.insert_header(("x-amz-function-error", "Unhandled"));
            Ok(response.body(serde_json::to_vec(&failure_body(&failure)).map_err(Exception::internal)?))
        }
    }
}

/// The failure in AWS's shape: what the platform itself found has no trace.
fn failure_body(failure: &Failure) -> FailureBody<'_> {
    let error = &failure.error;
    let platform = ["Sandbox.", "Function.", "Runtime."].iter().any(|prefix| error.error_type.starts_with(prefix));
    let trace = (!platform || !error.trace.is_empty()).then_some(error.trace.as_slice());
    FailureBody { error_type: &error.error_type, error_message: &error.message, trace }
}
