//! `/rest/v1`, as PostgREST's clients speak it.

mod answer;
mod ask;
mod error;
mod migrations;
mod root;
mod rpc;
mod sql;
mod statement;
mod table;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Scope, web};
use utoipa::OpenApi;

use self::error::ApiError;
use super::request::Fault;
use crate::auth::api::require_key;

/// The document of `/rest/v1`: what every table and function has in common. What an app's own are is at `GET /rest/v1/`.
#[derive(OpenApi)]
#[openapi(
    paths(
        root::describe,
        table::read_rows,
        table::insert_rows,
        table::update_rows,
        table::put_row,
        table::delete_rows,
        rpc::call_function,
        rpc::query_function,
        sql::run_sql,
        migrations::list_migrations,
        migrations::apply_migrations,
    ),
    components(schemas(error::ErrorBody, crate::api::StatementError)),
    tags((name = "data", description = "Tables, views and SQL functions of the app, as PostgREST's clients know them"))
)]
pub struct Doc;

/// Everything under `/rest/v1`. The server wraps it in `auth::api::identify`.
pub fn routes() -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::scope("/rest/v1")
        .service(
            web::resource(["", "/"])
                .route(web::get().to(root::describe))
                .route(web::head().to(root::describe))
                .default_service(web::to(no_such_method)),
        )
        .service(
            web::resource("/rpc/{function}")
                .route(web::get().to(rpc::query_function))
                .route(web::head().to(rpc::query_function))
                .route(web::post().to(rpc::call_function))
                .route(web::method(actix_web::http::Method::OPTIONS).to(rpc::options))
                .default_service(web::to(rpc::no_such_method)),
        )
        .service(
            web::resource("/{relation}")
                .route(web::get().to(table::read_rows))
                .route(web::head().to(table::read_rows))
                .route(web::post().to(table::insert_rows))
                .route(web::patch().to(table::update_rows))
                .route(web::put().to(table::put_row))
                .route(web::delete().to(table::delete_rows))
                .route(web::method(actix_web::http::Method::OPTIONS).to(table::options))
                .default_service(web::to(no_such_method)),
        )
        .default_service(web::to(no_such_path))
        .wrap(from_fn(require_key))
}

/// Adds the operator's side to the scope of `/admin/v1`.
#[must_use]
pub fn admin_routes(scope: Scope) -> Scope {
    scope.service(sql::run_sql).service(migrations::list_migrations).service(migrations::apply_migrations)
}

async fn no_such_path() -> Result<HttpResponse, ApiError> {
    Err(Fault::Path.into())
}

async fn no_such_method(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(Fault::Method(request.method().to_string()).into())
}
