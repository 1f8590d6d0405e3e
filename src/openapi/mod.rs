//! Gathers each feature's OpenAPI document into one, and serves it with its browser.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use utoipa::openapi::PathItem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{auth, data, functions, lambda, secrets, sqs, storage};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plinth",
        description = "One binary that is a client app's whole backend.\n\nApps send their key as `apikey` and, once a user is signed \
                       in, the user's access token as `Authorization: Bearer`. The operator's calls under `/admin/v1` need the \
                       service key.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(crate::api::ProblemBody, crate::api::FieldError)),
    modifiers(&Credentials)
)]
struct Base;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A user's access token, or a key: the anon key or the service key"))
            .build();
        let key = ApiKeyValue::with_description("apikey", "The project's key: the anon key or the service key");
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("apikey", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
}

/// The whole document: the features' parts, and those of the server itself.
#[must_use]
pub fn document(own: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let mut document = Base::openapi();
    let parts = [
        auth::api::Doc::openapi(),
        data::api::Doc::openapi(),
        storage::api::Doc::openapi(),
        storage::s3::Doc::openapi(),
        functions::api::Doc::openapi(),
        secrets::api::Doc::openapi(),
        lambda::Doc::openapi(),
        sqs::Doc::openapi(),
        own,
    ];
    for part in parts {
        document.merge(part);
    }
    document.paths.paths.values_mut().for_each(tell_methods_apart);
    document
}

/// A handler that takes several methods is several operations: each gets an id of its own, as OpenAPI wants it.
fn tell_methods_apart(item: &mut PathItem) {
    let PathItem { get, put, post, delete, options, head, patch, .. } = item;
    let operations =
        [("get", get), ("put", put), ("post", post), ("delete", delete), ("options", options), ("head", head), ("patch", patch)];
    let mut present: Vec<_> =
        operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect();
    let ids: Vec<_> = present.iter().map(|(_, operation)| operation.operation_id.clone()).collect();
    for (method, operation) in &mut present {
        let shared = ids.iter().filter(|id| **id == operation.operation_id).count() > 1;
        if let Some(id) = operation.operation_id.as_mut().filter(|_| shared) {
            *id = format!("{id}_{method}");
        }
    }
}

/// The document as JSON, with the address of the server when it is known.
#[must_use]
pub fn json(mut document: utoipa::openapi::OpenApi, server: Option<&str>) -> String {
    if let Some(url) = server {
        document.servers = Some(vec![ServerBuilder::new().url(url).build()]);
    }
    document.to_pretty_json().unwrap_or_default()
}

/// The page of the app's own tables, at `/docs/tables`; it uses the files of [`browser`].
pub fn tables(config: &mut ServiceConfig) {
    const PAGE: &str = include_str!("tables.html");
    const SCRIPT: &str = include_str!("tables.js");
    let file = |kind: &'static str, text: &'static str| move || async move { HttpResponse::Ok().content_type(kind).body(text) };
    config.route("/docs/tables", web::get().to(file("text/html; charset=utf-8", PAGE)));
    config.route("/docs/tables.js", web::get().to(file("text/javascript; charset=utf-8", SCRIPT)));
}

/// The browser of the document, at `/docs/`; everything it shows is in the binary.
#[must_use]
pub fn browser() -> SwaggerUi {
    let config =
        Config::from("/openapi.json").persist_authorization(true).display_request_duration(true).try_it_out_enabled(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}
