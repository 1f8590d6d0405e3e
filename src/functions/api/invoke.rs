//! Calling a function over HTTP.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::answers::FailureAnswer;
use super::existing_name;
use super::http::request::Target;
use super::http::{body, reply, request};
use crate::api::{Code, Problem, PublicUrl};
use crate::auth::api::Caller;
use crate::auth::principal::Principal;
use crate::functions::egress::{MAX_HOPS, hops_of};
use crate::functions::{FunctionsService, Phases};
use crate::isolate::protocol::HandlerStyle;
use crate::telemetry::current_request_id;
use crate::types::{FunctionName, RequestId};

/// Call a function
///
/// Any method and any path below the name. The function sees the request with its headers, `authorization` included; the service key
/// is taken out. `Server-Timing` tells what each phase took, in milliseconds: `download` and `environment` and `init` are 0 when
/// the call is warm. The records and the lines of the call are in the function's log under the answer's `x-request-id`.
///
/// A handler that answers a `Response` whose body is a stream (and one made by `awslambda.streamifyResponse`) is answered as it writes:
/// the head first, then its chunks as fast as the client reads them. `Server-Timing` then has the time to the head, and a function that
/// fails in the middle breaks the connection. A body over 256 KiB, or of unknown length, reaches such a handler as it arrives.
///
/// A function with `verify_jwt: false` needs neither key nor token. Preflight requests of browsers are answered by the server.
#[utoipa::path(
    method(get, head, post, put, patch, delete, options),
    path = "/functions/v1/{name}",
    tag = "functions",
    security(("bearer" = []), ("apikey" = []), ()),
    params(("name" = String, Path, example = "hello")),
    request_body(description = "Whatever the function takes; at most 6 MiB, or `functions.max_streamed` where the handler takes a `Request`", content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "The function's own answer: its status, headers and content"),
        (status = 401, description = "The function needs a key or a token, or that is not valid", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such function", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "The body is over the limit", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "No place to run became free in time; see Retry-After", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "The function failed, ended, or used all its memory", body = FailureAnswer,
         headers(("x-amz-function-error" = String, description = "`Unhandled`"))),
        (status = 508, description = "The request has gone through 16 functions: one calls itself", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "The function took longer than it may", body = FailureAnswer,
         headers(("x-amz-function-error" = String, description = "`Unhandled`"))),
    ),
)]
pub(super) async fn invoke_function(
    caller: Caller,
    http: HttpRequest,
    payload: Payload,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> HttpResponse {
    if is_preflight(&http) {
        return preflight(&http);
    }
    let mut response = answer(&caller, &http, payload, &functions, &Target::of(&http, &url)).await;
    reply::with_cors(&mut response);
    response
}

/// Answers a request by a call of a function, also one that came by another path than `/functions/v1`.
pub async fn answer(
    caller: &Caller,
    http: &HttpRequest,
    payload: Payload,
    functions: &FunctionsService,
    target: &Target<'_>,
) -> HttpResponse {
    call(caller, http, payload, functions, target).await.unwrap_or_else(|problem| {
        let mut response = problem.error_response();
        reply::with_phases(&mut response, &Phases::default());
        response
    })
}

async fn call(
    caller: &Caller,
    http: &HttpRequest,
    payload: Payload,
    functions: &FunctionsService,
    target: &Target<'_>,
) -> Result<HttpResponse, Problem> {
    let id = current_request_id().unwrap_or_else(RequestId::random);
    let name: FunctionName = existing_name(target.name)?;
    let revision = functions.live(&name).await?;
    if revision.settings.verify_jwt {
        caller.require()?;
    }
    let principal = caller.principal();
    let context =
        reply::Context { request: id, version: revision.number, shows_trace: principal.is_some_and(Principal::is_service) };
    let hops = hops_of(http.headers().get("x-plinth-hops").map(HeaderValue::as_bytes));
    if hops >= MAX_HOPS {
        return Err(Code::LoopDetected.because(format!("the request has gone through {MAX_HOPS} functions: one calls itself")));
    }
    let limit = functions.config().max_streamed;
    let taken = if takes_streams(revision.package.style) {
        body::take(http, payload, limit).await?
    } else {
        body::read(payload, functions.config().max_request, "functions.max_request").await?.into()
    };
    let seen = request::seen_by_function(http, target, principal, functions.auth(), functions.now()).await;
    match functions.stream(revision, id, seen, taken.payload, hops).await {
        Ok(_) if taken.is_too_large.get() => Err(body::too_large(limit)),
        Ok(done) => Ok(reply::answer(done, &context)),
        Err(err) => Err(err.into()),
    }
}

/// Whether a handler reads a `Request`, whose body may come bit by bit; an event is whole.
const fn takes_streams(style: HandlerStyle) -> bool {
    matches!(style, HandlerStyle::DefaultFetch | HandlerStyle::DefaultFunction | HandlerStyle::DenoServe)
}

/// Whether a browser asks if it may make a request to another origin.
fn is_preflight(http: &HttpRequest) -> bool {
    let has = |name| http.headers().contains_key(name);
    http.method() == Method::OPTIONS && has(header::ORIGIN) && has(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets any origin make any request: credentials are in headers, never in cookies, so an origin has no rights of its own.
fn preflight(http: &HttpRequest) -> HttpResponse {
    let asked = http.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = asked.unwrap_or(HeaderValue::from_static("authorization, apikey, content-type, x-client-info"));
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, allowed))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "3600"))
        .insert_header((header::VARY, "access-control-request-headers"))
        .finish()
}
