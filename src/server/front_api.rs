//! What operators see of the front, and what of its upstreams they change at run time.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{Responder, Scope, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::app::App;
use crate::api::{Code, FieldError, JsonBody, Problem};
use crate::auth::api::Caller;
use crate::config::front::{Action, PathMatch, Route, Server, Site};
use crate::front::CachesReport;
use crate::front::balance::{Change, ChangeError, UpstreamReport};

/// The document of these endpoints.
#[derive(OpenApi)]
#[openapi(
    paths(front, add_backend, change_backend, remove_backend),
    tags((name = "front", description = "Sites, routes and upstreams: what is served, and by whom"))
)]
pub(crate) struct Doc;

/// The front as it is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct FrontReport {
    /// The sites of the configuration, in its order.
    sites: Vec<SiteReport>,
    /// The upstreams, by name.
    upstreams: Vec<UpstreamReport>,
    /// What is kept in memory.
    cache: CachesReport,
}

/// A site of the configuration.
#[derive(Serialize, ToSchema)]
pub(crate) struct SiteReport {
    #[schema(example = json!(["www.example.com"]))]
    hosts: Vec<String>,
    /// Whether the server's own APIs answer at these hosts.
    #[schema(example = false)]
    apis: bool,
    /// The folder whose files are served.
    #[schema(example = "/srv/www")]
    root: Option<String>,
    /// In the order they are asked.
    routes: Vec<RouteReport>,
}

/// A route of a site.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteReport {
    /// How the path is compared.
    matches: RoutePathKind,
    #[schema(example = "/api")]
    path: String,
    /// All when it is empty.
    #[schema(example = json!(["GET", "POST"]))]
    methods: Vec<String>,
    /// What becomes of the request: the kind of action and what it is given; `files` for the files of the site itself.
    #[schema(example = "upstream api")]
    action: String,
}

/// How a route's path is compared.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoutePathKind {
    /// This path and what is below it.
    Prefix,
    /// This path alone.
    Exact,
    /// A regular expression.
    Regex,
}

/// A server that an upstream is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBackend {
    /// `host:port`: an address, or a name for DNS.
    #[schema(example = "10.0.0.3:8080")]
    address: String,
    /// Its share beside the others', from 1 to 100; 1 when it is not said.
    #[schema(example = 1)]
    weight: Option<u32>,
    /// Requests at a time; 0 for no limit; the upstream's when it is not said.
    #[schema(example = 0)]
    max_connections: Option<u32>,
    /// Takes requests only while no other server can.
    #[serde(default)]
    backup: bool,
}

/// What is to be changed of a server; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackendPatch {
    /// Its share beside the others', from 1 to 100.
    #[schema(example = 5)]
    weight: Option<u32>,
    /// Requests at a time; 0 for no limit.
    #[schema(example = 100)]
    max_connections: Option<u32>,
    /// True sends it no new requests, but those of clients that a sticky cookie leads back to it; what it has under way it finishes.
    #[schema(example = true)]
    drain: Option<bool>,
}

/// An upstream after a change at run time.
#[derive(Serialize, ToSchema)]
pub(crate) struct UpstreamChange {
    upstream: UpstreamReport,
    /// How long the change lasts.
    lasts: ChangeLasts,
}

/// How long a change at run time lasts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeLasts {
    /// Until the configuration is read again, or the server starts anew. What is to stay belongs in the configuration.
    UntilReload,
    /// Until the server starts anew: the upstream has `keep_changes = true`.
    UntilRestart,
}

/// Mounts the endpoints on the operators' scope.
pub(super) fn routes(scope: Scope) -> Scope {
    scope.service(front).service(add_backend).service(change_backend).service(remove_backend)
}

/// See sites, routes, upstreams and the cache
///
/// Each server of an upstream with its state, why it is unwell or was ejected, its requests at the moment and in all, its failures and
/// its latency; what the files in memory take, and how often they answer. Needs the service key.
#[utoipa::path(
    get,
    path = "/admin/v1/front",
    tag = "front",
    security(("bearer" = [])),
    responses((status = 200, description = "The front as it is now", body = FrontReport), Problem)
)]
#[get("/front")]
async fn front(caller: Caller, app: Data<App>) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    Ok(Json(FrontReport {
        sites: app.front.configured().sites.iter().map(site).collect(),
        upstreams: app.front.upstreams().report(),
        cache: app.front.caches().await,
    }))
}

/// Add a server to an upstream
///
/// It is sent requests at once, with the upstream's slow start, and is asked whether it is well as the others are. The answer's `lasts`
/// says how long it stays: until the next reload of the configuration, unless the upstream has `keep_changes = true`. Needs the service key.
#[utoipa::path(
    post,
    path = "/admin/v1/front/upstreams/{name}/backends",
    tag = "front",
    security(("bearer" = [])),
    params(("name" = String, Path, description = "The upstream", example = "api")),
    request_body(content = NewBackend, example = json!({"address": "10.0.0.3:8080", "weight": 2})),
    responses(
        (status = 201, description = "It is there", body = UpstreamChange),
        (status = 404, description = "There is no such upstream", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "It is there already, or the upstream has 1000 servers", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    )
)]
#[post("/front/upstreams/{name}/backends")]
async fn add_backend(
    caller: Caller,
    app: Data<App>,
    path: Path<String>,
    body: JsonBody<NewBackend>,
) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    let NewBackend { address, weight, max_connections, backup } = body.0;
    let mut errors = faults(weight, max_connections);
    let server = Server::parse(&address);
    if server.is_none() {
        errors.push(FieldError::new("address", "must be host:port, such as 10.0.0.3:8080 or [::1]:8080"));
    }
    let Some(server) = server.filter(|_| errors.is_empty()) else { return Err(Problem::invalid(errors)) };
    let server = Server { weight: weight.unwrap_or(server.weight), max_connections, backup, ..server };
    let upstream = app.front.upstreams().add(&path, server)?;
    Ok(changed(&app, upstream).customize().with_status(StatusCode::CREATED))
}

