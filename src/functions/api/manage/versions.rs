//! Versions: the live revision, published under a number of its own.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{CustomizeResponder, HttpRequest, Responder, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::{FieldError, JsonBody, Problem};
use crate::auth::api::Caller;
use crate::functions::api::admin::{limit_of, query_of};
use crate::functions::api::existing_name;
use crate::functions::model::{DESCRIPTION_CHARS, Revision};
use crate::functions::{FunctionsService, Publication};
use crate::types::Timestamp;

/// Versions a page has unless it is asked for another number.
const PAGE: u32 = 100;

/// Which versions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::functions::api) struct VersionsQuery {
    /// Versions of the page at the most, from 1 to 1000.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The number after which the page begins: `next_after` of the page before.
    #[param(example = 17)]
    after: Option<i64>,
}

/// What a version is to say of itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FunctionPublication)]
pub(in crate::functions::api) struct PublicationBody {
    /// Instead of the function's own description.
    #[schema(example = "what the fair is shown")]
    description: Option<String>,
}

/// A version of a function.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionVersion)]
pub(in crate::functions::api) struct VersionAnswer {
    /// A number, or `$LATEST` for the live revision.
    #[schema(example = "1")]
    version: String,
    /// The number of its revision.
    #[schema(example = 3)]
    revision: i64,
    #[schema(example = "what the fair is shown")]
    description: String,
    /// The SHA-256 of the source, in hexadecimal.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    sha256: String,
    #[schema(example = 128)]
    memory_mb: u32,
    #[schema(example = 3)]
    timeout_s: u64,
    /// When it was published; of `$LATEST`, when it was deployed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A page of versions.
#[derive(Serialize, ToSchema)]
#[schema(as = FunctionVersionPage)]
pub(in crate::functions::api) struct VersionsAnswer {
    versions: Vec<VersionAnswer>,
    /// What to send as `after` for the next page; null on the last.
    #[schema(example = json!(null))]
    next_after: Option<i64>,
}

impl From<Revision> for VersionAnswer {
    fn from(revision: Revision) -> Self {
        Self {
            version: revision.version_name(),
            revision: revision.number,
            description: revision.settings.description,
            sha256: revision.package.source_sha256,
            memory_mb: revision.settings.memory_mb,
            timeout_s: revision.settings.timeout.as_secs(),
            created_at: revision.created_at,
        }
    }
}

/// List the versions of a function
///
/// `$LATEST`, the live revision, comes first.
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}/versions",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello"), VersionsQuery),
    responses((status = 200, description = "A page, in the order of the numbers", body = VersionsAnswer), Problem),
)]
#[get("/functions/{name}/versions")]
pub(in crate::functions::api) async fn list_function_versions(
    caller: Caller,
    name: Path<String>,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<Json<VersionsAnswer>, Problem> {
    caller.require_service()?;
    let query: VersionsQuery = query_of(&request)?;
    let limit = limit_of(query.limit, PAGE)?;
    let mut revisions = functions.list_versions(&existing_name(&name)?, query.after, limit + 1).await?;
    let has_more = revisions.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        revisions.pop();
    }
    let next_after = revisions.last().filter(|_| has_more).map(|last| last.version.unwrap_or_default());
    Ok(Json(VersionsAnswer { versions: revisions.into_iter().map(VersionAnswer::from).collect(), next_after }))
}

/// Publish the live revision as a version
///
/// A version never changes. When nothing changed since the last one was published, the answer is that one.
#[utoipa::path(
    post,
    path = "/admin/v1/functions/{name}/versions",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello")),
    request_body = PublicationBody,
    responses((status = 201, description = "Published", body = VersionAnswer), Problem),
)]
#[post("/functions/{name}/versions")]
pub(in crate::functions::api) async fn publish_function_version(
    caller: Caller,
    name: Path<String>,
    body: JsonBody<PublicationBody>,
    functions: Data<FunctionsService>,
) -> Result<CustomizeResponder<Json<VersionAnswer>>, Problem> {
    caller.require_service()?;
    let name = existing_name(&name)?;
    let description = body.0.description;
    if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS || text.contains('\0')) {
        let message = format!("must be a text of at most {DESCRIPTION_CHARS} characters, without NUL");
        return Err(Problem::invalid(vec![FieldError::new("description", message)]));
    }
    let published = functions.publish(&name, &Publication { description, ..Publication::default() }).await?;
    Ok(Json(VersionAnswer::from(published)).customize().with_status(StatusCode::CREATED))
}
