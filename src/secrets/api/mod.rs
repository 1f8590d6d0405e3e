//! `/admin/v1/secrets`: written and deleted by the operator, never read back.

mod handlers;

use actix_web::Scope;
use utoipa::OpenApi;

use self::handlers::{delete_secret, list_secrets, put_secret};

/// The document of secrets.
#[derive(OpenApi)]
#[openapi(
    paths(handlers::put_secret, handlers::list_secrets, handlers::delete_secret),
    tags((name = "secrets", description = "Secrets that functions are given as variables; never readable back"))
)]
pub struct Doc;

/// Adds them to the scope of `/admin/v1`.
#[must_use]
pub fn admin_routes(scope: Scope) -> Scope {
    scope.service(put_secret).service(list_secrets).service(delete_secret)
}
