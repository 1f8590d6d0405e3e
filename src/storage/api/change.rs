//! Moving, copying and deleting objects.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::{Who, body, caller, headers, path};
use crate::storage::StorageService;
use crate::storage::model::{BucketName, Object, ObjectName, ObjectPath};
use crate::types::Timestamp;

/// Names that one request deletes.
const MAX_NAMES: usize = 1000;

/// From where to where.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FromTo {
    #[schema(example = "avatars")]
    bucket_id: String,
    #[schema(example = "ada/portrait.png")]
    source_key: String,
    #[schema(example = "ada/old.png")]
    destination_key: String,
    /// The same bucket unless it is said.
    destination_bucket: Option<String>,
    /// For copies: whether the user's metadata is the other's; `metadata` says what it is otherwise.
    copy_metadata: Option<bool>,
    /// For copies with `copyMetadata: false`.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl FromTo {
    fn paths(&self) -> Result<(ObjectPath, ObjectPath), ApiError> {
        let bucket = BucketName::parse(&self.bucket_id)?;
        let other = self.destination_bucket.as_deref().filter(|name| !name.is_empty()).map(BucketName::parse).transpose()?;
        let to = ObjectPath { bucket: other.unwrap_or_else(|| bucket.clone()), name: ObjectName::parse(&self.destination_key)? };
        Ok((ObjectPath { bucket, name: ObjectName::parse(&self.source_key)? }, to))
    }
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageMessage)]
pub(super) struct Message {
    #[schema(example = "Successfully moved")]
    pub(super) message: &'static str,
}

/// Move an object
///
/// To another name or another bucket. Its bytes stay where they are, however many there are.
#[utoipa::path(
    post,
    path = "/storage/v1/object/move",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    request_body = FromTo,
    responses(
        (status = 200, description = "Moved", body = Message),
        (status = 400, description = "`NoSuchKey`, `NoSuchBucket`, `Duplicate`, `AccessDenied`, `InvalidKey`, …", body = ErrorBody),
    ),
)]
pub(super) async fn move_object(who: Who, payload: Payload, storage: Data<StorageService>) -> Result<HttpResponse, ApiError> {
    let caller = caller(&who)?;
    let (from, to) = body::json::<FromTo>(payload).await?.paths()?;
    let object = storage.rename(&caller, &from, &to).await?;
    let key = format!("{}/{}", object.bucket_id, object.name);
    Ok(HttpResponse::Ok().json(json!({ "message": "Successfully moved", "Id": object.id, "Key": key })))
}

/// A copy.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageCopy)]
pub(super) struct Copied {
    /// The new object's id.
    #[serde(rename = "Id")]
    id: String,
    /// The bucket and the name.
    #[serde(rename = "Key")]
    #[schema(example = "avatars/ada/old.png")]
    key: String,
}

/// Copy an object
///
/// Within a bucket or to another.
#[utoipa::path(
    post,
    path = "/storage/v1/object/copy",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("x-upsert" = Option<bool>, Header, description = "Whether an object that is there is replaced")),
    request_body = FromTo,
    responses(
        (status = 200, description = "Copied", body = Copied),
        (status = 400, description = "`NoSuchKey`, `NoSuchBucket`, `Duplicate`, `AccessDenied`, `InvalidKey`, …", body = ErrorBody),
    ),
)]
pub(super) async fn copy_object(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller(&who)?;
    let said: FromTo = body::json(payload).await?;
    let (from, to) = said.paths()?;
    let metadata = match said.copy_metadata {
        Some(false) => Some(match said.metadata {
            Some(metadata) => Value::Object(headers::metadata(Value::Object(metadata).to_string().as_bytes())?),
            None => Value::Null,
        }),
        _ => None,
    };
    let stored = storage.copy(&caller, (&from, &to), headers::mode(&request), metadata).await?;
    Ok(HttpResponse::Ok().json(Copied { id: stored.id.to_string(), key: format!("{}/{}", stored.path.bucket, stored.path.name) }))
}

/// What is deleted.
#[derive(Deserialize, ToSchema)]
#[schema(as = StorageDelete)]
pub(super) struct DeleteBody {
    /// Names of objects. One that ends with `/` is a folder: everything below it goes, 10,000 objects at the most.
    #[schema(example = json!(["ada/portrait.png", "ada/drafts/"]), max_items = 1000)]
    prefixes: Vec<String>,
}

/// An object that was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageDeleted)]
pub(super) struct Deleted {
    id: String,
    #[schema(example = "avatars")]
    bucket_id: String,
    #[schema(example = "ada/portrait.png")]
    name: String,
    owner: Option<String>,
    owner_id: Option<String>,
    version: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_accessed_at: Timestamp,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(value_type = Object)]
    user_metadata: Value,
}

/// Delete objects
///
/// Those that the caller may see and delete; the answer says which they were. A name that ends with `/` is a folder.
#[utoipa::path(
    delete,
    path = "/storage/v1/object/{bucket}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("bucket" = String, Path, description = "The bucket", example = "avatars")),
    request_body = DeleteBody,
    responses(
        (status = 200, description = "What was deleted", body = Vec<Deleted>),
        (status = 400, description = "`NoSuchBucket`, `InvalidKey`, `InvalidRequest`, `Conflict`", body = ErrorBody),
    ),
)]
pub(super) async fn delete_objects(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, bucket) = (caller(&who)?, path::bucket(&request, "object/")?);
    let said: DeleteBody = body::json(payload).await?;
    if said.prefixes.len() > MAX_NAMES {
        return Err(ApiError::invalid(format_args!("prefixes has at most {MAX_NAMES} names")));
    }
    let (folders, names): (Vec<String>, Vec<String>) =
        said.prefixes.into_iter().partition(|name| name.len() > 1 && name.ends_with('/'));
    let names = names.iter().map(|name| ObjectName::parse(name.trim_start_matches('/'))).collect::<Result<Vec<_>, _>>()?;
    let folders = folders.iter().map(|name| ObjectName::parse_prefix(name)).collect::<Result<Vec<_>, _>>()?;
    let mut deleted = storage.delete(&caller, &bucket, &names).await?;
    for folder in folders {
        deleted.extend(storage.delete_below(&caller, &bucket, &folder).await?);
    }
    Ok(HttpResponse::Ok().json(deleted.into_iter().map(view).collect::<Vec<_>>()))
}

/// Delete an object
#[utoipa::path(
    delete,
    path = "/storage/v1/object/{bucket}/{name}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("bucket" = String, Path, description = "The bucket", example = "avatars"),
        ("name" = String, Path, description = "The object's name", example = "ada/portrait.png"),
    ),
    responses(
        (status = 200, description = "Deleted", body = Message),
        (status = 400, description = "`NoSuchKey`, `NoSuchBucket`, `AccessDenied`, `InvalidKey`, `Conflict`", body = ErrorBody),
    ),
)]
pub(super) async fn delete_object(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    storage.delete_one(&caller(&who)?, &path::object(&request, "object/")?).await?;
    Ok(HttpResponse::Ok().json(Message { message: "Successfully deleted" }))
}

fn view(object: Object) -> Deleted {
    Deleted {
        id: object.id.to_string(),
        bucket_id: object.bucket_id,
        name: object.name,
        owner: object.owner.map(|owner| owner.to_string()),
        owner_id: object.owner_id,
        version: object.version,
        created_at: object.created_at,
        updated_at: object.updated_at,
        last_accessed_at: object.last_accessed_at,
        metadata: object.metadata,
        user_metadata: object.user_metadata.unwrap_or(Value::Null),
    }
}
