//! Provisioned concurrency.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::functions::Error;
use crate::functions::model::{Allocation, Qualifier, arn};
use crate::lambda::answers::{json_answer, no_content, time};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;

/// How many environments are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaProvisionedConcurrencyInput)]
pub(in crate::lambda) struct Wanted {
    #[schema(example = 2)]
    provisioned_concurrent_executions: Option<i64>,
}

/// How far the provisioning is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaProvisionedConcurrency)]
pub(in crate::lambda) struct ProvisionedAnswer {
    /// In lists alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    function_arn: Option<String>,
    requested_provisioned_concurrent_executions: u32,
    available_provisioned_concurrent_executions: u32,
    allocated_provisioned_concurrent_executions: u32,
    /// `READY`, `IN_PROGRESS` or `FAILED`.
    #[schema(example = "READY")]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    last_modified: String,
}

/// A page of configurations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaProvisionedConcurrencyConfigs)]
struct ProvisionedList {
    provisioned_concurrency_configs: Vec<ProvisionedAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

impl ProvisionedAnswer {
    fn new(allocation: Allocation) -> Self {
        let status = allocation.status();
        let Allocation { wanted, allocated, failure } = allocation;
        Self {
            function_arn: None,
            requested_provisioned_concurrent_executions: wanted.count,
            available_provisioned_concurrent_executions: allocated,
            allocated_provisioned_concurrent_executions: allocated,
            status,
            status_reason: failure,
            last_modified: time(wanted.updated_at),
        }
    }

    /// The same, with what it is of.
    fn listed(allocation: Allocation) -> Self {
        let qualifier = allocation.wanted.qualifier.to_string();
        let function_arn = Some(arn(allocation.wanted.function.as_str(), Some(&qualifier)));
        Self { function_arn, ..Self::new(allocation) }
    }
}

/// The version or alias that an operation is about.
fn qualifier_of(function: &Reference) -> Result<&Qualifier> {
    function.qualifier.as_ref().ok_or_else(|| constraint("null", "qualifier", "Member must not be null"))
}

/// Keep environments of a version or an alias initialised
#[utoipa::path(
    put,
    path = "/2019-09-30/functions/{function}/provisioned-concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = String, Query, description = "A version or an alias", example = "1"),
    ),
    request_body = Wanted,
    responses(
        (status = 202, description = "They are being initialised", body = ProvisionedAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn put_provisioned_concurrency_config(call: &Call, function: Reference) -> Result {
    let Wanted { provisioned_concurrent_executions: asked } = call.json()?;
    let name = "provisionedConcurrentExecutions";
    let asked = asked.ok_or_else(|| constraint("null", name, "Member must not be null"))?;
    let count = u32::try_from(asked).ok().filter(|count| *count >= 1);
    let count = count.ok_or_else(|| constraint(&asked.to_string(), name, "Member must have value greater than or equal to 1"))?;
    let allocation = call.functions.provision(&function.name, qualifier_of(&function)?, count).await?;
    json_answer(StatusCode::ACCEPTED, &ProvisionedAnswer::new(allocation))
}

/// Get how far a provisioning is, or list a function's
///
/// With `List=ALL` all of the function's are answered, as `ProvisionedConcurrencyConfigs`.
#[utoipa::path(
    get,
    path = "/2019-09-30/functions/{function}/provisioned-concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
        ("List" = Option<String>, Query, description = "`ALL`: every one of the function's"),
    ),
    responses(
        (status = 200, description = "How far it is", body = ProvisionedAnswer),
        (status = 404, description = "There is no such function, version or alias, or nothing is provisioned", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_provisioned_concurrency_config(call: &Call, function: Reference) -> Result {
    if call.query("List").as_deref() == Some("ALL") {
        let page = Page::of(call)?;
        let after = page.after.clone().unwrap_or_default();
        let mut all = call.functions.list_provisioned(&function.unqualified()?, &after, page.limit()).await?;
        let next_marker = page.cut(&mut all, |last| last.wanted.qualifier.to_string());
        let provisioned_concurrency_configs = all.into_iter().map(ProvisionedAnswer::listed).collect();
        return json_answer(StatusCode::OK, &ProvisionedList { provisioned_concurrency_configs, next_marker });
    }
    let found = call.functions.provisioned(&function.name, qualifier_of(&function)?).await.map_err(nothing)?;
    json_answer(StatusCode::OK, &ProvisionedAnswer::new(found))
}

/// Keep environments initialised no longer
#[utoipa::path(
    delete,
    path = "/2019-09-30/functions/{function}/provisioned-concurrency",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = String, Query, description = "A version or an alias", example = "1"),
    ),
    responses(
        (status = 204, description = "Nothing is provisioned"),
        (status = 404, description = "There is no such function, or nothing was provisioned", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_provisioned_concurrency_config(call: &Call, function: Reference) -> Result {
    call.functions.unprovision(&function.name, qualifier_of(&function)?).await.map_err(nothing)?;
    Ok(no_content())
}

fn nothing(err: Error) -> Exception {
    match err {
        Error::Absent { .. } => Exception::nothing_provisioned(),
        other => other.into(),
    }
}
