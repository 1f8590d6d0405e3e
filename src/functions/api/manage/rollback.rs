//! Going back to earlier code.

use actix_web::post;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{FieldError, JsonBody, Problem, PublicUrl};
use crate::auth::api::Caller;
use crate::functions::api::answers::FunctionAnswer;
use crate::functions::api::existing_name;
use crate::functions::{Earlier, FunctionsService};

/// What a function is to go back to: one of these, or the revision before the live one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FunctionRollback)]
pub(in crate::functions::api) struct RollbackBody {
    /// The number of a published version.
    #[schema(example = 2)]
    version: Option<i64>,
    /// The number of a revision: `version` in the answer to its deployment. The last 20 are kept.
    #[schema(example = json!(null))]
    revision: Option<i64>,
}

/// Go back to earlier code
///
/// Code, settings and variables become again what they were, as a new live revision, which new calls run at once. Nothing is uploaded
/// or compiled. A second rollback undoes the first.
#[utoipa::path(
    post,
    path = "/admin/v1/functions/{name}/rollback",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "hello")),
    request_body = RollbackBody,
    responses((status = 200, description = "The function as it is now", body = FunctionAnswer), Problem),
)]
#[post("/functions/{name}/rollback")]
pub(in crate::functions::api) async fn roll_back_function(
    caller: Caller,
    name: Path<String>,
    body: JsonBody<RollbackBody>,
    functions: Data<FunctionsService>,
    url: Data<PublicUrl>,
) -> Result<Json<FunctionAnswer>, Problem> {
    caller.require_service()?;
    let to = match (body.0.version, body.0.revision) {
        (None, None) => Earlier::Previous,
        (Some(version), None) => Earlier::Version(version),
        (None, Some(revision)) => Earlier::Revision(revision),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(vec![FieldError::new("revision", "stands beside `version`; say one of them")]));
        }
    };
    let revision = functions.roll_back(&existing_name(&name)?, to).await?;
    Ok(Json(FunctionAnswer::new(revision, &url)))
}
