//! THE route table: every mount, in reading order.

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use utoipa::OpenApi;

use super::app::App;
use super::{middleware, system};
use crate::api::{Code, Problem, PublicUrl};
use crate::{auth, data, front, functions, lambda, openapi, storage};

/// Mounts everything on one web worker.
pub(super) fn mount(config: &mut ServiceConfig, app: &App) {
    config
        .app_data(Data::new(app.clone()))
        .app_data(Data::new(app.auth.clone()))
        .app_data(Data::new(app.data.clone()))
        .app_data(Data::new(app.functions.clone()))
        .app_data(Data::new(app.schemas.clone()))
        .app_data(Data::new(app.storage.clone()))
        .app_data(Data::new(app.public_url.clone()))
        // The server itself.
        .service(system::live)
        .service(system::ready)
        .service(system::metrics)
        // What the APIs are.
        .service(web::resource("/openapi.json").route(web::get().to(openapi_json)))
        .service(web::redirect("/docs", "/docs/"))
        .configure(openapi::tables)
        .service(openapi::browser())
        // The APIs that apps call.
        .service(auth::api::routes().wrap(from_fn(auth::api::identify)).wrap(middleware::cors()))
        .service(data::api::routes().wrap(from_fn(auth::api::identify)).wrap(middleware::cors()))
        .service(storage::api::routes().wrap(from_fn(auth::api::identify)).wrap(middleware::cors()))
        .service(functions::api::invoke_routes().wrap(from_fn(auth::api::identify)))
        // AWS's APIs, for AWS's clients.
        .configure(lambda::routes)
        // The API that operators call.
        .service(
            data::api::admin_routes(functions::api::admin_routes(web::scope("/admin/v1").service(system::status)))
                .default_service(web::to(no_such_path))
                .wrap(from_fn(auth::api::identify)),
        )
        // Whatever no API claims.
        .default_service(front::site::service(&app.site));
}

/// The document of everything that is mounted here, as JSON, with the server's address when it is known.
#[must_use]
pub fn api_document(server: Option<&str>) -> String {
    openapi::json(openapi::document(system::Doc::openapi()), server)
}

/// Answers the OpenAPI document.
async fn openapi_json(url: Data<PublicUrl>) -> impl Responder {
    HttpResponse::Ok().content_type("application/json").body(api_document(Some(&url.0)))
}

/// Answers a path of the operators' API that does not exist.
async fn no_such_path() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.because("there is no such path; /docs lists those there are"))
}
