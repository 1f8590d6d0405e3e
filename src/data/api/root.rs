//! What there is: the description of the app's tables and functions, as the caller may use them.

use actix_web::http::header;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::ask;
use super::error::{ApiError, ErrorBody};
use crate::api::PublicUrl;
use crate::auth::api::Caller;
use crate::data::openapi;
use crate::data::request::{Media, Offers};
use crate::data::service::{self, DataService};

/// Which version of OpenAPI is wanted.
#[derive(Default, Deserialize)]
pub(super) struct Version {
    openapi: Option<String>,
}

/// Describe the tables
///
/// The live schema as an OpenAPI document, as far as the caller's role may use it: in version 2.0 as PostgREST gives it, with `?openapi=3.1`
/// in version 3.1. The page at `/docs/tables` shows it.
#[utoipa::path(
    method(get, head),
    path = "/rest/v1/",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(("openapi" = Option<String>, Query, description = "`3.1` for that version", example = "3.1")),
    responses(
        (status = 200, description = "The document", body = Object, content_type = "application/openapi+json"),
        (status = 401, description = "No key, or a token that is not valid", body = ErrorBody),
        (status = 406, description = "PGRST106, PGRST107: the schema or the form is not there", body = ErrorBody),
    ),
)]
pub(super) async fn describe(
    caller: Caller,
    http: HttpRequest,
    version: Query<Version>,
    data: Data<DataService>,
    url: Data<PublicUrl>,
) -> Result<HttpResponse, ApiError> {
    let caller = service::Caller::from(caller.require()?);
    ask::schema(&http)?;
    ask::media(&http, Offers::Root)?;
    let described = data.describe(&caller, &format!("{}/rest/v1", url.0));
    let document = match version.openapi.as_deref() {
        Some(version) if version.starts_with('3') => openapi::openapi(&described),
        _ => openapi::swagger(&described),
    };
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, Media::OpenApi.content_type())).body(document.to_string()))
}
