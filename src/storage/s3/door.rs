//! The door: a request's way to s3s and its answer's way back. actix speaks `http` 0.2 and s3s `http` 1, and s3s knows no base path.

use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;

use super::PREFIX;
use super::fault::{Fault, answer};
use super::identify::identify;
use super::intake::{Intake, Received, channel, drain};
use super::surface::{Session, Surface};
use crate::api::Seen;
use crate::auth::AuthService;
use crate::storage::StorageService;
use crate::telemetry::current_request_id;
use crate::types::RequestId;

/// Bytes of a body in XML: a thousand names of the longest kind, or ten thousand parts with their checksums.
const MAX_XML: usize = 8 * 1024 * 1024;

/// Bytes of an error's answer.
const MAX_ERROR: usize = 64 * 1024;

/// The id of a request, as AWS's clients look for it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// Headers of a request that are not handed on: they were about the signature, or about this connection.
const KEPT_BACK: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "range",
    "transfer-encoding",
    "upgrade",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-security-token",
    "x-amz-trailer",
];

/// Parameters of a query that are the signature's.
const SIGNATURE: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Storage by S3's protocol. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    service: S3Service,
    storage: StorageService,
    auth: AuthService,
}

/// Names of buckets are looked at by [`crate::storage::model::BucketName`].
struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, _: &str) -> bool {
        true
    }
}

impl Door {
    /// The door to a storage, for those whom this knows.
    #[must_use]
    pub fn new(storage: StorageService, auth: AuthService) -> Self {
        let mut config = S3Config::default();
        config.xml_max_body_size = MAX_XML;
        let mut builder = S3ServiceBuilder::new(Surface::new(storage.clone()));
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_validation(AnyName);
        Self { service: builder.build(), storage, auth }
    }

    async fn answer(&self, seen: &Seen, payload: &mut Payload, resource: (&str, &str)) -> Result<HttpResponse, Fault> {
        let identified = identify(seen, &self.auth, self.storage.now()).await?;
        let is_form = seen.method == "POST"
            && seen.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
        if is_form {
            return Err(Fault::not_implemented("uploading by an HTML form (POST Object)"));
        }
        let presigned = identified.presigned;
        let received = Arc::new(Received::default());
        let session =
            Session { caller: identified.caller.clone(), region: identified.region.clone(), received: Arc::clone(&received) };
        let intake = Intake::of(seen, identified)?;
        let (to, body) = channel();
        let request = onward(seen, presigned, session, body)?;
        let call = self.service.call(request);
        let pump = intake.pump(payload, to, received);
        tokio::pin!(call, pump);
        // The operation may be done before the body is: it was refused, or takes none.
        let (called, pumped) = tokio::select! {
            biased;
            called = &mut call => (called, Ok(())),
            pumped = &mut pump => ((&mut call).await, pumped),
        };
        let response = called.map_err(|err| Fault::internal(s3s::StdError::from(err)))?;
        // What was wrong with the body is said, not what that did to the operation.
        if response.status().is_server_error() || response.status().is_client_error() {
            pumped?;
        }
        back(response, seen.method == "HEAD", resource).await
    }
}

/// Answers any request below the door's path.
pub(super) async fn handle(request: HttpRequest, mut payload: Payload, door: Data<Door>) -> HttpResponse {
    let id = current_request_id().unwrap_or_else(RequestId::random).to_string();
    let seen = Seen::of(&request);
    let resource = percent_decode_str(seen.path.strip_prefix(PREFIX).unwrap_or(&seen.path)).decode_utf8_lossy().into_owned();
    let answered = Box::pin(door.answer(&seen, &mut payload, (&resource, &id))).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(fault) => fault.response(&resource, &id),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        drain(&mut payload).await;
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The request as s3s takes it: without the door's path and all of the signature.
fn onward(seen: &Seen, presigned: bool, session: Session, body: s3s::Body) -> Result<s3s::HttpRequest, Fault> {
    let invalid = || Fault::new(400, "InvalidURI", "Couldn't parse the specified URI.");
    let path = seen.path.strip_prefix(PREFIX).ok_or_else(invalid)?;
    let (mut query, mut hoisted) = (Vec::new(), Vec::new());
    for pair in seen.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
        if !presigned || !name.starts_with("x-amz-") {
            query.push(pair);
        } else if !SIGNATURE.contains(&name.as_str()) {
            // Who presigns puts headers into the query, where they are signed.
            hoisted.push((name, percent_decode_str(value).decode_utf8_lossy().into_owned()));
        }
    }
    let path = if path.is_empty() { "/" } else { path };
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    let mut request = http::Request::new(body);
    *request.method_mut() = seen.method.parse().map_err(|_| invalid())?;
    *request.uri_mut() = target.parse().map_err(|_| invalid())?;
    hoisted.retain(|(name, _)| seen.header(name).is_none());
    let length = seen.header("x-amz-decoded-content-length").or(seen.header("content-length"));
    let length = length.map(|length| ("content-length".to_owned(), length.to_owned()));
    // S3 passes over what it cannot read of a range.
    let range = seen.header("range").filter(|range| s3s::dto::Range::parse(range).is_ok());
    let range = range.map(|range| ("range".to_owned(), range.to_owned()));
    let plain = seen.headers.iter().filter(|(name, _)| !KEPT_BACK.contains(&name.as_str()));
    for (name, value) in plain.cloned().chain(hoisted).chain(length).chain(range) {
        let value = if name == "content-encoding" { without_chunks(&value) } else { value };
        if value.is_empty() && name == "content-encoding" {
            continue;
        }
        let name = http::HeaderName::try_from(name).map_err(|_| invalid())?;
        let value = http::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
        request.headers_mut().append(name, value);
    }
    request.extensions_mut().insert(session);
    Ok(request)
}

