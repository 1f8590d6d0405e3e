//! The operator's side: deploy, list, get, delete. All of it needs the service key.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Json, Path, Payload, Query};
use actix_web::{CustomizeResponder, HttpRequest, HttpResponse, Responder, delete, get, put};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answers::{FunctionAnswer, PageAnswer};
use super::config;
use crate::api::{Code, MAX_PAGE, Problem, PublicUrl};
use crate::auth::api::Caller;
use crate::functions::FunctionsService;
use crate::functions::model::{Declared, Deployment, SourceKind};
use crate::types::FunctionName;

/// The header with a function's settings.
pub(super) const CONFIG_HEADER: &str = "x-plinth-config";

/// The media types a source may have.
const ACCEPTED: &str = "text/javascript, application/javascript, application/typescript, text/typescript, application/x-typescript or application/zip";

/// How a zip with any entry begins.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Functions a page has unless it is asked for another number.
const PAGE: u32 = 100;

/// Which functions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Functions of the page at the most, from 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The name after which the page begins: `next_after` of the page before.
    #[param(value_type = Option<String>, example = "hello")]
    after: Option<FunctionName>,
}

/// Deploy a function
///
/// The body is the source: one JavaScript or TypeScript file, or a zip of files with their `node_modules`. It is checked and compiled
/// before anything changes; the answer comes when the deployment is durable. New calls run the new revision, calls under way finish on theirs. A deployment
/// says everything anew: settings that it leaves out have their defaults, whatever the revision before had.
///
/// `x-plinth-config` is a JSON object: `handler` (such as `index.handler`: the file, and what it exports), `memory_mb` (128–10240), `timeout_s` (1–900),
/// `concurrency_per_environment` (1–100, default 1: how many calls may run side by side in one isolate; more than one for web-style handlers only), `env` (an
/// object of texts, 4 KB in all), `verify_jwt` (default true: callers need a key or a token), `network` (`"none"`, `"public"` or a list
/// of hosts), `permissions` (what of the server's shared state it may use: `{"kv": {"carts": "write"}, "functions": ["mail"], "secrets":
/// ["STRIPE_KEY"]}`; nothing by default), `description`, `schedules` (a list of what
/// `PUT /admin/v1/functions/{name}/schedules/{schedule}` takes, each with its `name`; those of the deployment before that are not in it are
/// removed).
#[utoipa::path(
    put,
    path = "/admin/v1/functions/{name}",
    tag = "functions",
    security(("bearer" = [])),
    params(
        ("name" = String, Path, description = "1 to 64 letters, digits, `-` and `_`", example = "hello"),
        ("x-plinth-config" = Option<String>, Header, description = "The settings as JSON",
         example = r#"{"memory_mb":256,"timeout_s":10,"env":{"GREETING":"hello"}}"#),
    ),
    request_body(
        description = "The source",
        content(
            (String = "text/javascript", example = "export const handler = async (event) => ({ hello: 'world' });"),
            (Vec<u8> = "application/zip"),
            (String = "application/typescript", example = "export default { fetch: (req: Request) => new Response('hello') };"),
        ),
    ),
    responses(
        (status = 200, description = "Deployed; there was a revision before", body = FunctionAnswer),
        (status = 201, description = "Deployed for the first time", body = FunctionAnswer),
        (status = 413, description = "The source is over the limit", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The content type is not accepted", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The source does not compile or has no handler; `errors` has each place", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[put("/functions/{name}")]
pub(super) async fn deploy_function(
    caller: Caller,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> Result<CustomizeResponder<Json<FunctionAnswer>>, Problem> {
    caller.require_service()?;
    let name = name.parse::<FunctionName>().map_err(|err| Code::InvalidInput.because(err))?;
    let kind = kind_of(&request)?;
    let mut headers = request.headers().get_all(CONFIG_HEADER);
    let header = headers.next().map(header::HeaderValue::as_bytes);
    if headers.next().is_some() {
        return Err(Code::InvalidInput.because(format!("{CONFIG_HEADER} is there twice")));
    }
    let (settings, env, schedules) = config::parse(header, functions.config()).map_err(Problem::invalid)?;
    functions.check_room_for(&name, &schedules).await?;
    let source = source_of(payload, kind, functions.config().max_package).await?;
    let revision = functions.deploy(Deployment { name, kind, source, settings, env, declared: Declared::default() }).await?;
    functions.declare_schedules(&revision, schedules).await?;
    let status = if revision.number == 1 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json(FunctionAnswer::new(revision, &url)).customize().with_status(status))
}

/// List the functions
#[utoipa::path(
    get,
    path = "/admin/v1/functions",
    tag = "functions",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of functions, in the order of their names", body = PageAnswer), Problem),
)]
#[get("/functions")]
pub(super) async fn list_functions(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> Result<Json<PageAnswer>, Problem> {
    caller.require_service()?;
    let query: PageQuery = query_of(&request)?;
    let limit = limit_of(query.limit, PAGE)?;
    let mut revisions = functions.list(query.after.as_ref(), limit + 1).await?;
    let has_more = revisions.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        revisions.pop();
    }
    let next_after = revisions.last().filter(|_| has_more).map(|last| last.name.clone());
    let functions = revisions.into_iter().map(|revision| FunctionAnswer::new(revision, &url)).collect();
    Ok(Json(PageAnswer { functions, next_after }))
}

/// Get a function
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello")),
    responses((status = 200, description = "The function; the values of its variables are not in it", body = FunctionAnswer), Problem),
)]
#[get("/functions/{name}")]
pub(super) async fn get_function(
    caller: Caller,
    name: Path<String>,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> Result<Json<FunctionAnswer>, Problem> {
    caller.require_service()?;
    let name = super::existing_name(&name)?;
    let revision = functions.get(&name).await?;
    let (running, provisioned) = (functions.environments_of(&revision), functions.all_provisioned(&name).await?);
    Ok(Json(FunctionAnswer::new(revision, &url).with_environments(running, provisioned)))
}

/// Delete a function
///
/// Its revisions and its log go too. Calls under way finish.
#[utoipa::path(
    delete,
    path = "/admin/v1/functions/{name}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello")),
    responses((status = 204, description = "Deleted"), Problem),
)]
#[delete("/functions/{name}")]
pub(super) async fn delete_function(
    caller: Caller,
    name: Path<String>,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    functions.delete(&super::existing_name(&name)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(super) fn query_of<T: serde::de::DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let query = Query::<T>::from_query(request.query_string());
    query.map(Query::into_inner).map_err(|err| Code::InvalidInput.because(format!("the query is not valid: {err}")))
}

pub(super) fn limit_of(asked: Option<u32>, default: u32) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(default);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Code::InvalidInput.because(format!("limit must be a whole number from 1 to {MAX_PAGE}")))
}

