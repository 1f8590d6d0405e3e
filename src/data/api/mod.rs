//! The data API over HTTP.

mod sql;

use actix_web::Scope;
use utoipa::OpenApi;

/// The document of the data API.
#[derive(OpenApi)]
#[openapi(
    paths(sql::run_sql),
    components(schemas(crate::api::StatementError)),
    tags((name = "data", description = "Tables: their definitions, and their rows"))
)]
pub struct Doc;

/// Adds the operator's side to the scope of `/admin/v1`.
#[must_use]
pub fn admin_routes(scope: Scope) -> Scope {
    scope.service(sql::run_sql)
}
