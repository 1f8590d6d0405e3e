//! Uploads that come in one go.

use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::form;
use crate::storage::api::error::{ApiError, ErrorBody};
use crate::storage::api::{Who, body, caller, headers, path};
use crate::storage::model::{Caller, Mode, ObjectPath, Uploading};
use crate::storage::{StorageService, Stored, Upload};

/// What was uploaded.
#[derive(Serialize, ToSchema)]
pub(in crate::storage::api) struct Uploaded {
    /// The object's id.
    #[serde(rename = "Id")]
    #[schema(example = "7f6d3c58-1c0f-4a2e-9b5d-8f7c7b1f3f10")]
    id: String,
    /// The bucket and the name.
    #[serde(rename = "Key")]
    #[schema(example = "avatars/ada/portrait.png")]
    key: String,
}

/// Upload an object
///
/// The bytes are the body, or the file of a form (`multipart/form-data`, with `cacheControl` and `metadata` before it). The caller's
/// policies are asked before a byte is taken, and again when the object is made; nobody sees it before it is whole and on the disk.
#[utoipa::path(
    post,
    path = "/storage/v1/object/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name; it may have slashes", example = "ada/portrait.png"),
        ("x-upsert" = Option<bool>, Header, description = "Whether an object that is there is replaced"),
        ("cache-control" = Option<String>, Header, description = "Sent with the object", example = "max-age=3600"),
        ("x-metadata" = Option<String>, Header, description = "The user's metadata: a JSON object in base64"),
    ),
    request_body(description = "The bytes, with their media type; or a form", content((Vec<u8> = "application/octet-stream"), (Object = "multipart/form-data"))),
    responses(
        (status = 200, description = "It is there", body = Uploaded),
        (status = 400, description = "Refused: `NoSuchBucket`, `Duplicate`, `AccessDenied`, `InvalidKey`, `EntityTooLarge`, `InvalidMimeType`, …", body = ErrorBody),
        (status = 507, description = "There is no space left; nothing was kept", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn upload_object(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let to = Target {
        authority: Authority::Caller(caller(&who)?),
        path: path::object(&request, "object/")?,
        mode: headers::mode(&request),
    };
    receive(&storage, to, &request, payload).await
}

/// Replace an object
///
/// It must be there. Otherwise as an upload.
#[utoipa::path(
    put,
    path = "/storage/v1/object/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
    ),
    request_body(description = "The bytes, with their media type; or a form", content((Vec<u8> = "application/octet-stream"), (Object = "multipart/form-data"))),
    responses(
        (status = 200, description = "It is replaced", body = Uploaded),
        (status = 400, description = "Refused: `NoSuchKey`, `AccessDenied`, `EntityTooLarge`, …", body = ErrorBody),
        (status = 507, description = "There is no space left; nothing was changed", body = ErrorBody),
    ),
)]
pub(in crate::storage::api) async fn replace_object(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let to =
        Target { authority: Authority::Caller(caller(&who)?), path: path::object(&request, "object/")?, mode: Mode::Replace };
    receive(&storage, to, &request, payload).await
}

/// What lets an upload in.
pub(in crate::storage::api) enum Authority {
    Caller(Caller),
    /// A signed URL's.
    Token(String),
}

/// What is uploaded to.
pub(in crate::storage::api) struct Target {
    pub(in crate::storage::api) authority: Authority,
    pub(in crate::storage::api) path: ObjectPath,
    pub(in crate::storage::api) mode: Mode,
}

impl Target {
    /// Begins the upload.
    pub(in crate::storage::api) async fn begin(self, storage: &StorageService, what: Declared) -> Result<Upload, ApiError> {
        let what = Uploading { path: self.path, mode: self.mode, declared: what.declared, length: what.length };
        Ok(match self.authority {
            Authority::Caller(caller) => storage.begin_upload(&caller, what).await?,
            Authority::Token(token) => storage.begin_signed_upload(&token, what).await?,
        })
    }
}

/// What is known of the bytes before they come.
pub(in crate::storage::api) struct Declared {
    pub(in crate::storage::api) declared: crate::storage::model::Declared,
    pub(in crate::storage::api) length: Option<u64>,
}

/// Takes the bytes of an upload, raw or in a form.
pub(in crate::storage::api) async fn receive(
    storage: &StorageService,
    to: Target,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return form::receive(storage, to, request, payload).await.map(|stored| answer(&stored));
    }
    let received = raw(storage, to, request, &mut payload).await;
    if received.is_err() {
        body::drain(payload).await;
    }
    received.map(|stored| answer(&stored))
}

async fn raw(storage: &StorageService, to: Target, request: &HttpRequest, payload: &mut Payload) -> Result<Stored, ApiError> {
    let what = Declared { declared: headers::declared(request.headers())?, length: headers::length(request.headers()) };
    let mut upload = to.begin(storage, what).await?;
    body::pour(payload, &mut upload).await?;
    Ok(upload.finish().await?)
}

fn answer(stored: &Stored) -> HttpResponse {
    HttpResponse::Ok().json(Uploaded { id: stored.id.to_string(), key: format!("{}/{}", stored.path.bucket, stored.path.name) })
}
