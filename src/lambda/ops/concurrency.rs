//! Reserved concurrency.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::lambda::answers::{json_answer, no_content};
use crate::lambda::error::{ExceptionBody, Result};
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;

/// How many calls of a function may run at once.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaConcurrency)]
pub(in crate::lambda) struct Reserved {
    /// 0 stops the function; absent when nothing is reserved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = 10)]
    reserved_concurrent_executions: Option<i64>,
}

impl Reserved {
    pub(in crate::lambda) fn new(count: u32) -> Self {
        Self { reserved_concurrent_executions: Some(count.into()) }
    }
}

/// Bound how many calls of a function run at once
#[utoipa::path(
    put,
    path = "/2017-10-31/functions/{function}/concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    request_body = Reserved,
    responses(
        (status = 200, description = "Bounded", body = Reserved),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn put_function_concurrency(call: &Call, function: Reference) -> Result {
    let asked: Reserved = call.json()?;
    let name = "reservedConcurrentExecutions";
    let asked = asked.reserved_concurrent_executions.ok_or_else(|| constraint("null", name, "Member must not be null"))?;
    let count = u32::try_from(asked).map_err(|_| {
        let rule = format!("Member must have value from 0 to {}", u32::MAX);
        constraint(&asked.to_string(), name, &rule)
    })?;
    call.functions.reserve(&function.unqualified()?, Some(count)).await?;
    json_answer(StatusCode::OK, &Reserved::new(count))
}

/// Get how many calls of a function may run at once
#[utoipa::path(
    get,
    path = "/2019-09-30/functions/{function}/concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    responses(
        (status = 200, description = "The bound, if there is one", body = Reserved),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_function_concurrency(call: &Call, function: Reference) -> Result {
    let live = call.functions.get(&function.unqualified()?).await?;
    json_answer(StatusCode::OK, &live.reserved_concurrency.map_or_else(Reserved::default, Reserved::new))
}

/// Bound the calls of a function no longer
#[utoipa::path(
    delete,
    path = "/2017-10-31/functions/{function}/concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    responses(
        (status = 204, description = "Not bounded"),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_function_concurrency(call: &Call, function: Reference) -> Result {
    call.functions.reserve(&function.unqualified()?, None).await?;
    Ok(no_content())
}
