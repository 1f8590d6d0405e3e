//! Function URLs: `/lambda-url/{id}/…` calls the function that has the URL with the request as its event (payload 2.0).

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::error::Exception;
use super::request;
use crate::api::{PublicUrl, Seen};
use crate::functions::api::{headers, reply_of, without_service_key};
use crate::functions::model::{ACCOUNT, AuthType, Cors, FunctionUrl, Policy};
use crate::functions::{Error, FunctionsService};
use crate::isolate::protocol;
use crate::telemetry::current_request_id;
use crate::types::RequestId;

/// Where function URLs begin.
pub(super) const PREFIX: &str = "/lambda-url";

/// Why a URL does not answer: the status, the exception's name and text, and what was exceeded.
struct Refusal(StatusCode, &'static str, String, Option<&'static str>);

/// Call a function by its URL
///
/// Any method and any path below the URL. Who may call is the URL's `AuthType`: with `AWS_IAM` the request is signed for the service
/// `lambda`; with `NONE` anybody may, if the function's policy says so. Preflight requests of browsers are answered by the server, as the
/// URL's `Cors` says.
#[utoipa::path(
    method(get, head, post, put, patch, delete, options),
    path = "/lambda-url/{id}/{path}",
    operation_id = "call_function_url",
    tag = "lambda",
    security((), ("sigv4" = [])),
    params(("id" = String, Path), ("path" = String, Path)),
    request_body(description = "Whatever the function takes; at most 6 MiB", content((Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, description = "The function's own answer: its status, headers and content"),
        (status = 403, description = "Who calls may not", body = super::error::ExceptionBody),
        (status = 404, description = "There is no such URL", body = super::error::ExceptionBody),
        (status = 429, description = "No place to run is free; see Retry-After, and Reason for the limit", body = super::error::ExceptionBody),
        (status = 502, description = "The function failed"),
    ),
)]
pub(super) async fn handle(
    http: HttpRequest,
    payload: Payload,
    functions: Data<FunctionsService>,
    public_url: Data<PublicUrl>,
) -> HttpResponse {
    let id = current_request_id().unwrap_or_else(RequestId::random);
    let parts = (functions.get_ref().clone(), public_url.get_ref().clone());
    let mut response = Box::pin(answer(&http, payload, parts, id)).await.unwrap_or_else(Refusal::response);
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(request::REQUEST_ID, value);
    }
    response
}

async fn answer(
    http: &HttpRequest,
    payload: Payload,
    (functions, public_url): (FunctionsService, PublicUrl),
    id: RequestId,
) -> Result<HttpResponse, Refusal> {
    let below = http.uri().path().strip_prefix(PREFIX).unwrap_or_default().trim_start_matches('/');
    let (url_id, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
    let found = functions.find_url(url_id).await?.ok_or_else(Refusal::unknown)?;
    let (url, policy) = found;
    let origin = http.headers().get(header::ORIGIN).cloned();
    if let (Some(cors), Some(origin)) = (&url.cors, &origin)
        && http.method() == Method::OPTIONS
        && http.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        return Ok(preflight(cors, origin));
    }
    let called = Box::pin(call(http, payload, (&functions, &public_url), (&url, policy), id, rest)).await;
    let mut response = called.unwrap_or_else(Refusal::response);
    if let (Some(cors), Some(origin)) = (&url.cors, &origin) {
        allow(cors, origin, response.headers_mut());
    }
    Ok(response)
}

async fn call(
    http: &HttpRequest,
    payload: Payload,
    (functions, public_url): (&FunctionsService, &PublicUrl),
    (url, policy): (&FunctionUrl, Option<Arc<Policy>>),
    id: RequestId,
    rest: &str,
) -> Result<HttpResponse, Refusal> {
    let (limit, seen) = (functions.config().max_request, Arc::new(Seen::of(http)));
    let (caller, body) = match url.auth_type {
        AuthType::AwsIam => {
            let (key, body) = request::authenticate(&seen, payload, functions, limit, "InvokeFunctionUrl").await?;
            (Some(key), body)
        }
        AuthType::None => {
            if !policy.is_some_and(|policy| policy.lets_anybody_call_urls()) {
                return Err(Refusal::forbidden());
            }
            (None, request::read(payload, limit, "InvokeFunctionUrl").await?)
        }
    };
    let target = functions.target(&url.function, url.qualifier().as_ref()).await?;
    let event = event_of(http, (public_url, functions), url, caller, rest).await;
    let done = functions.invoke_http(target, id, event, body).await?;
    match done.result.map_err(|failure| failure.error.message).and_then(reply_of) {
        Ok(response) => Ok(response),
        // What went wrong is in the function's log; a stranger is not told.
        Err(_) => Ok(HttpResponse::BadGateway().content_type("text/plain; charset=utf-8").body("Internal Server Error")),
    }
}

