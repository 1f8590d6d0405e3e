//! `POST /auth/v1/token`.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::body::{RawBody, query};
use super::error::{ApiError, ErrorBody};
use super::views::SessionView;
use super::{given, origin};
use crate::api::ClientAddress;
use crate::auth::{AuthService, Error};
use crate::types::Secret;

/// Which kind of credential the body has.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantQuery {
    /// `password` or `refresh_token`.
    #[param(required = true, example = "password")]
    grant_type: Option<String>,
}

/// A credential: `email` and `password`, or `refresh_token`.
#[derive(Deserialize, ToSchema)]
pub(super) struct TokenRequest {
    /// For `grant_type=password`.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// Not supported: answered with `phone_provider_disabled`.
    phone: Option<String>,
    /// For `grant_type=password`.
    #[schema(example = "correct horse battery staple")]
    password: Option<String>,
    /// For `grant_type=refresh_token`.
    refresh_token: Option<String>,
}

/// Sign in, or refresh a session
///
/// A wrong password and an unknown address are answered alike. A refresh answers with the session's current tokens: the one before
/// the current is always good, an older one only for a short while; one that is older still ends the session.
#[utoipa::path(
    post,
    path = "/auth/v1/token",
    tag = "auth",
    params(GrantQuery),
    request_body = TokenRequest,
    security(("apikey" = [])),
    responses(
        (status = 200, description = "The session", body = SessionView),
        (status = 400, description = "`invalid_credentials`, `email_not_confirmed`, `user_banned`, `refresh_token_not_found`, `refresh_token_already_used`, `validation_failed`, `bad_json`", body = ErrorBody),
        (status = 401, description = "No API key, or an unknown one"),
        (status = 413, description = "`request_entity_too_large`", body = ErrorBody),
        (status = 429, description = "`over_request_rate_limit`: too many passwords are waiting to be hashed; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn issue_token(
    request: HttpRequest,
    address: ClientAddress,
    body: RawBody,
    auth: Data<AuthService>,
) -> Result<Json<SessionView>, ApiError> {
    let signed_in = match query::<GrantQuery>(&request)?.grant_type.as_deref() {
        Some("password") => {
            let (email, password) = body.json::<TokenRequest>()?.password()?;
            auth.sign_in(&email, password, origin(&request, address)).await?
        }
        Some("refresh_token") => auth.refresh(&body.json::<TokenRequest>()?.refresh_token()?).await?,
        Some("pkce" | "id_token" | "web3") => {
            return Err(ApiError::invalid("unsupported_grant_type: this server takes grant_type password and refresh_token"));
        }
        _ => return Err(ApiError::invalid("unsupported_grant_type: grant_type must be password or refresh_token")),
    };
    Ok(Json(signed_in.into()))
}

impl TokenRequest {
    fn password(self) -> Result<(String, Secret<String>), ApiError> {
        match (given(self.email), given(self.phone)) {
            (Some(_), Some(_)) => Err(ApiError::invalid("Only an email address or phone number should be provided on login.")),
            (None, Some(_)) => Err(Error::PhoneDisabled.into()),
            (None, None) => Err(ApiError::invalid("missing email or phone")),
            (Some(email), None) => Ok((email, Secret::new(self.password.unwrap_or_default()))),
        }
    }

    fn refresh_token(self) -> Result<String, ApiError> {
        given(self.refresh_token).ok_or_else(|| ApiError::invalid("refresh_token required"))
    }
}
