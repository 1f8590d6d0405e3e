//! THE route table: every mount, in reading order.

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
use utoipa::OpenApi;

use super::app::App;
use super::{front_api, middleware, system};
use crate::api::{Code, Problem, PublicUrl};
use crate::front::Front;
use crate::{auth, data, functions, lambda, openapi, secrets, sqs, storage};

/// Mounts everything on one web worker.
pub(super) fn mount(config: &mut ServiceConfig, app: &App) {
    config
        .app_data(Data::new(app.clone()))
        .app_data(Data::new(app.auth.clone()))
        .app_data(Data::new(app.data.clone()))
        .app_data(Data::new(app.functions.clone()))
        .app_data(Data::new(app.functions.secrets().clone()))
        .app_data(Data::new(app.queues.clone()))
        .app_data(Data::new(app.schemas.clone()))
        .app_data(Data::new(app.storage.clone()))
        .app_data(Data::new(app.s3.clone()))
        .app_data(Data::new(app.public_url.clone()))
        .app_data(Data::new(app.front.clone()))
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
        // Before the paths that it stands below.
        .service(storage::s3::routes().wrap(middleware::cors()))
        .service(storage::api::routes().wrap(from_fn(auth::api::identify)).wrap(middleware::cors()))
        .service(functions::api::invoke_routes().wrap(from_fn(auth::api::identify)))
        // AWS's APIs, for AWS's clients.
        .configure(lambda::routes)
        .configure(sqs::routes)
        // The API that operators call.
        .service(
            front_api::routes(secrets::api::admin_routes(data::api::admin_routes(functions::api::admin_routes(
                web::scope("/admin/v1").service(system::status).service(system::reload),
            ))))
            .default_service(web::to(no_such_path))
            .wrap(from_fn(auth::api::identify)),
        )
        // Whatever no API claims.
        .default_service(web::to(whatever_no_api_claims));
}

/// The document of everything that is mounted here, as JSON, with the server's address when it is known.
#[must_use]
pub fn api_document(server: Option<&str>) -> String {
    let mut own = system::Doc::openapi();
    own.merge(front_api::Doc::openapi());
    openapi::json(openapi::document(own), server)
}

/// Answers with what the sites have at the path.
async fn whatever_no_api_claims(request: HttpRequest, payload: Payload, front: Data<Front>) -> HttpResponse {
    front.serve(request, payload.into_inner()).await
}

/// Answers the OpenAPI document.
async fn openapi_json(url: Data<PublicUrl>) -> impl Responder {
    HttpResponse::Ok().content_type("application/json").body(api_document(Some(&url.0)))
}

/// Answers a path of the operators' API that does not exist.
async fn no_such_path() -> Result<HttpResponse, Problem> {
    Err(Code::NotFound.because("there is no such path; /docs lists those there are"))
}