/// The request as the function shall see it: less the signature, and less a service key.
async fn event_of(
    http: &HttpRequest,
    (public_url, functions): (&PublicUrl, &FunctionsService),
    url: &FunctionUrl,
    caller: Option<String>,
    rest: &str,
) -> protocol::HttpRequest {
    let raw_path = http.uri().path();
    let query = without_service_key(http.query_string(), functions.auth()).await;
    let mut headers = headers(http.headers(), functions.auth()).await;
    headers.retain(|(name, value)| name != "authorization" || !value.starts_with("AWS4-"));
    let question = if query.is_empty() { "" } else { "?" };
    let mut context = json!({
        "accountId": "anonymous",
        "apiId": url.url_id,
        "domainPrefix": url.url_id,
        "http": {
            "method": http.method().as_str(),
            "path": if rest.is_empty() { "/" } else { rest },
            "protocol": match http.version() {
                actix_web::http::Version::HTTP_2 => "HTTP/2.0",
                actix_web::http::Version::HTTP_10 => "HTTP/1.0",
                _ => "HTTP/1.1",
            },
            "sourceIp": http.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default(),
            "userAgent": http.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
        },
    });
    if let Some(key) = caller {
        context["accountId"] = json!(ACCOUNT);
        context["authorizer"] = json!({ "iam": {
            "accessKey": key,
            "accountId": ACCOUNT,
            "callerId": key,
            "cognitoIdentity": null,
            "principalOrgId": null,
            "userArn": format!("arn:aws:iam::{ACCOUNT}:root"),
            "userId": ACCOUNT,
        } });
    }
    protocol::HttpRequest {
        method: http.method().as_str().to_owned(),
        url: format!("{}{raw_path}{question}{query}", public_url.0),
        path: if rest.is_empty() { "/".to_owned() } else { rest.to_owned() },
        query,
        headers,
        source_ip: http.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default(),
        time_ms: functions.now().millis(),
        claims: Value::Null,
        request_context: context,
    }
}

/// Answers a browser that asks whether it may call.
fn preflight(cors: &Cors, origin: &HeaderValue) -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    let headers = response.headers_mut();
    if allow(cors, origin, headers) {
        let lists = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            if let Ok(value) = HeaderValue::from_str(&list.join(",")) {
                headers.insert(name, value);
            }
        }
        if let Some(age) = cors.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age));
        }
    }
    response
}

/// Lets scripts of an origin read an answer, if the configuration says so; what the function says of it is replaced.
fn allow(cors: &Cors, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
    let stars = cors.allow_origins.iter().any(|allowed| allowed == "*");
    let named = cors.allow_origins.iter().any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes()));
    if !stars && !named {
        return false;
    }
    let value = if stars && cors.allow_credentials != Some(true) { HeaderValue::from_static("*") } else { origin.clone() };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if cors.allow_credentials == Some(true) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if !cors.expose_headers.is_empty()
        && let Ok(value) = HeaderValue::from_str(&cors.expose_headers.join(","))
    {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, value);
    }
    true
}

impl Refusal {
    fn unknown() -> Self {
        Self(StatusCode::NOT_FOUND, "ResourceNotFoundException", "There is no such function URL".to_owned(), None)
    }

    fn forbidden() -> Self {
        let message = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                       https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";
        Self(StatusCode::FORBIDDEN, "AccessDeniedException", message.to_owned(), None)
    }

    fn response(self) -> HttpResponse {
        let Self(status, name, message, reason) = self;
        let mut response = HttpResponse::build(status);
        if Exception::is_passing(status) {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        let mut body = json!({ "Message": message });
        if let Some(reason) = reason {
            body["Reason"] = json!(reason);
        }
        response.insert_header(("x-amzn-errortype", name)).json(body)
    }
}

impl From<Exception> for Refusal {
    fn from(exception: Exception) -> Self {
        // Which part of a signature is wrong is told to nobody who has not signed.
        if exception.status() == StatusCode::FORBIDDEN {
            return Self::forbidden();
        }
        let status = exception.status();
        let (name, message, reason) = exception.into_parts();
        Self(status, name, message, reason)
    }
}

impl From<Error> for Refusal {
    fn from(err: Error) -> Self {
        Exception::from(err).into()
    }
}
