//! A request of Lambda's API: signature, body, and which operation it is.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, BytesMut, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Exception, Result};
use super::ops;
use crate::api::{MAX_JSON_DEPTH, PublicUrl, Seen, json_depth};
use crate::aws::{self, Check, Credential, PathStyle, Refused};
use crate::functions::FunctionsService;
use crate::telemetry::current_request_id;
use crate::types::RequestId;

/// The id of a request, as AWS's clients look for it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The longest body of an operation that brings neither code nor a payload.
const SMALL: usize = 1024 * 1024;

/// What signatures must be for.
const SERVICE: &str = "lambda";

/// A body from this length on, in bytes, is not worked on by a web worker, which others wait for.
const BIG: usize = 256 * 1024;

/// How long a body may take.
const SLOW: Duration = Duration::from_secs(60);

/// A request whose signature was checked.
pub(super) struct Call {
    pub(super) functions: FunctionsService,
    pub(super) public_url: PublicUrl,
    pub(super) id: RequestId,
    pub(super) body: Bytes,
    seen: Arc<Seen>,
}

/// Answers any request of Lambda's API.
pub(super) async fn handle(
    request: HttpRequest,
    payload: Payload,
    functions: Data<FunctionsService>,
    public_url: Data<PublicUrl>,
) -> HttpResponse {
    let id = current_request_id().unwrap_or_else(RequestId::random);
    let parts = (functions.get_ref().clone(), public_url.get_ref().clone());
    let answered = Box::pin(answer(&request, payload, parts, id)).await;
    let mut response = answered.unwrap_or_else(|exception| exception.response());
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn answer(request: &HttpRequest, payload: Payload, parts: (FunctionsService, PublicUrl), id: RequestId) -> Result {
    let (functions, public_url) = parts;
    let seen = Arc::new(Seen::of(request));
    let segments = segments(&seen.path);
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (limit, operation) = ops::body_limit(&seen.method, &path, functions.config()).unwrap_or((SMALL, "requested"));
    let (_, body) = authenticate(&seen, payload, &functions, limit, operation).await?;
    let call = Call { functions, public_url, id, body, seen };
    ops::dispatch(&call, &path).await
}

/// Checks the signature; the body is read only for a credential of a known key. Gives the key's id and the body.
pub(super) async fn authenticate(
    seen: &Arc<Seen>,
    payload: Payload,
    functions: &FunctionsService,
    limit: usize,
    operation: &str,
) -> Result<(String, Bytes)> {
    let signed = seen.signed();
    let credential = Credential::of(&signed)?;
    let check = Check { service: SERVICE, path: PathStyle::Encoded, now: functions.now() };
    check.before_body(&credential, &signed)?;
    if credential.session_token.is_some() {
        return Err(Refused::UnknownKey.into());
    }
    let key = functions.auth().access_key(&credential.access_key_id).ok_or(Refused::UnknownKey)?;
    if !key.principal.is_service() {
        return Err(Exception::denied(operation));
    }
    let body = read(payload, limit, operation).await?;
    let (now, seen, id) = (check.now, Arc::clone(seen), credential.access_key_id.clone());
    let body = apart(body.len(), move || {
        let check = Check { service: SERVICE, path: PathStyle::Encoded, now };
        aws::verify(&check, &credential, &key.secret, &seen.signed(), &body).map(|()| body)
    })
    .await??;
    Ok((id, body))
}

/// Does work on so many bytes: here, or, when they are many, on a thread that nobody waits for.
pub(super) async fn apart<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if size < BIG {
        return Ok(work());
    }
    actix_web::web::block(work).await.map_err(Exception::internal)
}

/// Reads a body, up to a limit.
pub(super) async fn read(mut payload: Payload, limit: usize, operation: &str) -> Result<Bytes> {
    let whole = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|err| Exception::content(format!("the body broke off: {err}")))?;
            if body.len() + chunk.len() > limit {
                return Err(Exception::too_large(limit, operation));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let late = |_| Exception::content(format!("the body did not arrive within {} s", SLOW.as_secs()));
    tokio::time::timeout(SLOW, whole).await.map_err(late)?
}

/// The parts of a path, split before they are decoded: a slash in a name is no slash of the path.
fn segments(path: &str) -> Vec<String> {
    let raw = path.trim_start_matches('/').trim_end_matches('/');
    raw.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

impl Call {
    pub(super) fn method(&self) -> &str {
        &self.seen.method
    }

    /// A parameter of the query, decoded; the first of that name.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.queries(name).into_iter().next()
    }

    /// Every parameter of a name.
    pub(super) fn queries(&self, name: &str) -> Vec<String> {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = self.seen.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(value)).collect()
    }

    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.seen.header(name)
    }

    /// The body as an object of the operation's; no body is one that says nothing.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        parse(&self.body)
    }

    /// The same, for bodies that may be long.
    pub(super) async fn long_json<T: DeserializeOwned + Send + 'static>(&self) -> Result<T> {
        let body = self.body.clone();
        apart(body.len(), move || parse(&body)).await?
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = if body.is_empty() { b"{}" } else { body };
    if json_depth(body) > MAX_JSON_DEPTH {
        return Err(Exception::content(format!("the body's JSON nests deeper than {MAX_JSON_DEPTH} levels")));
    }
    let reader = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(reader).map_err(|err| {
        let (field, inner) = (err.path().to_string(), err.inner());
        if inner.is_data() {
            // Within flattened structures the path is lost.
            let field = if field == "." { mistyped(body).unwrap_or(field) } else { field };
            Exception::invalid(format!("{field}: {inner}"))
        } else {
            Exception::content(format!("Could not parse request body into json: {inner}"))
        }
    })
}

/// The first field of a configuration that is of another type than it must be.
fn mistyped(body: &[u8]) -> Option<String> {
    const NUMBERS: [&str; 2] = ["Timeout", "MemorySize"];
    const OBJECTS: [&str; 3] = ["Environment", "Code", "Tags"];
    let fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let is_wrong = |(field, value): &(&String, &Value)| match field.as_str() {
        field if NUMBERS.contains(&field) => !value.is_i64(),
        field if OBJECTS.contains(&field) => !value.is_object(),
        "Layers" => !value.is_array(),
        "Publish" | "DryRun" => !value.is_boolean(),
        _ => !value.is_string(),
    };
    fields.iter().find(|pair| !pair.1.is_null() && is_wrong(pair)).map(|(field, _)| field.clone())
}