/// Change or drain a server of an upstream
///
/// The server is given by its address as `GET /admin/v1/front` shows it, or by its name for each of that name's addresses. A server
/// that is drained finishes the requests it has and takes no new ones, but those of clients that a sticky cookie leads back to it. The
/// answer's `lasts` says how long the change lasts. Needs the service key.
#[utoipa::path(
    patch,
    path = "/admin/v1/front/upstreams/{name}/backends/{address}",
    tag = "front",
    security(("bearer" = [])),
    params(
        ("name" = String, Path, description = "The upstream", example = "api"),
        ("address" = String, Path, description = "The server's address, or its name", example = "10.0.0.2:8080"),
    ),
    request_body(content = BackendPatch, example = json!({"drain": true})),
    responses(
        (status = 200, description = "Changed", body = UpstreamChange),
        (status = 404, description = "There is no such upstream or server", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    )
)]
#[patch("/front/upstreams/{name}/backends/{address}")]
async fn change_backend(
    caller: Caller,
    app: Data<App>,
    path: Path<(String, String)>,
    body: JsonBody<BackendPatch>,
) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    let BackendPatch { weight, max_connections, drain } = body.0;
    let mut errors = faults(weight, max_connections);
    if weight.is_none() && max_connections.is_none() && drain.is_none() {
        errors.push(FieldError::new("body", "must have weight, max_connections or drain"));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let (name, server) = path.into_inner();
    let upstream = app.front.upstreams().change(&name, &server, Change { weight, max_connections, drain })?;
    Ok(changed(&app, upstream))
}

/// Remove a server from an upstream
///
/// Requests it has under way are finished. A server of the configuration is back after the next reload, unless the upstream has
/// `keep_changes = true`; adding it again brings it back, too. Needs the service key.
#[utoipa::path(
    delete,
    path = "/admin/v1/front/upstreams/{name}/backends/{address}",
    tag = "front",
    security(("bearer" = [])),
    params(
        ("name" = String, Path, description = "The upstream", example = "api"),
        ("address" = String, Path, description = "The server's address, or its name", example = "10.0.0.2:8080"),
    ),
    responses(
        (status = 200, description = "It takes no more requests", body = UpstreamChange),
        (status = 404, description = "There is no such upstream or server", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    )
)]
#[delete("/front/upstreams/{name}/backends/{address}")]
async fn remove_backend(caller: Caller, app: Data<App>, path: Path<(String, String)>) -> Result<impl Responder, Problem> {
    caller.require_service()?;
    let (name, server) = path.into_inner();
    let upstream = app.front.upstreams().remove(&name, &server)?;
    Ok(changed(&app, upstream))
}

impl From<ChangeError> for Problem {
    fn from(err: ChangeError) -> Self {
        match err {
            ChangeError::NoUpstream(_) | ChangeError::NoServer { .. } => Code::NotFound.because(err),
            ChangeError::Exists { .. } | ChangeError::Full(_) => Code::Conflict.because(err),
        }
    }
}

fn faults(weight: Option<u32>, max_connections: Option<u32>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if weight.is_some_and(|weight| !(1..=100).contains(&weight)) {
        errors.push(FieldError::new("weight", "must be a whole number from 1 to 100"));
    }
    if max_connections.is_some_and(|most| most > 1_000_000) {
        errors.push(FieldError::new("max_connections", "must be a whole number from 0 to 1000000"));
    }
    errors
}

fn changed(app: &App, upstream: UpstreamReport) -> Json<UpstreamChange> {
    let keeps = app.front.upstreams().get(&upstream.name).is_some_and(|upstream| upstream.config().balancing.keep_changes);
    Json(UpstreamChange { upstream, lasts: if keeps { ChangeLasts::UntilRestart } else { ChangeLasts::UntilReload } })
}

fn site(site: &Site) -> SiteReport {
    SiteReport {
        hosts: site.hosts.clone(),
        apis: site.has_apis(),
        root: site.files.root.as_ref().map(|root| root.display().to_string()),
        routes: site.routes.iter().map(route).collect(),
    }
}

fn route(route: &Route) -> RouteReport {
    let (matches, path) = match route.paths.first() {
        Some(PathMatch::Prefix(path)) => (RoutePathKind::Prefix, path.as_str()),
        Some(PathMatch::Exact(path)) => (RoutePathKind::Exact, path.as_str()),
        Some(PathMatch::Regex(path)) => (RoutePathKind::Regex, path.as_str()),
        None => (RoutePathKind::Prefix, "/"),
    };
    let status = route.status.map_or_else(String::new, |status| format!(" {status}"));
    let action = match route.actions.first() {
        Some(Action::Upstream(name)) => format!("upstream {name}"),
        Some(Action::Function(name)) => format!("function {name}"),
        Some(Action::Redirect(_)) => format!("redirect{status}"),
        Some(Action::Answer) => format!("status{status}"),
        Some(Action::Files(root)) => format!("root {}", root.display()),
        None => "files".to_owned(),
    };
    RouteReport { matches, path: path.to_owned(), methods: route.methods.clone(), action }
}
