//! Resumable uploads: tus 1.0.0 at `/upload/resumable`.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::plain::Authority;
use super::tus;
use crate::storage::StorageService;
use crate::storage::api::error::ErrorBody;
use crate::storage::api::{Who, caller};

/// What resumable uploads can do
#[utoipa::path(
    options,
    path = "/storage/v1/upload/resumable",
    tag = "storage",
    responses(
        (status = 204, description = "`Tus-Version`, `Tus-Extension`, and the longest upload as `Tus-Max-Size`"),
        (status = 500, description = "Something failed in the server", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn resumable_options(storage: Data<StorageService>) -> HttpResponse {
    tus::options(&storage)
}

/// Begin a resumable upload
///
/// The caller's policies are asked now, and again when the object is made of its last bytes. Only who began it goes on with it.
#[utoipa::path(
    post,
    path = "/storage/v1/upload/resumable",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = u64, Header, description = "Bytes of the whole", example = 52_113),
        ("Upload-Metadata" = String, Header, description = "`bucketName`, `objectName`, `contentType`, `cacheControl` and `metadata` (a JSON object), each with its value in base64", example = "bucketName YXZhdGFycw==,objectName YWRhL3BvcnRyYWl0LnBuZw=="),
        ("x-upsert" = Option<bool>, Header, description = "Whether an object that is there is replaced"),
    ),
    request_body(description = "Nothing, or the first bytes", content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 201, description = "It goes on at `Location`, until `Upload-Expires`; `Upload-Offset` says how many bytes came with it"),
        (status = 400, description = "`InvalidRequest`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
        (status = 403, description = "`AccessDenied`", body = ErrorBody),
        (status = 404, description = "`NoSuchBucket`", body = ErrorBody),
        (status = 409, description = "`Duplicate`", body = ErrorBody),
        (status = 412, description = "`PreconditionFailed`: another version of tus; `Tus-Version` says which there is", body = ErrorBody),
        (status = 413, description = "`EntityTooLarge`, `QuotaExceeded`", body = ErrorBody),
        (status = 415, description = "`InvalidMimeType`", body = ErrorBody),
        (status = 507, description = "There is no space left", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn begin_resumable(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> HttpResponse {
    tus::create(&storage, caller(&who).map(Authority::Caller), &request, payload).await
}

/// How far a resumable upload came
#[utoipa::path(
    head,
    path = "/storage/v1/upload/resumable/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("id" = String, Path, description = "The upload, as `Location` named it"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses(
        (status = 200, description = "`Upload-Offset`: bytes that are kept; `Upload-Length`, `Upload-Expires`, `Upload-Metadata`"),
        (status = 400, description = "`InvalidJWT`"),
        (status = 404, description = "There is none, it is over, or it is another's"),
    ),
)]
pub(in crate::storage::api) async fn resumable_progress(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> HttpResponse {
    tus::progress(&storage, caller(&who).map(Authority::Caller), &request).await
}

/// Go on with a resumable upload
///
/// What came is kept also when the connection breaks; with the last byte the object is there.
#[utoipa::path(
    patch,
    path = "/storage/v1/upload/resumable/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("id" = String, Path, description = "The upload, as `Location` named it"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Where the upload stands", example = 0),
    ),
    request_body(description = "Bytes from there on", content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 204, description = "They are kept; it stands at `Upload-Offset`"),
        (status = 400, description = "`InvalidRequest`, `IncompleteBody`, `InvalidJWT`", body = ErrorBody),
        (status = 403, description = "`AccessDenied`: the object may not be made any more; the upload is over", body = ErrorBody),
        (status = 404, description = "`NoSuchUpload`: there is none, it is over, or it is another's", body = ErrorBody),
        (status = 409, description = "`Conflict`: it stands elsewhere, or another went on with it; `Duplicate`: the object is there, the upload is over", body = ErrorBody),
        (status = 412, description = "`PreconditionFailed`: another version of tus", body = ErrorBody),
        (status = 413, description = "`EntityTooLarge`, `QuotaExceeded`", body = ErrorBody),
        (status = 415, description = "`InvalidContentType`, `InvalidMimeType`", body = ErrorBody),
        (status = 507, description = "There is no space left; what was kept stays", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn continue_resumable(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> HttpResponse {
    tus::go_on(&storage, caller(&who).map(Authority::Caller), &request, payload).await
}

/// End a resumable upload
///
/// What came of it is removed. The object of one that is whole stays.
#[utoipa::path(
    delete,
    path = "/storage/v1/upload/resumable/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("id" = String, Path, description = "The upload, as `Location` named it"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
    ),
    responses(
        (status = 204, description = "It is over"),
        (status = 400, description = "`InvalidJWT`", body = ErrorBody),
        (status = 404, description = "`NoSuchUpload`", body = ErrorBody),
        (status = 412, description = "`PreconditionFailed`: another version of tus", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn end_resumable(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> HttpResponse {
    tus::end(&storage, caller(&who).map(Authority::Caller), &request).await
}

/// Another method by its name in `X-HTTP-Method-Override`.
pub(in crate::storage::api) async fn override_resumable(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> HttpResponse {
    tus::instead(&storage, caller(&who).map(Authority::Caller), &request, payload).await
}
