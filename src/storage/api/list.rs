//! Listing objects.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::{Who, body, caller, path};
use crate::storage::StorageService;
use crate::storage::model::{Column, Cursor, Entry, Flat, Folder, ListRequest, Object, ObjectName, PageRequest, Sort};
use crate::types::Timestamp;

/// Lines of a listing at the most, and where it may begin.
const MAX_LIMIT: u32 = 10_000;
const MAX_PAGE: u32 = 1000;
const MAX_OFFSET: u32 = 10_000_000;

/// What is listed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListBody {
    /// The folder.
    #[schema(example = "ada")]
    prefix: Option<String>,
    /// Lines at the most; 100 unless it is said.
    #[schema(maximum = 10_000)]
    limit: Option<u32>,
    /// Lines to leave out first.
    offset: Option<u32>,
    sort_by: Option<SortBy>,
    /// What names in the folder begin with, whatever their case.
    search: Option<String>,
}

/// The order of a listing.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct SortBy {
    /// `name`, `created_at`, `updated_at` or `last_accessed_at`.
    #[schema(example = "name")]
    column: Option<String>,
    /// `asc` or `desc`.
    #[schema(example = "asc")]
    order: Option<String>,
}

/// A line of a listing. A folder has a name alone.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageListEntry)]
pub(super) struct ListEntry {
    /// Within the folder.
    #[schema(example = "portrait.png")]
    name: String,
    id: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_accessed_at: Option<Timestamp>,
    /// What the server knows: `size`, `mimetype`, `eTag`, `cacheControl`, `lastModified`.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// List a folder
///
/// Its folders first, then its objects: those that the caller may see.
#[utoipa::path(
    post,
    path = "/storage/v1/object/list/{bucket}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("bucket" = String, Path, description = "The bucket", example = "avatars")),
    request_body = ListBody,
    responses(
        (status = 200, description = "The lines", body = Vec<ListEntry>),
        (status = 400, description = "`NoSuchBucket`, `InvalidRequest`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
    ),
)]
pub(super) async fn list_objects(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, bucket) = (caller(&who)?, path::bucket(&request, "object/list/")?);
    let said: ListBody = body::json(payload).await?;
    let mut folder = ObjectName::parse_prefix(said.prefix.as_deref().unwrap_or_default())?;
    if !folder.is_empty() && !folder.ends_with('/') {
        folder.push('/');
    }
    let mut search = ObjectName::parse_prefix(said.search.as_deref().unwrap_or_default())?;
    if let Some(slash) = search.rfind('/') {
        // A search may lead further down, as `sub/na` does.
        let below = search.split_off(slash + 1);
        folder.push_str(&search);
        search = below;
    }
    let asked = ListRequest {
        bucket,
        folder,
        search,
        sort: sort(said.sort_by.as_ref())?,
        limit: within("limit", said.limit.unwrap_or(100), MAX_LIMIT)?,
        offset: within("offset", said.offset.unwrap_or(0), MAX_OFFSET)?,
    };
    let entries: Vec<ListEntry> = storage.list(&caller, &asked).await?.into_iter().map(line).collect();
    Ok(HttpResponse::Ok().json(entries))
}

/// What of a bucket is listed.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct PageBody {
    /// What names begin with; a part of one will do.
    #[schema(example = "ada/")]
    prefix: Option<String>,
    /// Objects and folders at the most; 1000 unless it is said.
    #[schema(maximum = 1000)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Whether names with a further `/` are put together as folders.
    with_delimiter: Option<bool>,
    /// By `name`, ascending, unless it is said. By time, folders come first.
    #[serde(rename = "sortBy")]
    sort_by: Option<SortBy>,
}

/// A page of a bucket.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoragePage)]
pub(super) struct PageView {
    /// Whether there is more.
    has_next: bool,
    folders: Vec<FolderView>,
    objects: Vec<ObjectView>,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What lies deeper, put together.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageFolder)]
pub(super) struct FolderView {
    #[schema(example = "ada/drafts/")]
    name: String,
    /// The same without the `/` at its end.
    #[schema(example = "ada/drafts")]
    key: String,
}

