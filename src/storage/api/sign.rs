//! Signed URLs.

use std::time::Duration;

use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::download::{Manner, send};
use super::error::{ApiError, ErrorBody};
use super::upload::{Authority, Target, Uploaded, receive};
use super::{Who, body, caller, headers, path};
use crate::storage::StorageService;
use crate::storage::model::{Mode, ObjectName};

/// Names that one request signs.
const MAX_NAMES: usize = 1000;

/// How long a URL is good for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignBody)]
pub(super) struct SignBody {
    /// In seconds, as a number or as text.
    #[schema(value_type = u64, example = 60)]
    expires_in: Value,
}

/// Which objects get URLs, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignManyBody)]
pub(super) struct SignManyBody {
    /// In seconds, as a number or as text.
    #[schema(value_type = u64, example = 60)]
    expires_in: Value,
    /// The objects' names.
    #[schema(example = json!(["ada/portrait.png"]), max_items = 1000)]
    paths: Vec<String>,
}

/// A URL for a download.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedUrl {
    /// Below `/storage/v1`, and not percent-encoded: clients do that.
    #[serde(rename = "signedURL")]
    #[schema(example = "/object/sign/avatars/ada/portrait.png?token=eyJ…")]
    signed_url: String,
}

/// A URL for a download, or why there is none.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedPath {
    error: Option<&'static str>,
    #[schema(example = "ada/portrait.png")]
    path: String,
    #[serde(rename = "signedURL")]
    #[schema(example = "/object/sign/avatars/ada/portrait.png?token=eyJ…")]
    signed_url: Option<String>,
}

/// A URL for an upload.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedUpload {
    #[schema(example = "/object/upload/sign/avatars/ada/portrait.png?token=eyJ…")]
    url: String,
    token: String,
}

/// The token of a signed URL.
#[derive(Deserialize)]
pub(super) struct Token {
    token: Option<String>,
}

/// Sign a URL for a download
///
/// Whoever has it downloads the object until it expires, without a key.
#[utoipa::path(
    post,
    path = "/storage/v1/object/sign/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
    ),
    request_body = SignBody,
    responses(
        (status = 200, description = "The URL", body = SignedUrl),
        (status = 400, description = "`NoSuchKey`, also when it is not for the caller; `NoSuchBucket`, `InvalidRequest`", body = ErrorBody),
    ),
)]
pub(super) async fn sign_object(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, path) = (caller(&who)?, path::object(&request, "object/sign/")?);
    let said: SignBody = body::json(payload).await?;
    let token = storage.sign_download(&caller, &path, lifetime(&said.expires_in)?).await?;
    Ok(HttpResponse::Ok().json(SignedUrl { signed_url: format!("/object/sign/{}/{}?token={token}", path.bucket, path.name) }))
}

/// Sign URLs for downloads
#[utoipa::path(
    post,
    path = "/storage/v1/object/sign/{bucket}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("bucket" = String, Path, description = "The bucket", example = "avatars")),
    request_body = SignManyBody,
    responses(
        (status = 200, description = "A URL for each object that the caller may see", body = Vec<SignedPath>),
        (status = 400, description = "`NoSuchBucket`, `InvalidRequest`, `InvalidKey`", body = ErrorBody),
    ),
)]
pub(super) async fn sign_objects(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, bucket) = (caller(&who)?, path::bucket(&request, "object/sign/")?);
    let said: SignManyBody = body::json(payload).await?;
    if said.paths.len() > MAX_NAMES {
        return Err(ApiError::invalid(format_args!("paths has at most {MAX_NAMES} names")));
    }
    let names = said.paths.iter().map(|name| ObjectName::parse(name.trim_start_matches('/'))).collect::<Result<Vec<_>, _>>()?;
    let tokens = storage.sign_downloads(&caller, &bucket, &names, lifetime(&said.expires_in)?).await?;
    let signed = said.paths.into_iter().zip(names).zip(tokens).map(|((path, name), token)| SignedPath {
        error: token.is_none().then_some("Either the object does not exist or you do not have access to it"),
        path,
        signed_url: token.map(|token| format!("/object/sign/{bucket}/{name}?token={token}")),
    });
    Ok(HttpResponse::Ok().json(signed.collect::<Vec<_>>()))
}

