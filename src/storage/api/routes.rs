//! The paths of the API.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, Scope, guard, web};

use super::error::ApiError;
use super::upload::{resumable, signed};
use super::{buckets, change, download, info, list, sign, upload};
use crate::auth::api::require_key;

/// Everything under `/storage/v1`. The server wraps it in `auth::api::identify`. What needs no key stands first.
pub fn routes() -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let is_read = || guard::Any(guard::Get()).or(guard::Head());
    let open = |path: &str| web::resource(path).guard(is_read());
    web::scope("/storage/v1")
        .service(open("/object/public/{bucket}/{name:.*}").route(web::route().to(download::download_public)))
        .service(open("/object/info/public/{bucket}/{name:.*}").route(web::route().to(info::get_public_object_info)))
        .service(open("/object/sign/{bucket}/{name:.*}").route(web::route().to(sign::download_signed)))
        .service(
            web::resource("/object/upload/sign/{bucket}/{name:.*}")
                .guard(guard::Put())
                .route(web::route().to(sign::upload_signed)),
        )
        .service(in_steps())
        .service(with_key())
}

/// Clients of tus send a user's token alone, or a signed URL's.
fn in_steps() -> Scope {
    web::scope("/upload/resumable")
        .service(
            resource("/sign/{id}")
                .route(web::head().to(signed::signed_resumable_progress))
                .route(web::patch().to(signed::continue_signed_resumable))
                .route(web::delete().to(signed::end_signed_resumable))
                .route(web::post().to(signed::override_signed_resumable))
                .route(options().to(signed::signed_resumable_options)),
        )
        .service(
            resource("/sign")
                .route(web::post().to(signed::begin_signed_resumable))
                .route(options().to(signed::signed_resumable_options)),
        )
        .service(
            resource("/{id}")
                .route(web::head().to(resumable::resumable_progress))
                .route(web::patch().to(resumable::continue_resumable))
                .route(web::delete().to(resumable::end_resumable))
                .route(web::post().to(resumable::override_resumable))
                .route(options().to(resumable::resumable_options)),
        )
        .service(resource("").route(web::post().to(resumable::begin_resumable)).route(options().to(resumable::resumable_options)))
        .default_service(web::to(no_such_path))
}

fn options() -> Route {
    web::route().method(Method::OPTIONS)
}

fn with_key() -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    web::scope("")
        .service(resource("/bucket").route(web::get().to(buckets::list_buckets)).route(web::post().to(buckets::create_bucket)))
        .service(
            resource("/bucket/{id}")
                .route(web::get().to(buckets::get_bucket))
                .route(web::put().to(buckets::update_bucket))
                .route(web::delete().to(buckets::delete_bucket)),
        )
        .service(resource("/bucket/{id}/empty").route(web::post().to(buckets::empty_bucket)))
        .service(resource("/object/move").route(web::post().to(change::move_object)))
        .service(resource("/object/copy").route(web::post().to(change::copy_object)))
        .service(resource("/object/list/{bucket}").route(web::post().to(list::list_objects)))
        .service(resource("/object/list-v2/{bucket}").route(web::post().to(list::list_objects_v2)))
        .service(resource("/object/upload/sign/{bucket}/{name:.*}").route(web::post().to(sign::sign_upload)))
        .service(resource("/object/sign/{bucket}/{name:.*}").route(web::post().to(sign::sign_object)))
        .service(resource("/object/sign/{bucket}").route(web::post().to(sign::sign_objects)))
        .service(reading("/object/authenticated/{bucket}/{name:.*}").route(web::route().to(download::download_authenticated)))
        .service(reading("/object/info/authenticated/{bucket}/{name:.*}").route(web::route().to(info::get_object_info)))
        .service(reading("/object/info/{bucket}/{name:.*}").route(web::route().to(info::get_object_info)))
        .service(resource("/object/{bucket}").route(web::delete().to(change::delete_objects)))
        .service(
            resource("/object/{bucket}/{name:.*}")
                .route(web::get().to(download::download_object))
                .route(web::head().to(download::download_object))
                .route(web::post().to(upload::plain::upload_object))
                .route(web::put().to(upload::plain::replace_object))
                .route(web::delete().to(change::delete_object)),
        )
        .default_service(web::to(no_such_path))
        .wrap(from_fn(require_key))
}

fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_such_method))
}

/// A resource that is only read.
fn reading(path: &str) -> Resource {
    web::resource(path).guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn no_such_path() -> Result<HttpResponse, ApiError> {
    Err(ApiError::no_such_path())
}

async fn no_such_method(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(ApiError::no_such_method(request.method()))
}
