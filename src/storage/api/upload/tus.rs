//! tus 1.0.0: what its requests say, and its answers.

use std::time::SystemTime;

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, HttpDate};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use uuid::Uuid;

use super::plain::Authority;
use crate::storage::api::error::ApiError;
use crate::storage::api::{body, headers};
use crate::storage::model::{BucketName, Caller, Declared, ObjectName, ObjectPath, UploadMetadata, Uploading};
use crate::storage::{Error, Progress, Resumable, StorageService};
use crate::types::Timestamp;

/// The one version there is.
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: &str = "creation,creation-with-upload,expiration,termination";
const PIECE_TYPE: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
const X_SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// What the server can do.
pub(super) fn options(storage: &StorageService) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((TUS_VERSION, VERSION))
        .insert_header(("tus-extension", EXTENSIONS))
        .insert_header(("tus-max-size", storage.config().max_object_size.to_string()))
        .finish()
}

/// The token of a signed URL, in its header.
pub(super) fn signature(request: &HttpRequest) -> Result<Authority, ApiError> {
    let token = request.headers().get(X_SIGNATURE).and_then(|token| token.to_str().ok());
    let token = token.ok_or(Error::InvalidToken("headers must have the required property 'x-signature'"))?;
    Ok(Authority::Token(token.to_owned()))
}

/// Begins an upload; a body of bytes is its beginning.
pub(super) async fn create(
    storage: &StorageService,
    by: Result<Authority, ApiError>,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let begun = async {
        check_version(request)?;
        begin(storage, by?, request).await
    };
    let (caller, upload) = match begun.await {
        Ok(begun) => begun,
        Err(err) => return refuse(err, payload).await,
    };
    let (place, expires) = (format!("{}/{}", request.uri().path(), upload.upload.id), upload.upload.expires_at);
    let has_bytes = is_piece(request);
    // One that has no bytes is whole already.
    let progress = if has_bytes || upload.length == 0 {
        let storage = storage.clone();
        to_its_end(async move { pour(&storage, &caller, upload, payload).await }).await
    } else {
        body::drain(payload).await;
        Ok(Progress { offset: 0, stored: None })
    };
    answer(progress.map(|progress| {
        let mut made = HttpResponse::Created();
        made.insert_header((header::LOCATION, place)).insert_header((UPLOAD_EXPIRES, date(expires)));
        if has_bytes {
            made.insert_header((UPLOAD_OFFSET, progress.offset));
        }
        made.finish()
    }))
}

async fn begin(storage: &StorageService, by: Authority, request: &HttpRequest) -> Result<(Caller, Resumable), ApiError> {
    let sent = request.headers();
    if sent.contains_key(UPLOAD_DEFER_LENGTH) {
        return Err(ApiError::invalid("Upload-Defer-Length is not known here: say Upload-Length"));
    }
    let length = number(sent, &UPLOAD_LENGTH)?.ok_or_else(|| ApiError::invalid("Upload-Length must be there"))?;
    let said = sent.get(UPLOAD_METADATA).map_or(Ok(""), HeaderValue::to_str);
    let said = said.map_err(|_| ApiError::invalid("Upload-Metadata must be visible ASCII"))?;
    let metadata = UploadMetadata::parse(said).map_err(ApiError::invalid)?;
    let text = |key: &str| metadata.text(key).map_err(ApiError::invalid);
    let needed = |key: &str| text(key)?.ok_or_else(|| ApiError::invalid(format_args!("Upload-Metadata must have {key}")));
    let path = ObjectPath { bucket: BucketName::parse(needed("bucketName")?)?, name: ObjectName::parse(needed("objectName")?)? };
    let declared = Declared {
        content_type: headers::media_type(text("contentType")?)?,
        cache_control: text("cacheControl")?.filter(|text| !text.is_empty()).map(headers::cache_control).transpose()?,
        content_encoding: None,
        user_metadata: metadata.get("metadata").filter(|json| !json.is_empty()).map(headers::metadata).transpose()?,
    };
    let what = Uploading { path, mode: headers::mode(request), declared, length: Some(length) };
    Ok(match by {
        Authority::Caller(caller) => {
            let begun = storage.begin_resumable(&caller, what, said).await?;
            (caller, begun)
        }
        Authority::Token(token) => storage.begin_signed_resumable(&token, what, said).await?,
    })
}

/// Tells how far an upload came.
pub(super) async fn progress(storage: &StorageService, by: Result<Authority, ApiError>, request: &HttpRequest) -> HttpResponse {
    let found = async {
        check_version(request)?;
        find(storage, &by?, request).await
    };
    answer(found.await.map(|(_, found)| {
        let mut told = HttpResponse::Ok();
        told.insert_header((UPLOAD_OFFSET, found.offset))
            .insert_header((UPLOAD_LENGTH, found.length))
            .insert_header((UPLOAD_EXPIRES, date(found.upload.expires_at)))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        if !found.said.is_empty() {
            told.insert_header((UPLOAD_METADATA, found.said));
        }
        told.finish()
    }))
}