fn kind_of(request: &HttpRequest) -> Result<SourceKind, Problem> {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, parameters) = header.split_once(';').unwrap_or((header, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Code::UnsupportedMediaType.because("the source must be in UTF-8"));
    }
    match kind.trim().to_ascii_lowercase().as_str() {
        "text/javascript" | "application/javascript" => Ok(SourceKind::JavaScript),
        "application/typescript" | "text/typescript" | "application/x-typescript" => Ok(SourceKind::TypeScript),
        "application/zip" | "application/x-zip-compressed" => Ok(SourceKind::Zip),
        "" => Err(Code::UnsupportedMediaType.because(format!("content-type is missing; it must be {ACCEPTED}"))),
        other => Err(Code::UnsupportedMediaType.because(format!("content-type is {other}; it must be {ACCEPTED}"))),
    }
}

async fn source_of(payload: Payload, kind: SourceKind, limit: usize) -> Result<Bytes, Problem> {
    let source = super::http::body::read(payload, limit, "functions.max_package").await?;
    match (kind, source.starts_with(ZIP_MAGIC)) {
        (SourceKind::Zip, true) => return Ok(source),
        (SourceKind::Zip, false) => {
            return Err(Code::InvalidSource.because("content-type says that this is a zip, and it is none"));
        }
        (_, true) => return Err(Code::UnsupportedMediaType.because("this is a zip; its content-type is application/zip")),
        (_, false) => {}
    }
    match std::str::from_utf8(&source) {
        Ok(text) if text.trim().is_empty() => Err(Code::InvalidSource.because("the source is empty")),
        Ok(_) => Ok(source),
        Err(err) => Err(Code::InvalidSource.because(format!("the source is not UTF-8 at byte {}", err.valid_up_to()))),
    }
}
