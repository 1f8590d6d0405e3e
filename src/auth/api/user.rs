//! `GET` and `PUT /auth/v1/user`.

use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Caller;
use super::body::RawBody;
use super::error::{ApiError, ErrorBody};
use super::given;
use super::views::UserView;
use crate::auth::model::Metadata;
use crate::auth::{AuthService, Error, UserChanges};

/// What a user changes; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserRequest {
    /// Takes the place of the old address at once.
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    /// Not supported: answered with `phone_provider_disabled`.
    phone: Option<String>,
    /// Ends the user's other sessions.
    #[schema(example = "a new and better password")]
    password: Option<String>,
    /// Laid over `user_metadata`: a null takes a key away. At most 64 KiB of JSON in all.
    #[schema(value_type = Option<Object>, example = json!({"name": "Ada Lovelace"}))]
    data: Option<Metadata>,
    /// Only the service key may change it, by `/auth/v1/admin/users`.
    #[schema(value_type = Option<Object>)]
    app_metadata: Option<Metadata>,
    /// Accepted and not needed.
    #[expect(dead_code, reason = "part of the contract: clients send it")]
    nonce: Option<String>,
}

/// Get the signed-in user
#[utoipa::path(
    get,
    path = "/auth/v1/user",
    tag = "auth",
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`bad_jwt`, `session_not_found`, `user_not_found`, `user_banned`", body = ErrorBody),
    )
)]
pub(super) async fn get_user(caller: Caller, auth: Data<AuthService>) -> Result<Json<UserView>, ApiError> {
    let account = auth.own_account(caller.require_user()?).await?;
    Ok(Json(account.into()))
}

/// Change the signed-in user
///
/// A new password ends the user's other sessions. An anonymous user becomes a permanent one by an address.
#[utoipa::path(
    put,
    path = "/auth/v1/user",
    tag = "auth",
    request_body = UserRequest,
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The user, changed", body = UserView),
        (status = 400, description = "`bad_json`, `validation_failed`, `phone_provider_disabled`", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`bad_jwt`, `session_not_found`, `user_not_found`, `user_banned`, `not_admin`", body = ErrorBody),
        (status = 413, description = "`request_entity_too_large`", body = ErrorBody),
        (status = 422, description = "`email_exists`, `same_password`, `weak_password`, `validation_failed`", body = ErrorBody),
        (status = 429, description = "`over_request_rate_limit`: too many passwords are waiting to be hashed; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn update_user(caller: Caller, body: RawBody, auth: Data<AuthService>) -> Result<Json<UserView>, ApiError> {
    let user = caller.require_user()?;
    let account = auth.update_own_account(user, body.json::<UserRequest>()?.checked()?).await?;
    Ok(Json(account.into()))
}

impl UserRequest {
    fn checked(self) -> Result<UserChanges, ApiError> {
        if self.app_metadata.is_some() {
            return Err(Error::AdminOnly("app_metadata").into());
        }
        Ok(UserChanges {
            email: given(self.email).map(|email| email.parse()).transpose()?,
            phone: given(self.phone).map(|phone| phone.parse()).transpose()?,
            password: given(self.password),
            data: self.data,
        })
    }
}
