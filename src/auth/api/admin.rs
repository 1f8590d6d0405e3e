//! `/auth/v1/admin/users`: the server's owner manages users.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Caller;
use super::body::{RawBody, query};
use super::error::{ApiError, ErrorBody};
use super::given;
use super::views::UserView;
use crate::api::MAX_PAGE;
use crate::auth::model::{AUDIENCE, Metadata};
use crate::auth::principal::Role;
use crate::auth::{AdminUser, AuthService, Page};
use crate::types::UserId;

/// What a user shall be; what is absent stays, or is as it is for a new user.
#[derive(Deserialize, ToSchema)]
pub(super) struct AdminUserRequest {
    /// For a new user alone: the id to have.
    #[schema(value_type = Option<uuid::Uuid>)]
    id: Option<String>,
    /// A new user has an address or a number.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// In E.164, with or without the `+`.
    #[schema(example = "+15550123456")]
    phone: Option<String>,
    /// A new one ends all of the user's sessions.
    #[schema(example = "correct horse battery staple")]
    password: Option<String>,
    /// Not supported.
    password_hash: Option<String>,
    /// Confirms the address.
    #[schema(example = true)]
    email_confirm: Option<bool>,
    /// Confirms the number.
    phone_confirm: Option<bool>,
    /// Laid over what is there: a null takes a key away. At most 64 KiB of JSON in all.
    #[schema(value_type = Option<Object>, example = json!({"name": "Ada"}))]
    user_metadata: Option<Metadata>,
    /// Laid over what is there: a null takes a key away. At most 4 KiB of JSON in all, since it stands in every access token.
    #[schema(value_type = Option<Object>, example = json!({"plan": "pro"}))]
    app_metadata: Option<Metadata>,
    /// `24h`, `1h30m` and so on, or `none`.
    #[schema(example = "none")]
    ban_duration: Option<String>,
    /// `authenticated`, `anon` or `service_role`.
    #[schema(example = "authenticated")]
    role: Option<String>,
}

/// How a user is deleted.
#[derive(Deserialize, ToSchema)]
pub(super) struct DeleteUserRequest {
    /// Must be false or absent: a deleted user is gone.
    should_soft_delete: Option<bool>,
}

/// A part of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// From 1.
    #[param(value_type = Option<u32>, example = 1)]
    page: Option<String>,
    /// At most 1000; 50 if absent.
    #[param(value_type = Option<u32>, example = 50)]
    per_page: Option<String>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(super) struct UserList {
    users: Vec<UserView>,
    #[schema(example = "authenticated")]
    aud: &'static str,
}

/// Make a user
///
/// Nobody is signed in by this. An address that is not confirmed (`email_confirm`) cannot sign in.
#[utoipa::path(
    post,
    path = "/auth/v1/admin/users",
    tag = "auth",
    request_body = AdminUserRequest,
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 400, description = "`bad_json`, `validation_failed`", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`not_admin`, `bad_jwt`", body = ErrorBody),
        (status = 422, description = "`email_exists`, `phone_exists`, `weak_password`", body = ErrorBody),
        (status = 429, description = "`over_request_rate_limit`: too many passwords are waiting to be hashed; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn create_user(caller: Caller, body: RawBody, auth: Data<AuthService>) -> Result<Json<UserView>, ApiError> {
    caller.require_service_bearer()?;
    let account = auth.create_user(body.json::<AdminUserRequest>()?.checked()?).await?;
    Ok(Json(account.into()))
}

/// List users, the newest first
///
/// `X-Total-Count` says how many there are, `Link` where the next and the last page are.
#[utoipa::path(
    get,
    path = "/auth/v1/admin/users",
    tag = "auth",
    params(PageQuery),
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The page", body = UserList, headers(
            ("X-Total-Count" = u64, description = "How many users there are"),
            ("Link" = String, description = "The next page, if there is one, and the last"),
        )),
        (status = 400, description = "`validation_failed`", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`not_admin`, `bad_jwt`", body = ErrorBody),
    )
)]
pub(super) async fn list_users(caller: Caller, request: HttpRequest, auth: Data<AuthService>) -> Result<HttpResponse, ApiError> {
    caller.require_service_bearer()?;
    let page = query::<PageQuery>(&request)?.checked()?;
    let (accounts, total) = auth.users(page).await?;
    let list = UserList { users: accounts.into_iter().map(UserView::from).collect(), aud: AUDIENCE };
    Ok(HttpResponse::Ok()
        .insert_header(("X-Total-Count", total.to_string()))
        .insert_header((header::LINK, links(page, total)))
        .json(list))
}

/// Get a user
#[utoipa::path(
    get,
    path = "/auth/v1/admin/users/{id}",
    tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The user's id")),
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`not_admin`, `bad_jwt`", body = ErrorBody),
        (status = 404, description = "`user_not_found`; `validation_failed` if the id is not a UUID", body = ErrorBody),
    )
)]
pub(super) async fn get_user_by_id(
    caller: Caller,
    path: Path<String>,
    auth: Data<AuthService>,
) -> Result<Json<UserView>, ApiError> {
    caller.require_service_bearer()?;
    let account = auth.user(user_id(&path)?).await?;
    Ok(Json(account.into()))
}

