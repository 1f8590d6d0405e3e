//! `POST /auth/v1/logout`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Caller;
use super::body::query;
use super::error::{ApiError, ErrorBody};
use crate::auth::{AuthService, Scope};

/// Which sessions end.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ScopeQuery {
    /// `global` (the default): all of the user's; `local`: this one; `others`: all but this one.
    #[param(example = "local")]
    scope: Option<String>,
}

/// Sign out
///
/// The sessions are over when this answers: their access tokens and refresh tokens are refused from then on.
#[utoipa::path(
    post,
    path = "/auth/v1/logout",
    tag = "auth",
    params(ScopeQuery),
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 400, description = "`validation_failed`: an unknown scope", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`bad_jwt`, `session_not_found`, `user_not_found`, `user_banned`", body = ErrorBody),
    )
)]
pub(super) async fn log_out(caller: Caller, request: HttpRequest, auth: Data<AuthService>) -> Result<HttpResponse, ApiError> {
    let user = caller.require_user()?;
    let scope = match query::<ScopeQuery>(&request)?.scope.as_deref() {
        None | Some("" | "global") => Scope::Global,
        Some("local") => Scope::Local,
        Some("others") => Scope::Others,
        Some(_) => return Err(ApiError::invalid("Unsupported logout scope: scope must be global, local or others")),
    };
    auth.sign_out(user, scope).await?;
    Ok(HttpResponse::NoContent().finish())
}