/// Goes on with an upload.
pub(super) async fn go_on(
    storage: &StorageService,
    by: Result<Authority, ApiError>,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let (storage, request) = (storage.clone(), request.clone());
    let done = to_its_end(async move {
        match standing(&storage, by, &request).await {
            Ok((caller, found)) => {
                let expires = found.upload.expires_at;
                Ok((pour(&storage, &caller, found, payload).await?, expires))
            }
            Err(err) => {
                body::drain(payload).await;
                Err(err)
            }
        }
    });
    answer(done.await.map(|(progress, expires)| {
        let mut done = HttpResponse::NoContent();
        done.insert_header((UPLOAD_OFFSET, progress.offset)).insert_header((UPLOAD_EXPIRES, date(expires))).finish()
    }))
}

/// The upload that a request goes on with, which stands where the request begins.
async fn standing(
    storage: &StorageService,
    by: Result<Authority, ApiError>,
    request: &HttpRequest,
) -> Result<(Caller, Resumable), ApiError> {
    check_version(request)?;
    if !is_piece(request) {
        return Err(ApiError::other_type(PIECE_TYPE));
    }
    let offset = number(request.headers(), &UPLOAD_OFFSET)?;
    let offset = offset.ok_or_else(|| ApiError::invalid("Upload-Offset must be there"))?;
    let (caller, found) = find(storage, &by?, request).await?;
    if found.offset != offset {
        return Err(Error::Conflict(format!("Upload-Offset is {offset}, and {} bytes are kept", found.offset)).into());
    }
    let left = found.length.saturating_sub(offset);
    if headers::length(request.headers()).is_some_and(|length| length > left) {
        return Err(Error::TooLarge { limit: found.length }.into());
    }
    Ok((caller, found))
}

/// Ends an upload. The object of one that is whole stays.
pub(super) async fn end(storage: &StorageService, by: Result<Authority, ApiError>, request: &HttpRequest) -> HttpResponse {
    let ended = async {
        check_version(request)?;
        let (_, found) = find(storage, &by?, request).await?;
        storage.abandon(found.upload.id).await?;
        Ok(HttpResponse::NoContent().finish())
    };
    answer(ended.await)
}

/// What a POST to an upload means, for clients that can send no other method.
pub(super) async fn instead(
    storage: &StorageService,
    by: Result<Authority, ApiError>,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let method = request.headers().get(METHOD_OVERRIDE).and_then(|method| method.to_str().ok()).unwrap_or_default();
    match method.to_ascii_uppercase().as_str() {
        "PATCH" => go_on(storage, by, request, payload).await,
        "DELETE" => end(storage, by, request).await,
        "HEAD" => progress(storage, by, request).await,
        _ => refuse(ApiError::no_such_method(&Method::POST), payload).await,
    }
}

/// The upload that a path names, and whose rights go on with it.
async fn find(storage: &StorageService, by: &Authority, request: &HttpRequest) -> Result<(Caller, Resumable), ApiError> {
    let id = request.match_info().get("id").and_then(|id| Uuid::try_parse(id).ok()).ok_or(Error::NoSuchUpload)?;
    Ok(match by {
        Authority::Caller(caller) => (caller.clone(), storage.resumable(caller, id).await?),
        Authority::Token(token) => storage.signed_resumable(token, id).await?,
    })
}

/// Puts a body behind what is kept.
async fn pour(storage: &StorageService, caller: &Caller, upload: Resumable, mut payload: Payload) -> Result<Progress, ApiError> {
    let mut append = storage.append(caller, upload);
    loop {
        match body::next(&mut payload).await {
            Ok(None) => return Ok(append.finish().await?),
            Ok(Some(bytes)) => {
                if let Err(err) = append.write(&bytes).await {
                    body::drain(payload).await;
                    return Err(err.into());
                }
            }
            Err(broken) => {
                append.finish().await?;
                return Err(broken.into());
            }
        }
    }
}

/// Runs as a task that goes on when the client's connection ends, so that what came by then is kept.
async fn to_its_end<T: 'static>(work: impl Future<Output = Result<T, ApiError>> + 'static) -> Result<T, ApiError> {
    let ended = actix_web::rt::spawn(work).await;
    ended.unwrap_or_else(|_| Err(Error::BrokenOff("the server is stopping".to_owned()).into()))
}

fn check_version(request: &HttpRequest) -> Result<(), ApiError> {
    let is_known = request.headers().get(TUS_RESUMABLE).is_some_and(|version| *version == VERSION);
    if is_known { Ok(()) } else { Err(ApiError::other_version()) }
}

fn is_piece(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(PIECE_TYPE)
}

fn number(sent: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, ApiError> {
    let Some(value) = sent.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number.map(Some).ok_or_else(|| ApiError::invalid(format_args!("{name} must be a number of bytes")))
}

fn date(at: Timestamp) -> String {
    HttpDate::from(SystemTime::from(at.to_chrono())).to_string()
}

async fn refuse(err: ApiError, payload: Payload) -> HttpResponse {
    body::drain(payload).await;
    answer(Err(err))
}

/// Every answer says the version; one for another version says which there are.
fn answer(answer: Result<HttpResponse, ApiError>) -> HttpResponse<BoxBody> {
    let mut answer = answer.unwrap_or_else(|err| err.plainly().error_response());
    let is_other = answer.status() == StatusCode::PRECONDITION_FAILED;
    answer.headers_mut().insert(TUS_RESUMABLE, VERSION);
    if is_other {
        answer.headers_mut().insert(TUS_VERSION, VERSION);
    }
    answer
}
