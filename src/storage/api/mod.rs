//! `/storage/v1`, as Supabase's storage clients speak it.

mod body;
mod buckets;
mod change;
mod download;
mod error;
mod headers;
mod info;
mod list;
mod path;
mod routes;
mod sign;
mod upload;

use utoipa::OpenApi;

use self::error::ApiError;
pub use self::routes::routes;
use super::model::{Caller, InvalidName};
use crate::auth::api::Caller as Who;

/// The document of `/storage/v1`.
#[derive(OpenApi)]
#[openapi(
    paths(
        buckets::list_buckets,
        buckets::create_bucket,
        buckets::get_bucket,
        buckets::update_bucket,
        buckets::delete_bucket,
        buckets::empty_bucket,
        upload::plain::upload_object,
        upload::plain::replace_object,
        upload::resumable::resumable_options,
        upload::resumable::begin_resumable,
        upload::resumable::resumable_progress,
        upload::resumable::continue_resumable,
        upload::resumable::end_resumable,
        upload::signed::signed_resumable_options,
        upload::signed::begin_signed_resumable,
        upload::signed::signed_resumable_progress,
        upload::signed::continue_signed_resumable,
        upload::signed::end_signed_resumable,
        download::download_object,
        download::download_authenticated,
        download::download_public,
        info::get_object_info,
        info::get_public_object_info,
        list::list_objects,
        list::list_objects_v2,
        change::move_object,
        change::copy_object,
        change::delete_objects,
        change::delete_object,
        sign::sign_object,
        sign::sign_objects,
        sign::download_signed,
        sign::sign_upload,
        sign::upload_signed,
    ),
    components(schemas(error::ErrorBody)),
    tags((name = "storage", description = "Files in buckets, as Supabase's clients know them"))
)]
pub struct Doc;

/// Whose rights a request has.
fn caller(who: &Who) -> Result<Caller, ApiError> {
    Ok(Caller::from(who.require()?))
}