/// Change a user
///
/// A ban and a role count from now on, for the tokens that are out as well. A new password ends all of the user's sessions.
#[utoipa::path(
    put,
    path = "/auth/v1/admin/users/{id}",
    tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The user's id")),
    request_body = AdminUserRequest,
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "The user, changed", body = UserView),
        (status = 400, description = "`bad_json`, `validation_failed`", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`not_admin`, `bad_jwt`", body = ErrorBody),
        (status = 404, description = "`user_not_found`; `validation_failed` if the id is not a UUID", body = ErrorBody),
        (status = 422, description = "`email_exists`, `phone_exists`, `weak_password`", body = ErrorBody),
        (status = 429, description = "`over_request_rate_limit`: too many passwords are waiting to be hashed; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn update_user_by_id(
    caller: Caller,
    path: Path<String>,
    body: RawBody,
    auth: Data<AuthService>,
) -> Result<Json<UserView>, ApiError> {
    caller.require_service_bearer()?;
    let id = user_id(&path)?;
    let account = auth.update_user(id, body.json::<AdminUserRequest>()?.checked()?).await?;
    Ok(Json(account.into()))
}

/// Delete a user
///
/// The user's identities and sessions go with the user; tokens that are out are refused.
#[utoipa::path(
    delete,
    path = "/auth/v1/admin/users/{id}",
    tag = "auth",
    params(("id" = uuid::Uuid, Path, description = "The user's id")),
    request_body = Option<DeleteUserRequest>,
    security(("apikey" = [], "bearer" = [])),
    responses(
        (status = 200, description = "Deleted; the body is `{}`", body = Object),
        (status = 400, description = "`bad_json`, `validation_failed`", body = ErrorBody),
        (status = 401, description = "`no_authorization`: there is no bearer; or no API key", body = ErrorBody),
        (status = 403, description = "`not_admin`, `bad_jwt`", body = ErrorBody),
        (status = 404, description = "`user_not_found`; `validation_failed` if the id is not a UUID", body = ErrorBody),
    )
)]
pub(super) async fn delete_user(
    caller: Caller,
    path: Path<String>,
    body: RawBody,
    auth: Data<AuthService>,
) -> Result<Json<serde_json::Value>, ApiError> {
    caller.require_service_bearer()?;
    let id = user_id(&path)?;
    if !body.is_empty() && body.json::<DeleteUserRequest>()?.should_soft_delete == Some(true) {
        return Err(ApiError::invalid("should_soft_delete: must be false; a deleted user is gone"));
    }
    auth.delete_user(id).await?;
    Ok(Json(serde_json::json!({})))
}

fn user_id(text: &str) -> Result<UserId, ApiError> {
    text.parse().map_err(|_| ApiError::new(StatusCode::NOT_FOUND, "validation_failed", "user_id must be an UUID"))
}

/// The SDK takes the first character after the first `=` as the page's number: `page` stands first.
fn links(page: Page, total: u64) -> String {
    let last = total.div_ceil(u64::from(page.size)).max(1);
    let link = |number: u64, rel: &str| format!("</admin/users?page={number}&per_page={}>; rel=\"{rel}\"", page.size);
    let next = (u64::from(page.number) < last).then(|| link(u64::from(page.number) + 1, "next"));
    next.into_iter().chain([link(last, "last")]).collect::<Vec<_>>().join(", ")
}

impl PageQuery {
    fn checked(self) -> Result<Page, ApiError> {
        let number = |text: Option<String>, field: &str, default: u32, max: u32| match given(text) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| (1..=max).contains(number)).ok_or_else(|| {
                ApiError::invalid(format!("Bad Pagination Parameters: {field} must be a whole number from 1 to {max}"))
            }),
        };
        Ok(Page { number: number(self.page, "page", 1, u32::MAX)?, size: number(self.per_page, "per_page", 50, MAX_PAGE)? })
    }
}

impl AdminUserRequest {
    fn checked(self) -> Result<AdminUser, ApiError> {
        if self.password_hash.is_some() {
            return Err(ApiError::invalid("password_hash: is not supported; give a password"));
        }
        let id = |text: String| text.parse().map_err(|_| ApiError::invalid("id: must be a UUID"));
        let role = |name: String| {
            Role::parse(&name).ok_or_else(|| ApiError::invalid("role: must be authenticated, anon or service_role"))
        };
        Ok(AdminUser {
            id: given(self.id).map(id).transpose()?,
            email: given(self.email).map(|email| email.parse()).transpose()?,
            phone: given(self.phone).map(|phone| phone.parse()).transpose()?,
            password: given(self.password),
            email_confirm: self.email_confirm.unwrap_or(false),
            phone_confirm: self.phone_confirm.unwrap_or(false),
            user_metadata: self.user_metadata,
            app_metadata: self.app_metadata,
            role: given(self.role).map(role).transpose()?,
            ban: given(self.ban_duration).map(|length| length.parse()).transpose()?,
        })
    }
}
