//! `/auth/v1`, as GoTrue's clients speak it.

mod admin;
mod body;
mod caller;
mod error;
mod info;
mod logout;
mod signup;
mod token;
mod user;
mod views;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, Resource, Scope, web};
use utoipa::OpenApi;

pub use self::caller::{Caller, identify, require_key};
use self::error::ApiError;
use crate::api::ClientAddress;
use crate::auth::model::Origin;

/// The document of `/auth/v1`.
#[derive(OpenApi)]
#[openapi(
    paths(
        signup::sign_up,
        token::issue_token,
        user::get_user,
        user::update_user,
        logout::log_out,
        info::get_auth_settings,
        info::get_auth_health,
        info::get_jwks,
        admin::create_user,
        admin::list_users,
        admin::get_user_by_id,
        admin::update_user_by_id,
        admin::delete_user,
    ),
    components(schemas(error::ErrorBody, error::WeakPassword, views::IdentityView)),
    tags((name = "auth", description = "Users, sessions and tokens, as Supabase's clients know them"))
)]
pub struct Doc;

/// Everything under `/auth/v1`. The server wraps it in [`identify`].
pub fn routes() -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let with_key = web::scope("")
        .service(resource("/signup").route(web::post().to(signup::sign_up)))
        .service(resource("/token").route(web::post().to(token::issue_token)))
        .service(resource("/user").route(web::get().to(user::get_user)).route(web::put().to(user::update_user)))
        .service(resource("/logout").route(web::post().to(logout::log_out)))
        .service(resource("/settings").route(web::get().to(info::get_auth_settings)))
        .service(resource("/admin/users").route(web::get().to(admin::list_users)).route(web::post().to(admin::create_user)))
        .service(
            resource("/admin/users/{id}")
                .route(web::get().to(admin::get_user_by_id))
                .route(web::put().to(admin::update_user_by_id))
                .route(web::delete().to(admin::delete_user)),
        )
        .default_service(web::to(no_such_path))
        .wrap(from_fn(require_key));

    web::scope("/auth/v1")
        .service(resource("/health").route(web::get().to(info::get_auth_health)))
        .service(resource("/.well-known/jwks.json").route(web::get().to(info::get_jwks)))
        .service(with_key)
        .wrap(from_fn(error::versioned))
}

fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_such_method))
}

async fn no_such_path() -> Result<&'static str, ApiError> {
    Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is no such path under /auth/v1"))
}

async fn no_such_method(request: HttpRequest) -> Result<&'static str, ApiError> {
    let message = format!("{} is not allowed here", request.method());
    Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
}

/// Where the request comes from, to be kept with the session it begins.
fn origin(request: &HttpRequest, address: ClientAddress) -> Origin {
    const LONGEST: usize = 256;
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Origin { user_agent: agent.map(|agent| agent.chars().take(LONGEST).collect()), ip: address.0 }
}

/// A text that is there and not empty: GoTrue takes an empty one as absent.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
