//! What the server says of itself: health, metrics and status.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder, get};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::app::App;
use crate::api::Problem;
use crate::auth::api::Caller;
use crate::functions::api::FunctionsStatus;
use crate::types::Timestamp;

/// The document of the server's own endpoints.
#[derive(OpenApi)]
#[openapi(
    paths(live, ready, metrics, status),
    tags((name = "system", description = "Health, metrics and status of the server itself"))
)]
pub(crate) struct Doc;

/// Whether the server, or a part of it, does its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    /// The process runs.
    Live,
    /// It takes requests.
    Ready,
    /// It does not, for now.
    NotReady,
}

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Liveness {
    #[schema(example = "live")]
    status: Health,
}

/// Whether every part of the server is ready.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Ready when every part is.
    #[schema(example = "ready")]
    status: Health,
    /// The application's database.
    database: Health,
    /// The database of queues, logs and usage.
    system_database: Health,
    /// Not ready while no function worker can be started, though there are functions.
    functions: Health,
    /// Not ready while the server stops.
    server: Health,
}

/// What runs, and how.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    /// The server's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Seconds since then.
    #[schema(example = 3600)]
    uptime_s: u64,
    /// `sqlite` or `postgres`.
    #[schema(example = "sqlite")]
    database: &'static str,
    /// Web workers.
    #[schema(example = 2)]
    workers: usize,
    /// Function workers, and which layers of their sandbox hold.
    functions: FunctionsStatus,
}

fn health(good: bool) -> Health {
    if good { Health::Ready } else { Health::NotReady }
}

/// Tell whether the process runs
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "system",
    responses((status = 200, description = "It runs", body = Liveness))
)]
#[get("/health/live")]
pub(super) async fn live() -> impl Responder {
    Json(Liveness { status: Health::Live })
}

/// Tell whether every part is ready
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "system",
    responses(
        (status = 200, description = "Every part is ready", body = Readiness),
        (status = 503, description = "A part is not ready, or the server is stopping", body = Readiness),
    )
)]
#[get("/health/ready")]
pub(super) async fn ready(app: Data<App>) -> impl Responder {
    let database = app.databases.app.ping().await.is_ok();
    let system_database = app.databases.system.ping().await.is_ok();
    let server = !app.tasks.is_stopping();
    let functions = app.functions.is_ready();
    let all = database && system_database && functions && server;
    let body = Readiness {
        status: health(all),
        database: health(database),
        system_database: health(system_database),
        functions: health(functions),
        server: health(server),
    };
    Json(body).customize().with_status(if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE })
}

/// Read the metrics, in Prometheus' text format
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
#[get("/metrics")]
pub(super) async fn metrics(app: Data<App>) -> impl Responder {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(app.metrics.render())
}

/// See what runs, and how
///
/// Needs the service key.
#[utoipa::path(
    get,
    path = "/admin/v1/status",
    tag = "system",
    security(("bearer" = [])),
    responses((status = 200, description = "What runs", body = Status), Problem)
)]
#[get("/status")]
pub(super) async fn status(caller: Caller, app: Data<App>) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        started_at: app.started_at,
        uptime_s: app.clock.now().since(app.started_at).as_secs(),
        database: if app.databases.app.is_postgres() { "postgres" } else { "sqlite" },
        workers: app.config.server.workers,
        functions: app.functions.status().into(),
    }))
}
