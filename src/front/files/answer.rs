//! The answers that files become.

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

/// Which of a file's forms is sent.
pub(super) struct Chosen<'c> {
    pub(super) form: &'c Form,
    pub(super) coding: Option<Coding>,
    /// Whether another client may be sent another form.
    pub(super) varies: bool,
}

/// A file, or what the request's conditions leave of it.
pub(super) fn file(request: &HttpRequest, resource: &Resource, chosen: &Chosen<'_>) -> HttpResponse {
    let is_get = request.method() == Method::GET;
    let form = chosen.form;
    let len = form.content.len();
    let (status, first, count) = match decide(request.headers(), &form.validators(resource.modified.as_ref()), is_get) {
        Decision::Whole => (StatusCode::OK, 0, len),
        Decision::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Decision::NotModified => return validators(&mut HttpResponse::NotModified(), resource, chosen).finish(),
        Decision::OutOfRange => {
            let mut answer = HttpResponse::RangeNotSatisfiable();
            return answer.insert_header((header::CONTENT_RANGE, format!("bytes */{len}"))).finish();
        }
    };
    let mut answer = HttpResponse::build(status);
    validators(&mut answer, resource, chosen);
    describe(&mut answer, resource, chosen.coding);
    answer.insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")));
    if status == StatusCode::PARTIAL_CONTENT {
        answer.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{}/{len}", first + count - 1)));
    }
    answer.body(body(&form.content, first, count, is_get))
}

/// The page for what is not there; a client that asks for JSON gets a problem.
pub(super) fn not_found(request: &HttpRequest, page: Option<&Resource>) -> HttpResponse {
    match page.filter(|_| !wants_json(request)) {
        Some(page) => with_page(request, HttpResponse::NotFound().finish(), page),
        None => Code::NotFound.because("nothing is served at this path").error_response(),
    }
}

/// An answer with a page in the place of its body: status and headers stay, but for those that told of the body.
pub(super) fn with_page(request: &HttpRequest, answer: HttpResponse, page: &Resource) -> HttpResponse {
    let (form, coding) = page.choose(text(request.headers(), &header::ACCEPT_ENCODING));
    let (mut answer, _) = answer.into_parts();
    let headers = answer.headers_mut();
    let of_the_body = [
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_LANGUAGE,
        header::ETAG,
        header::LAST_MODIFIED,
        header::ACCEPT_RANGES,
    ];
    for name in of_the_body {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_TYPE, page.content_type.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !page.packed.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    answer.set_body(body(&form.content, 0, form.content.len(), request.method() == Method::GET))
}

/// Whether a client reads JSON rather than pages.
pub(super) fn wants_json(request: &HttpRequest) -> bool {
    text(request.headers(), &header::ACCEPT).is_some_and(|accept| accept.contains("json"))
}

/// To the same path with a slash at its end, which is the folder's.
pub(super) fn with_slash(request: &HttpRequest) -> HttpResponse {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // A path that begins with two slashes would be another host's.
    let location = format!("/{}/{query}", request.path().trim_start_matches('/'));
    HttpResponse::MovedPermanently().insert_header((header::LOCATION, location)).finish()
}

/// The site is only read.
pub(super) fn method_not_allowed() -> HttpResponse {
    let mut answer = Code::MethodNotAllowed.because("what is served here is only read: use GET or HEAD").error_response();
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// A path that no well-meant client sends.
pub(in crate::front) fn malformed() -> HttpResponse {
    Code::InvalidInput
        .because("the path has a \"..\", a backslash, a control character, or bytes that are not UTF-8")
        .error_response()
}

/// The disk failed, or the process has no descriptor left.
pub(super) fn unreadable(err: &io::Error) -> HttpResponse {
    tracing::error!(error = %err, "a file of the site cannot be read: {err}");
    Code::Unavailable.because("the file cannot be read at the moment").error_response()
}

/// The headers by which a later request is compared; a 304 has them too.
fn validators<'a>(answer: &'a mut HttpResponseBuilder, resource: &Resource, chosen: &Chosen<'_>) -> &'a mut HttpResponseBuilder {
    answer.insert_header((header::ETAG, chosen.form.etag.clone()));
    if let Some(modified) = &resource.modified {
        answer.insert_header((header::LAST_MODIFIED, modified.header.clone()));
    }
    if chosen.varies {
        answer.insert_header((header::VARY, HeaderValue::from_static("accept-encoding")));
    }
    answer
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

/// A header's value, when it is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
