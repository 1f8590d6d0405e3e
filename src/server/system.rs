//! What the server says of itself: health, metrics and status.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder, get, post};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use std::sync::Arc;

use super::app::App;
use super::reload::Reloaded;
use crate::api::{Code, FieldError, Problem};
use crate::auth::api::Caller;
use crate::config;
use crate::functions::api::FunctionsStatus;
use crate::functions::{Standings, Work};
use crate::tls::Told;
use crate::types::Timestamp;

/// The document of the server's own endpoints.
#[derive(OpenApi)]
#[openapi(
    paths(live, ready, metrics, status, reload),
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
    /// The addresses it listens on.
    listeners: Vec<ListenerStatus>,
    /// The certificates it speaks TLS with; the first is shown where no other fits.
    certificates: Vec<CertificateStatus>,
    /// Function workers, and which layers of their sandbox hold.
    functions: FunctionsStatus,
    /// Work that nobody waits for; null while the database does not answer.
    asynchronous: Option<AsynchronousStatus>,
}

/// Work that nobody waits for, of all nodes together. Calls are counted up to 10,000.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsynchronousStatus {
    /// Calls that were not tried yet.
    #[schema(example = 4)]
    pending: i64,
    /// Calls that run.
    #[schema(example = 2)]
    running: i64,
    /// Calls that failed or found no room, and are tried again.
    #[schema(example = 1)]
    retrying: i64,
    /// Calls that were given up.
    #[schema(example = 0)]
    dead: i64,
    /// Schedules that are enabled.
    #[schema(example = 3)]
    schedules: i64,
    /// Queues.
    #[schema(example = 2)]
    queues: i64,
}

/// An address that is listened on.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListenerStatus {
    #[schema(example = "0.0.0.0:443")]
    address: String,
    /// Whether TLS is spoken there.
    #[schema(example = true)]
    tls: bool,
}

/// A certificate, and how long it is good for.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificateStatus {
    /// The hosts it is shown at.
    #[schema(example = json!(["www.example.com"]))]
    hosts: Vec<String>,
    /// The file it was read from.
    #[schema(example = "/etc/plinth/www.pem")]
    file: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    /// Whole days until then; 0 when it is over.
    #[schema(example = 73)]
    days_left: u64,
}

impl From<Told> for CertificateStatus {
    fn from(told: Told) -> Self {
        let Told { hosts, file, not_after, days_left } = told;
        Self { hosts, file: file.display().to_string(), not_after, days_left }
    }
}

/// What a reload did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reload {
    /// What holds from now on.
    applied: Vec<Change>,
    /// What takes a restart, and is as it was.
    restart_required: Vec<Change>,
    /// The same as text, a line for each change.
    #[schema(example = "site.root /srv/old -> /srv/new\nrestart required: server.workers 2 -> 4\n")]
    text: String,
}

/// A name of the configuration whose value is another.
#[derive(Serialize, ToSchema)]
pub(crate) struct Change {
    #[schema(example = "site.root")]
    key: String,
    /// What it was; null when it was not there. Secrets are not shown.
    #[schema(example = "/srv/old")]
    from: Option<String>,
    /// What it is to be; null when it is not there any more.
    #[schema(example = "/srv/new")]
    to: Option<String>,
}

impl From<config::Change> for Change {
    fn from(change: config::Change) -> Self {
        let config::Change { key, from, to, .. } = change;
        Self { key, from, to }
    }
}

impl From<Reloaded> for Reload {
    fn from(reloaded: Reloaded) -> Self {
        let text = reloaded.lines().iter().map(|line| format!("{line}\n")).collect();
        let listed = |changes: Vec<config::Change>| changes.into_iter().map(Change::from).collect();
        Self { applied: listed(reloaded.applied), restart_required: listed(reloaded.left), text }
    }
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
    app.front.upstreams().measure();
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
        listeners: listeners(&app),
        certificates: app.certificates.told().into_iter().map(CertificateStatus::from).collect(),
        functions: app.functions.status().into(),
        asynchronous: asynchronous(&app).await,
    }))
}

async fn asynchronous(app: &App) -> Option<AsynchronousStatus> {
    let told = |err: &dyn std::fmt::Display| tracing::warn!(error = %err, "the status is told without asynchronous work: {err}");
    let Work { events, schedules } = app.functions.work().await.inspect_err(|err| told(err)).ok()?;
    let queues = app.queues.total().await.inspect_err(|err| told(err)).ok()?;
    let Standings { pending, running, retrying, dead } = events;
    Some(AsynchronousStatus { pending, running, retrying, dead, schedules, queues })
}

fn listeners(app: &App) -> Vec<ListenerStatus> {
    let bound = app.live.bound();
    let main = ListenerStatus { address: bound.main.to_string(), tls: false };
    let others = bound.others.iter();
    let others = others.map(|listener| ListenerStatus { address: listener.address.to_string(), tls: listener.tls });
    std::iter::once(main).chain(others).collect()
}

/// Take the configuration as it is now
///
/// Reads the file and the environment again, as SIGHUP does. What can change at run time (sites, upstreams, certificates, the log's
/// level, limits of requests) holds for the requests that come from then on; what takes a restart is told and left as it is. A
/// configuration with errors changes nothing: 422 lists each with its place. Reloads come one after another. Needs the service key.
#[utoipa::path(
    post,
    path = "/admin/v1/reload",
    tag = "system",
    security(("bearer" = [])),
    responses((status = 200, description = "What changed", body = Reload), Problem)
)]
#[post("/reload")]
pub(super) async fn reload(caller: Caller, app: Data<App>) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    match Arc::clone(&app.reloader).reload("POST /admin/v1/reload").await {
        Ok(reloaded) => Ok(Json(Reload::from(reloaded))),
        Err(errors) => {
            let count = errors.len();
            let fields = errors.into_iter().map(|error| FieldError::new(error.place, error.message)).collect();
            let problem =
                Code::InvalidConfiguration.because(format!("the configuration has {count} errors; the one before goes on"));
            Err(problem.with_errors(fields))
        }
    }
}