/// A body's encodings without the one that is of its way here.
fn without_chunks(encodings: &str) -> String {
    let kept = encodings.split(',').map(str::trim).filter(|encoding| !encoding.eq_ignore_ascii_case("aws-chunked"));
    kept.collect::<Vec<_>>().join(",")
}

/// The answer as actix takes it.
async fn back(response: s3s::HttpResponse, is_head: bool, resource: (&str, &str)) -> Result<HttpResponse, Fault> {
    let (parts, body) = response.into_parts();
    let mut status = StatusCode::from_u16(parts.status.as_u16()).map_err(Fault::internal)?;
    // s3s leaves it out of what it answers to HEAD.
    if status == StatusCode::OK && parts.headers.contains_key(http::header::CONTENT_RANGE) {
        status = StatusCode::PARTIAL_CONTENT;
    }
    let is_refused = status.is_client_error() || status.is_server_error();
    let mut answered = if is_refused && !is_head {
        refused(status, body, resource).await?
    } else {
        let mut answered = HttpResponse::build(status);
        let length = parts.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        match (length, body.bytes()) {
            _ if is_refused || status == StatusCode::NOT_MODIFIED || status == StatusCode::NO_CONTENT => answered.finish(),
            (Some(length), _) if is_head => answered.body(SizedStream::new(length, nothing())),
            (_, Some(bytes)) => answered.body(bytes),
            (Some(length), None) => answered.body(SizedStream::new(length, TryStreamExt::map_err(body, plainly))),
            (None, None) => answered.streaming(TryStreamExt::map_err(body, plainly)),
        }
    };
    for (name, value) in &parts.headers {
        if name == http::header::CONTENT_LENGTH || (is_refused && name == http::header::CONTENT_TYPE) {
            continue;
        }
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(Fault::internal)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(Fault::internal)?;
        answered.headers_mut().insert(name, value);
    }
    Ok(answered)
}

/// What actix takes of why bytes break off.
fn plainly(err: s3s::StdError) -> Box<dyn std::error::Error> {
    err
}

fn nothing() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + 'static {
    futures_util::stream::empty()
}

/// A refusal of s3s, with what it leaves out of one.
async fn refused(status: StatusCode, body: s3s::Body, resource: (&str, &str)) -> Result<HttpResponse, Fault> {
    let bytes = Limited::new(body, MAX_ERROR).collect().await.map_err(Fault::internal)?.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let between = |tag: &str| {
        let rest = &text[text.find(&format!("<{tag}>"))? + tag.len() + 2..];
        rest.find(&format!("</{tag}>")).map(|end| &rest[..end])
    };
    let code = between("Code").unwrap_or("InternalError");
    Ok(answer(status, code, between("Message").unwrap_or_else(|| words(code)), resource))
}

/// What is said of a code without words of its own.
fn words(code: &str) -> &'static str {
    match code {
        "NotImplemented" => {
            "A header you provided implies functionality that is not implemented; see docs/storage.md for what is"
        }
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MethodNotAllowed" => "The specified method is not allowed against this resource",
        "InvalidURI" => "Couldn't parse the specified URI",
        "KeyTooLongError" => "Your key is too long",
        "MissingContentLength" => "You must provide the Content-Length HTTP header",
        "MaxMessageLengthExceeded" => "Your request was too big",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length HTTP header",
        _ => "The request was refused",
    }
}
