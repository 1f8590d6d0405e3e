//! Buckets.

use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::change::Message;
use super::error::{ApiError, ErrorBody};
use super::{Who, body, caller, path};
use crate::storage::StorageService;
use crate::storage::model::{Bucket, BucketChanges, BucketName, NewBucket};
use crate::types::Timestamp;

/// Buckets of an answer at the most.
const MAX_BUCKETS: u32 = 1000;

/// A bucket.
#[derive(Serialize, ToSchema)]
#[schema(as = Bucket)]
pub(super) struct BucketView {
    #[schema(example = "avatars")]
    id: String,
    #[schema(example = "avatars")]
    name: String,
    /// The user who made it; empty when it was the server's owner.
    owner: String,
    /// Whether everybody may download its objects.
    public: bool,
    /// Bytes of an object at the most.
    file_size_limit: Option<i64>,
    /// Media types of objects; `image/*` is all of a kind.
    #[schema(example = json!(["image/*"]))]
    allowed_mime_types: Option<Vec<String>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Bytes of all its objects at the most; not there when it has no quota, as the two below.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<u64>,
    /// Bytes of its objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_bytes: Option<u64>,
    /// Objects in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_count: Option<u64>,
    #[serde(rename = "type")]
    #[schema(example = "STANDARD")]
    kind: &'static str,
}

/// A bucket to be made, or what of one changes.
#[derive(Deserialize, ToSchema)]
#[schema(as = BucketBody)]
pub(super) struct BucketBody {
    /// The bucket's id; `name` stands for it.
    #[schema(example = "avatars")]
    id: Option<String>,
    #[schema(example = "avatars")]
    name: Option<String>,
    /// Whether everybody may download its objects.
    #[serde(default)]
    public: Option<bool>,
    /// Bytes of an object at the most: a number, or a text such as `20MB`; null for none but the server's.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Object>, example = json!("20MB"))]
    file_size_limit: Option<Value>,
    /// Media types of objects, such as `image/png` or `image/*`; null for all.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["image/*"]))]
    allowed_mime_types: Option<Value>,
    /// Bytes of all its objects at the most, as a number or a text such as `2GB`; null for no quota. Needs the service key.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Object>, example = json!("2GB"))]
    quota: Option<Value>,
}

/// A bucket that was made.
#[derive(Serialize, ToSchema)]
#[schema(as = BucketMade)]
pub(super) struct Made {
    #[schema(example = "avatars")]
    name: String,
}

/// Which buckets are listed.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Buckets at the most; 100 unless it is said.
    limit: Option<u32>,
    /// Buckets to leave out first.
    offset: Option<u32>,
    /// What their names begin with, whatever their case.
    search: Option<String>,
}

/// List buckets
///
/// Those that the caller may see, by name.
#[utoipa::path(
    get,
    path = "/storage/v1/bucket",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(Which),
    responses(
        (status = 200, description = "The buckets", body = Vec<BucketView>),
        (status = 400, description = "`InvalidJWT`, `InvalidRequest`", body = ErrorBody),
    ),
)]
pub(super) async fn list_buckets(who: Who, which: Query<Which>, storage: Data<StorageService>) -> Result<HttpResponse, ApiError> {
    let caller = caller(&who)?;
    let limit = which.limit.unwrap_or(100);
    if limit > MAX_BUCKETS {
        return Err(ApiError::invalid(format_args!("limit must be at most {MAX_BUCKETS}")));
    }
    let search = which.search.as_deref().unwrap_or_default();
    if search.len() > 100 || search.chars().any(char::is_control) {
        return Err(ApiError::invalid("search has at most 100 bytes and no control characters"));
    }
    let buckets = storage.list_buckets(&caller, search, limit, which.offset.unwrap_or(0)).await?;
    Ok(HttpResponse::Ok().json(buckets.into_iter().map(view).collect::<Vec<_>>()))
}

/// Make a bucket
#[utoipa::path(
    post,
    path = "/storage/v1/bucket",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    request_body = BucketBody,
    responses(
        (status = 200, description = "Made", body = Made),
        (status = 400, description = "`Duplicate`, `AccessDenied`, `InvalidKey`, `InvalidRequest`", body = ErrorBody),
    ),
)]
pub(super) async fn create_bucket(who: Who, payload: Payload, storage: Data<StorageService>) -> Result<HttpResponse, ApiError> {
    let caller = caller(&who)?;
    let said: BucketBody = body::json(payload).await?;
    let name = said.id.as_deref().or(said.name.as_deref()).ok_or_else(|| ApiError::invalid("name must be there"))?;
    let name = BucketName::parse(name)?;
    let new = NewBucket {
        public: said.public.unwrap_or(false),
        file_size_limit: said.file_size_limit.as_ref().map(|said| size("file_size_limit", said)).transpose()?.flatten(),
        quota: said.quota.as_ref().map(|said| size("quota", said)).transpose()?,
        allowed_mime_types: said.allowed_mime_types.map(types).transpose()?.flatten(),
        name,
    };
    storage.create_bucket(&caller, &new).await?;
    Ok(HttpResponse::Ok().json(Made { name: new.name.to_string() }))
}

