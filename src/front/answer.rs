//! The answers of the static site.

use std::io;

use actix_web::body::{BoxBody, MessageBody, SizedStream};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use bytes::Bytes;

use super::coding::Coding;
use super::resource::{Content, Form, Resource};
use super::stream;
use crate::api::Code;
use crate::api::conditions::{Decision, decide};

/// A file, or what the request's conditions leave of it.
pub(super) fn file(request: &HttpRequest, resource: &Resource) -> HttpResponse {
    let is_get = request.method() == Method::GET;
    let (form, coding) = resource.choose(text(request.headers(), &header::ACCEPT_ENCODING));
    let len = form.content.len();
    let (status, first, count) = match decide(request.headers(), &form.validators(resource.modified.as_ref()), is_get) {
        Decision::Whole => (StatusCode::OK, 0, len),
        Decision::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Decision::NotModified => return validators(&mut HttpResponse::NotModified(), resource, form).finish(),
        Decision::OutOfRange => {
            let mut answer = HttpResponse::RangeNotSatisfiable();
            return answer.insert_header((header::CONTENT_RANGE, format!("bytes */{len}"))).finish();
        }
    };
    let mut answer = HttpResponse::build(status);
    validators(&mut answer, resource, form);
    describe(&mut answer, resource, coding);
    answer.insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
    if status == StatusCode::PARTIAL_CONTENT {
        answer.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{}/{len}", first + count - 1)));
    }
    answer.body(body(&form.content, first, count, is_get))
}

/// The page for what is not there; a client that asks for JSON gets a problem.
pub(super) fn not_found(request: &HttpRequest, page: Option<&Resource>) -> HttpResponse {
    let wants_json = text(request.headers(), &header::ACCEPT).is_some_and(|accept| accept.contains("json"));
    let Some(page) = page.filter(|_| !wants_json) else {
        return Code::NotFound.because("nothing is served at this path").error_response();
    };
    let (form, coding) = page.choose(text(request.headers(), &header::ACCEPT_ENCODING));
    let mut answer = HttpResponse::NotFound();
    varies(&mut answer, page);
    describe(&mut answer, page, coding);
    answer.body(body(&form.content, 0, form.content.len(), request.method() == Method::GET))
}

/// To the same path with a slash at its end, which is the folder's.
pub(super) fn with_slash(request: &HttpRequest) -> HttpResponse {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("{}/{query}", request.path());
    HttpResponse::MovedPermanently().insert_header((header::LOCATION, location)).finish()
}

/// The site is only read.
pub(super) fn method_not_allowed() -> HttpResponse {
    let mut answer = Code::MethodNotAllowed.because("what is served here is only read: use GET or HEAD").error_response();
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// A path that no well-meant client sends.
pub(super) fn malformed() -> HttpResponse {
    Code::InvalidInput.because("the path has a \"..\", a backslash, a NUL, or bytes that are not UTF-8").error_response()
}

/// The disk failed, or the process has no descriptor left.
pub(super) fn unreadable(err: &io::Error) -> HttpResponse {
    tracing::error!(error = %err, "a file of the site cannot be read: {err}");
    Code::Unavailable.because("the file cannot be read at the moment").error_response()
}

/// The headers by which a later request is compared; a 304 has them too.
fn validators<'a>(answer: &'a mut HttpResponseBuilder, resource: &Resource, form: &Form) -> &'a mut HttpResponseBuilder {
    answer.insert_header((header::ETAG, form.etag.clone()));
    if let Some(modified) = &resource.modified {
        answer.insert_header((header::LAST_MODIFIED, modified.header.clone()));
    }
    varies(answer, resource);
    answer
}

/// Tells caches that the answer depends on what the client takes.
fn varies(answer: &mut HttpResponseBuilder, resource: &Resource) {
    if !resource.packed.is_empty() {
        answer.insert_header((header::VARY, HeaderValue::from_static("accept-encoding")));
    }
}

/// The headers that say what the bytes are.
fn describe(answer: &mut HttpResponseBuilder, resource: &Resource, coding: Option<Coding>) {
    answer.insert_header((header::CONTENT_TYPE, resource.content_type.clone()));
    answer.insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
    if let Some(coding) = coding {
        answer.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static(coding.name())));
    }
}

/// `count` bytes from `first` on; for HEAD only their number.
fn body(content: &Content, first: u64, count: u64, is_get: bool) -> BoxBody {
    match content {
        _ if !is_get => SizedStream::new(count, futures_util::stream::empty::<io::Result<Bytes>>()).boxed(),
        Content::Memory(bytes) => {
            // In memory, so its length fits a usize.
            let range = usize::try_from(first).unwrap_or(0)..usize::try_from(first + count).unwrap_or(bytes.len());
            bytes.slice(range).boxed()
        }
        Content::File { file, .. } => stream::body(file.clone(), first, count).boxed(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
