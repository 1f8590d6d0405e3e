//! A call's answer as HTTP. The head comes from a worker, which is not to be trusted: what is not valid HTTP, or is the server's
//! to say, does not get through.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::request::HOP_BY_HOP;
use crate::functions::api::answers::FailureAnswer;
use crate::functions::metering::Phases;
use crate::functions::{Body, Details, Done, Failure, Outcome, Reply};
use crate::isolate::protocol::{self, FunctionError};
use crate::types::RequestId;

/// The times of a call's phases.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The revision that was called.
const VERSION: HeaderName = HeaderName::from_static("x-plinth-function-version");

/// Says that the function failed, as AWS Lambda does.
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");

/// Headers that the server alone sets.
const OWN: [&str; 5] = ["content-length", "server-timing", "x-amz-function-error", "x-plinth-function-version", "x-request-id"];

/// The most that an answer's headers may have together, in bytes, and how many there may be.
const HEADER_BYTES: usize = 64 * 1024;
const HEADERS: usize = 256;

/// What the answer of a call needs beside the call.
pub(in crate::functions::api) struct Context {
    pub(in crate::functions::api) request: RequestId,
    pub(in crate::functions::api) version: i64,
    /// Whether the caller may see the function's stack.
    pub(in crate::functions::api) shows_trace: bool,
}

/// The answer to a call that was made.
pub(in crate::functions::api) fn answer(done: Done, context: &Context) -> HttpResponse {
    let Done { result, phases, .. } = done;
    let mut response = match result.and_then(|reply| reply_of(reply).map_err(bad_reply)) {
        Ok(response) => response,
        Err(failure) => failed(&failure, context),
    };
    response.headers_mut().insert(VERSION, HeaderValue::from(context.version));
    with_phases(&mut response, &phases);
    response
}

/// Adds the times of the phases.
pub(in crate::functions::api) fn with_phases(response: &mut HttpResponse, phases: &Phases) {
    if let Ok(value) = HeaderValue::from_str(&phases.server_timing()) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
}

/// Lets scripts of any origin read the answer, unless the function says otherwise.
pub(in crate::functions::api) fn with_cors(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if !headers.contains_key(header::ACCESS_CONTROL_EXPOSE_HEADERS) {
        let exposed = "server-timing, x-request-id, x-plinth-function-version, x-amz-function-error, retry-after";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
}

/// The function's own response.
///
/// # Errors
/// What is wrong with it, in words for the function's author.
pub fn reply_of(reply: Reply) -> Result<HttpResponse, String> {
    let Reply { http, body } = reply;
    let protocol::HttpResponse { status, headers } = http.ok_or("the answer to a request has no head")?;
    let status = StatusCode::from_u16(status).ok().filter(|_| (200..=599).contains(&status));
    let status = status.ok_or("the response's status is not one of 200 to 599")?;
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > HEADER_BYTES || headers.len() > HEADERS {
        return Err(format!("the response's headers are more than {HEADERS}, or longer than {HEADER_BYTES} bytes"));
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "the response has a header whose name is not valid")?;
        let value = HeaderValue::from_str(&value).map_err(|_| format!("the response's header {name} is not valid"))?;
        if !HOP_BY_HOP.contains(&name.as_str()) && !OWN.contains(&name.as_str()) {
            response.append_header((name, value));
        }
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(response.finish());
    }
    Ok(match body {
        Body::Whole(bytes) => response.body(bytes),
        Body::Streamed(download) => response.streaming(download),
    })
}

fn bad_reply(message: String) -> Failure {
    let error = FunctionError { error_type: "Function.InvalidResponse".to_owned(), message, trace: Vec::new() };
    Failure { error, outcome: Outcome::Error, details: Details::of_handler() }
}

fn failed(failure: &Failure, context: &Context) -> HttpResponse {
    let timed_out = failure.outcome == Outcome::Timeout;
    let status = if timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    let trace = context.shows_trace.then_some(failure.error.trace.as_slice());
    let body = FailureAnswer {
        error_type: &failure.error.error_type,
        message: &failure.error.message,
        request_id: context.request,
        trace,
        details: &failure.details,
    };
    HttpResponse::build(status).insert_header((FUNCTION_ERROR, "Unhandled")).json(body)
}