/// Read a bucket
#[utoipa::path(
    get,
    path = "/storage/v1/bucket/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("id" = String, Path, description = "The bucket", example = "avatars")),
    responses(
        (status = 200, description = "The bucket", body = BucketView),
        (status = 400, description = "`NoSuchBucket`, also when it is not for the caller; `InvalidJWT`", body = ErrorBody),
    ),
)]
pub(super) async fn get_bucket(who: Who, request: HttpRequest, storage: Data<StorageService>) -> Result<HttpResponse, ApiError> {
    let bucket = storage.find_bucket(&caller(&who)?, &path::bucket(&request, "bucket/")?).await?;
    Ok(HttpResponse::Ok().json(view(bucket)))
}

/// Change a bucket
///
/// What is not said stays. Objects that are there stay, whatever the new limits are.
#[utoipa::path(
    put,
    path = "/storage/v1/bucket/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("id" = String, Path, description = "The bucket", example = "avatars")),
    request_body = BucketBody,
    responses(
        (status = 200, description = "Changed", body = Message),
        (status = 400, description = "`NoSuchBucket`, `AccessDenied`, `InvalidRequest`", body = ErrorBody),
    ),
)]
pub(super) async fn update_bucket(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, id) = (caller(&who)?, path::bucket(&request, "bucket/")?);
    let said: BucketBody = body::json(payload).await?;
    let changes = BucketChanges {
        public: said.public,
        file_size_limit: said.file_size_limit.as_ref().map(|said| size("file_size_limit", said)).transpose()?,
        quota: said.quota.as_ref().map(|said| size("quota", said)).transpose()?,
        allowed_mime_types: said.allowed_mime_types.map(types).transpose()?,
    };
    storage.update_bucket(&caller, &id, &changes).await?;
    Ok(HttpResponse::Ok().json(Message { message: "Successfully updated" }))
}

/// Delete a bucket
///
/// One that has objects is refused: empty it first.
#[utoipa::path(
    delete,
    path = "/storage/v1/bucket/{id}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("id" = String, Path, description = "The bucket", example = "avatars")),
    responses(
        (status = 200, description = "Deleted", body = Message),
        (status = 400, description = "`NoSuchBucket`, `BucketNotEmpty`, `AccessDenied`", body = ErrorBody),
    ),
)]
pub(super) async fn delete_bucket(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    storage.delete_bucket(&caller(&who)?, &path::bucket(&request, "bucket/")?).await?;
    Ok(HttpResponse::Ok().json(Message { message: "Successfully deleted" }))
}

/// Empty a bucket
///
/// Deletes every object of it. Needs the service key.
#[utoipa::path(
    post,
    path = "/storage/v1/bucket/{id}/empty",
    tag = "storage",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The bucket", example = "avatars")),
    responses(
        (status = 200, description = "It has no objects any more", body = Message),
        (status = 400, description = "`NoSuchBucket`, `AccessDenied`", body = ErrorBody),
    ),
)]
pub(super) async fn empty_bucket(
    who: Who,
    request: HttpRequest,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let emptied = storage.empty_bucket(&caller(&who)?, &path::bucket(&request, "bucket/")?).await?;
    Ok(HttpResponse::Ok().json(json!({ "message": "Successfully emptied", "count": emptied })))
}

/// Tells null from what is not said.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// A size: a number of bytes, or a text with a unit, decimal as Supabase's are.
fn size(field: &str, said: &Value) -> Result<Option<u64>, ApiError> {
    let words = "must be null, a number of bytes, or a text such as \"500KB\", \"20MB\" or \"1GB\"";
    let wrong = || ApiError::invalid(format_args!("{field} {words}"));
    match said {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_u64().map(Some).ok_or_else(wrong),
        Value::String(text) => {
            let text = text.trim();
            let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
            let factor: u32 = match unit.trim().to_ascii_uppercase().as_str() {
                "" | "B" => 1,
                "KB" => 1_000,
                "MB" => 1_000_000,
                "GB" => 1_000_000_000,
                _ => return Err(wrong()),
            };
            let number: f64 = number.parse().map_err(|_| wrong())?;
            let bytes = (number * f64::from(factor)).round();
            // Up to 2^53 a float holds every whole number.
            if (0.0..=9_007_199_254_740_992.0).contains(&bytes) {
                format!("{bytes:.0}").parse().map(Some).map_err(|_| wrong())
            } else {
                Err(wrong())
            }
        }
        _ => Err(wrong()),
    }
}

fn types(said: Value) -> Result<Option<Vec<String>>, ApiError> {
    serde_json::from_value(said).map_err(|_| ApiError::invalid("allowed_mime_types must be null or a list of media types"))
}

fn view(bucket: Bucket) -> BucketView {
    BucketView {
        id: bucket.id,
        name: bucket.name,
        owner: bucket.owner.map(|owner| owner.to_string()).unwrap_or_default(),
        public: bucket.public,
        file_size_limit: bucket.file_size_limit,
        allowed_mime_types: bucket.allowed_mime_types,
        created_at: bucket.created_at,
        updated_at: bucket.updated_at,
        quota: bucket.quota.map(|quota| quota.quota),
        used_bytes: bucket.quota.map(|quota| quota.bytes),
        object_count: bucket.quota.map(|quota| quota.objects),
        kind: "STANDARD",
    }
}