/// Download by a signed URL
///
/// Needs no key.
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/sign/{bucket}/{name}",
    tag = "storage",
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("token" = String, Query, description = "As it was signed"),
        ("download" = Option<String>, Query, description = "Have browsers save it, under this name"),
    ),
    responses(
        (status = 200, description = "The bytes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part of the bytes that was asked for", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The copy is good"),
        (status = 400, description = "`InvalidJWT`: forged, expired, or for something else; `NoSuchKey`", body = ErrorBody),
        (status = 416, description = "`InvalidRange`", body = ErrorBody),
    ),
)]
pub(super) async fn download_signed(
    request: HttpRequest,
    token: Query<Token>,
    manner: Query<Manner>,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let found = async {
        let path = path::object(&request, "object/sign/")?;
        Ok::<_, ApiError>(storage.find_signed(&path, &given(&token)?).await?)
    };
    let object = found.await.map_err(|err| err.to(&request))?;
    send(&storage, &request, object, &manner).await
}

/// Sign a URL for an upload
///
/// Whoever has it uploads that object within two hours, without a key. The object is the signer's.
#[utoipa::path(
    post,
    path = "/storage/v1/object/upload/sign/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("x-upsert" = Option<bool>, Header, description = "Whether an object that is there will be replaced"),
    ),
    responses(
        (status = 200, description = "The URL", body = SignedUpload),
        (status = 400, description = "`NoSuchBucket`, `Duplicate`, `AccessDenied`, `InvalidKey`", body = ErrorBody),
    ),
)]
pub(super) async fn sign_upload(who: Who, request: HttpRequest, storage: Data<StorageService>) -> Result<HttpResponse, ApiError> {
    let (caller, path) = (caller(&who)?, path::object(&request, "object/upload/sign/")?);
    let upsert = headers::mode(&request) == Mode::Upsert;
    let token = storage.sign_upload(&caller, &path, upsert).await?;
    let url = format!("/object/upload/sign/{}/{}?token={token}", path.bucket, path.name);
    Ok(HttpResponse::Ok().json(SignedUpload { url, token }))
}

/// Upload by a signed URL
///
/// Needs no key. Whether an object that is there is replaced was said when the URL was signed.
#[utoipa::path(
    put,
    path = "/storage/v1/object/upload/sign/{bucket}/{name}",
    tag = "storage",
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
        ("token" = String, Query, description = "As it was signed"),
    ),
    request_body(description = "The bytes, with their media type; or a form", content((Vec<u8> = "application/octet-stream"), (Object = "multipart/form-data"))),
    responses(
        (status = 200, description = "It is there", body = Uploaded),
        (status = 400, description = "`InvalidJWT`, `NoSuchBucket`, `Duplicate`, `EntityTooLarge`, `InvalidMimeType`", body = ErrorBody),
        (status = 507, description = "There is no space left; nothing was kept", body = ErrorBody),
    ),
)]
pub(super) async fn upload_signed(
    request: HttpRequest,
    token: Query<Token>,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let path = path::object(&request, "object/upload/sign/")?;
    let to = Target { authority: Authority::Token(given(&token)?), path, mode: Mode::Create };
    receive(&storage, to, &request, payload).await
}

fn given(token: &Token) -> Result<String, ApiError> {
    token.token.clone().ok_or_else(|| crate::storage::Error::InvalidToken("the token is missing").into())
}

/// A number of seconds; Python's client sends it as text.
fn lifetime(said: &Value) -> Result<Duration, ApiError> {
    let seconds = match said {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| ApiError::invalid("expiresIn must be a number of seconds"))
}