/// An object of a page.
#[derive(Serialize, ToSchema)]
#[schema(as = StorageObject)]
pub(super) struct ObjectView {
    id: String,
    /// The whole name.
    #[schema(example = "ada/portrait.png")]
    name: String,
    /// The same.
    #[schema(example = "ada/portrait.png")]
    key: String,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_accessed_at: Timestamp,
    /// What the server knows.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// List a bucket, a page at a time
///
/// Those that the caller may see. With `with_delimiter` what lies deeper is put together as folders.
#[utoipa::path(
    post,
    path = "/storage/v1/object/list-v2/{bucket}",
    tag = "storage",
    security(("bearer" = []), ("apikey" = [])),
    params(("bucket" = String, Path, description = "The bucket", example = "avatars")),
    request_body = PageBody,
    responses(
        (status = 200, description = "A page", body = PageView),
        (status = 400, description = "`NoSuchBucket`, `InvalidRequest`, `InvalidKey`, `InvalidJWT`", body = ErrorBody),
    ),
)]
pub(super) async fn list_objects_v2(
    who: Who,
    request: HttpRequest,
    payload: Payload,
    storage: Data<StorageService>,
) -> Result<HttpResponse, ApiError> {
    let (caller, bucket) = (caller(&who)?, path::bucket(&request, "object/list-v2/")?);
    let said: PageBody = body::json(payload).await?;
    let sort = sort(said.sort_by.as_ref())?;
    let cursor = said.cursor.as_deref().filter(|cursor| !cursor.is_empty()).map(after).transpose()?;
    let is_by_name = sort.column == Column::Name;
    let asked = PageRequest {
        bucket,
        prefix: ObjectName::parse_prefix(said.prefix.as_deref().unwrap_or_default())?,
        by_folder: said.with_delimiter.unwrap_or(false),
        limit: within("limit", said.limit.unwrap_or(MAX_PAGE), MAX_PAGE)?.max(1),
        after: cursor.clone().filter(|_| is_by_name),
    };
    let (entries, next) = if is_by_name {
        let page =
            if sort.descending { storage.page_down(&caller, &asked).await? } else { storage.page(&caller, &asked).await? };
        (page.entries, page.next)
    } else {
        let from = cursor.as_deref().map(moment).transpose()?;
        let (entries, next) = storage.page_by_time(&caller, &asked, sort, from).await?;
        (entries, next.map(|next| written(&next)))
    };
    let (mut folders, mut objects) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Flat::Folder(Folder(name)) => {
                folders.push(FolderView { key: name.trim_end_matches('/').to_owned(), name });
            }
            Flat::Object(object) => objects.push(view(*object)),
        }
    }
    let next_cursor = next.map(|next| URL_SAFE_NO_PAD.encode(next));
    Ok(HttpResponse::Ok().json(PageView { has_next: next_cursor.is_some(), folders, objects, next_cursor }))
}

fn after(cursor: &str) -> Result<String, ApiError> {
    let name = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.filter(|name| !name.chars().any(char::is_control)).ok_or_else(other_cursor)
}

/// A cursor of an order by time: `folder/name`, or `object/time/name`.
fn moment(cursor: &str) -> Result<Cursor, ApiError> {
    let read = || match cursor.split_once('/')? {
        ("folder", name) => Some(Cursor::Folder(name.to_owned())),
        ("object", rest) => {
            let (at, name) = rest.split_once('/')?;
            Some(Cursor::Object(at.parse().ok()?, name.to_owned()))
        }
        _ => None,
    };
    read().ok_or_else(other_cursor)
}

fn written(cursor: &Cursor) -> String {
    match cursor {
        Cursor::Folder(name) => format!("folder/{name}"),
        Cursor::Object(at, name) => format!("object/{}/{name}", at.rfc3339()),
    }
}

fn other_cursor() -> ApiError {
    ApiError::invalid("cursor must be the nextCursor of the page before, in the same order")
}

fn sort(said: Option<&SortBy>) -> Result<Sort, ApiError> {
    let column = match said.and_then(|said| said.column.as_deref()).unwrap_or("name") {
        "name" => Column::Name,
        "created_at" => Column::CreatedAt,
        "updated_at" => Column::UpdatedAt,
        "last_accessed_at" => Column::LastAccessedAt,
        _ => return Err(ApiError::invalid("sortBy.column must be name, created_at, updated_at or last_accessed_at")),
    };
    let descending = match said.and_then(|said| said.order.as_deref()).unwrap_or("asc") {
        "asc" => false,
        "desc" => true,
        _ => return Err(ApiError::invalid("sortBy.order must be asc or desc")),
    };
    Ok(Sort { column, descending })
}

fn within(field: &str, value: u32, most: u32) -> Result<u32, ApiError> {
    if value <= most { Ok(value) } else { Err(ApiError::invalid(format_args!("{field} must be at most {most}"))) }
}

fn line(entry: Entry) -> ListEntry {
    match entry {
        Entry::Folder(name) => {
            ListEntry { name, id: None, updated_at: None, created_at: None, last_accessed_at: None, metadata: None }
        }
        Entry::Object(name, object) => ListEntry {
            name,
            id: Some(object.id.to_string()),
            updated_at: Some(object.updated_at),
            created_at: Some(object.created_at),
            last_accessed_at: Some(object.last_accessed_at),
            metadata: Some(object.metadata),
        },
    }
}

fn view(object: Object) -> ObjectView {
    ObjectView {
        id: object.id.to_string(),
        key: object.name.clone(),
        name: object.name,
        updated_at: object.updated_at,
        created_at: object.created_at,
        last_accessed_at: object.last_accessed_at,
        metadata: object.metadata,
    }
}
