//! Downloading objects.

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::error::{ApiError, ErrorBody};
use super::{Who, caller, path};
use crate::api::conditions::{Decision, Modified, Validators, decide};
use crate::blob;
use crate::storage::StorageService;
use crate::storage::model::{Object, is_active};

/// What RFC 8187 lets stand in a parameter's value.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How an object is sent.
#[derive(Default, Deserialize)]
pub(super) struct Manner {
    /// Whether it is to be saved: under this name, or its own when this is empty.
    download: Option<String>,
}

/// Download an object
///
/// One that the caller may see, or any of a public bucket.
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("download" = Option<String>, Query, description = "Have browsers save it, under this name"),
        ("range" = Option<String>, Header, description = "A part of the bytes", example = "bytes=0-1023"),
        ("if-none-match" = Option<String>, Header, description = "The entity tag of a copy"),
    ),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream",
         headers(("etag" = String, description = "Names exactly these bytes"), ("cache-control" = String, description = "As it was uploaded"))),
        (status = 206, description = "The part of the bytes that was asked for", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy is good"),
        (status = 400, description = "`NoSuchKey`, also when it is not for the caller; `NoSuchBucket`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
        (status = 416, description = "`InvalidRange`: the part lies outside", body = ErrorBody),
    ),
)]
pub(super) async fn download_object(
    who: Who,
    request: HttpRequest,
    manner: Query<Manner>,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    seen(&who, &request, "object/", (&manner, &storage)).await.map_err(|err| err.to(&request))
}

/// Download an object, as a signed-in user
///
/// The same as without `authenticated` in the path.
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/authenticated/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("download" = Option<String>, Query, description = "Have browsers save it, under this name"),
    ),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part of the bytes that was asked for", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy is good"),
        (status = 400, description = "`NoSuchKey`, `NoSuchBucket`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
        (status = 416, description = "`InvalidRange`", body = ErrorBody),
    ),
)]
pub(super) async fn download_authenticated(
    who: Who,
    request: HttpRequest,
    manner: Query<Manner>,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    seen(&who, &request, "object/authenticated/", (&manner, &storage)).await.map_err(|err| err.to(&request))
}

async fn seen(
    who: &Who,
    request: &HttpRequest,
    after: &str,
    (manner, storage): (&Manner, &StorageService),
) -> Result<HttpResponse, ApiError> {
    let object = storage.find(&caller(who)?, &path::object(request, after)?).await?;
    send(storage, request, object, manner).await
}

/// Download an object of a public bucket
///
/// Needs no key.
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/public/{bucket}/{name}",
    tag = "storage",
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("download" = Option<String>, Query, description = "Have browsers save it, under this name"),
    ),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part of the bytes that was asked for", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy is good"),
        (status = 400, description = "`NoSuchBucket`, also when it is not public; `NoSuchKey`, `InvalidKey`", body = ErrorBody),
        (status = 416, description = "`InvalidRange`", body = ErrorBody),
    ),
)]
pub(super) async fn download_public(
    request: HttpRequest,
    manner: Query<Manner>,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let found = async { Ok::<_, ApiError>(storage.find_public(&path::object(&request, "object/public/")?).await?) };
    let object = found.await.map_err(|err| err.to(&request))?;
    send(&storage, &request, object, &manner).await
}

/// Sends an object, or what the request's conditions leave of it.
pub(super) async fn send(
    storage: &StorageService,
    request: &HttpRequest,
    object: Object,
    manner: &Manner,
) -> Result<HttpResponse, ApiError> {
    let etag = HeaderValue::try_from(object.etag()).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let modified = Modified::new(object.last_modified().to_chrono().into());
    let of = Validators { etag: &etag, modified: Some(&modified), len: object.size() };
    let is_get = request.method() == Method::GET;
    let mut answer = HttpResponse::build(StatusCode::OK);
    answer.insert_header((header::ETAG, etag.clone())).insert_header((header::LAST_MODIFIED, modified.header.clone()));
    if let Some(control) = object.known("cacheControl") {
        answer.insert_header((header::CACHE_CONTROL, control));
    }
    let range = match decide(request.headers(), &of, is_get) {
        Decision::Whole => 0..object.size(),
        Decision::Part { first, last } => {
            let range = format!("bytes {first}-{last}/{}", object.size());
            answer.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, range));
            first..last + 1
        }
        Decision::NotModified => return Ok(answer.status(StatusCode::NOT_MODIFIED).finish()),
        Decision::OutOfRange => return Ok(out_of_range(object.size())),
    };
    describe(&mut answer, &object, manner, storage.config().active_inline);
    let len = range.end - range.start;
    if !is_get {
        return Ok(answer.body(SizedStream::new(len, futures_util::stream::empty::<Result<Bytes, blob::Error>>())));
    }
    let opened = storage.open(object, Some(range)).await?;
    Ok(answer.body(SizedStream::new(len, opened.bytes)))
}

/// The headers that say what the bytes are, and what browsers are to do with them.
fn describe(answer: &mut HttpResponseBuilder, object: &Object, manner: &Manner, active_inline: bool) {
    answer
        .insert_header((header::CONTENT_TYPE, object.media_type()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(encoding) = object.known("contentEncoding") {
        answer.insert_header((header::CONTENT_ENCODING, encoding));
    }
    let runs = is_active(object.media_type()) && !active_inline;
    if runs {
        answer.insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    }
    let own = object.name.rsplit('/').next().unwrap_or(&object.name);
    let name = manner.download.as_deref().or(runs.then_some(""));
    if let Some(name) = name {
        let name = if name.is_empty() { own } else { name };
        answer.insert_header((header::CONTENT_DISPOSITION, disposition(name)));
    }
}

/// `attachment` with a name that every browser understands (RFC 6266).
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%/".contains(c) || c == ' ' { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTRIBUTE))
}

fn out_of_range(size: u64) -> HttpResponse {
    let body = json!({
        "statusCode": "416",
        "error": "InvalidRange",
        "message": "The requested range is not satisfiable",
        "code": "InvalidRange",
    });
    HttpResponse::RangeNotSatisfiable().insert_header((header::CONTENT_RANGE, format!("bytes */{size}"))).json(body)
}
