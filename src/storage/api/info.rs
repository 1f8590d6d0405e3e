//! What is known of an object.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::{Who, caller, path};
use crate::storage::StorageService;
use crate::storage::model::Object;
use crate::types::Timestamp;

/// What is known of an object.
#[derive(Serialize, ToSchema)]
pub(super) struct ObjectInfo {
    id: String,
    #[schema(example = "ada/portrait.png")]
    name: String,
    /// Names the bytes: others have another.
    version: String,
    #[schema(example = "avatars")]
    bucket_id: String,
    /// In bytes.
    #[schema(example = 52_113)]
    size: u64,
    #[schema(example = "image/png")]
    content_type: String,
    #[schema(example = "max-age=3600")]
    cache_control: String,
    #[schema(example = "\"9e107d9d372bb6826bd81d3542a419d6\"")]
    etag: String,
    /// What the user said.
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(value_type = String, format = DateTime)]
    last_modified: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Read what is known of an object
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/info/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
    ),
    responses(
        (status = 200, description = "What is known", body = ObjectInfo),
        (status = 400, description = "`NoSuchKey`, also when it is not for the caller; `NoSuchBucket`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
    ),
)]
pub(super) async fn get_object_info(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let found = async {
        let path = match path::object(&request, "object/info/authenticated/") {
            Ok(path) => path,
            Err(_) => path::object(&request, "object/info/")?,
        };
        Ok::<_, ApiError>(storage.find(&caller(&who)?, &path).await?)
    };
    found.await.map(|object| answer(&object)).map_err(|err| err.to(&request))
}

/// Read what is known of an object of a public bucket
///
/// Needs no key.
#[utoipa::path(
    method(get, head),
    path = "/storage/v1/object/info/public/{bucket}/{name}",
    tag = "storage",
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
    ),
    responses(
        (status = 200, description = "What is known", body = ObjectInfo),
        (status = 400, description = "`NoSuchBucket`, also when it is not public; `NoSuchKey`, `InvalidKey`", body = ErrorBody),
    ),
)]
pub(super) async fn get_public_object_info(
    request: HttpRequest,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let found = async { Ok::<_, ApiError>(storage.find_public(&path::object(&request, "object/info/public/")?).await?) };
    found.await.map(|object| answer(&object)).map_err(|err| err.to(&request))
}

fn answer(object: &Object) -> HttpResponse {
    HttpResponse::Ok().json(ObjectInfo {
        id: object.id.to_string(),
        name: object.name.clone(),
        version: object.version.clone(),
        bucket_id: object.bucket_id.clone(),
        size: object.size(),
        content_type: object.media_type().to_owned(),
        cache_control: object.known("cacheControl").unwrap_or("no-cache").to_owned(),
        etag: object.etag().to_owned(),
        metadata: object.user_metadata.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        last_modified: object.last_modified(),
        created_at: object.created_at,
    })
}
