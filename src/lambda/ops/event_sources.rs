//! Event source mappings: queues that feed functions.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::functions::model::arn;
use crate::functions::{Error, Filter, Mapping, MappingDraft, MappingFilter};
use crate::lambda::answers::json_answer;
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;
use crate::queues::{QueueName, arn as queue_arn, queue_of};

/// The most filters of a mapping.
const FILTERS: usize = 10;

/// What tells that a function's answer says which messages failed.
const REPORTS_FAILURES: &str = "ReportBatchItemFailures";

/// What is wanted of a mapping.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventSourceMappingInput)]
pub(in crate::lambda) struct Wanted {
    /// A name or an ARN, with a version or an alias.
    #[schema(example = "orders")]
    function_name: Option<String>,
    /// The ARN of a queue; when the mapping is made.
    #[schema(example = "arn:aws:sqs:local:000000000000:orders")]
    event_source_arn: Option<String>,
    #[schema(example = true)]
    enabled: Option<bool>,
    /// 1 to 10000; 10 unless it is said.
    #[schema(example = 10)]
    batch_size: Option<i64>,
    /// 0 to 300 seconds.
    #[schema(example = 0)]
    maximum_batching_window_in_seconds: Option<i64>,
    filter_criteria: Option<FilterCriteria>,
    /// `ReportBatchItemFailures`, or nothing.
    function_response_types: Option<Vec<String>>,
    scaling_config: Option<ScalingConfig>,
    /// Fields of other event sources.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

/// Which messages are handed over.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFilterCriteria)]
struct FilterCriteria {
    #[serde(default)]
    filters: Vec<FilterShape>,
}

/// A pattern that a message matches.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFilter)]
struct FilterShape {
    #[serde(default)]
    #[schema(example = "{\"body\": {\"state\": [\"paid\"]}}")]
    pattern: String,
}

/// How many calls run at once.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaScalingConfig)]
struct ScalingConfig {
    /// 2 to 1000.
    #[schema(example = 5)]
    maximum_concurrency: Option<i64>,
}

/// A mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventSourceMapping)]
pub(in crate::lambda) struct MappingAnswer {
    #[serde(rename = "UUID")]
    uuid: Uuid,
    #[schema(example = "arn:aws:lambda:local:000000000000:event-source-mapping:0e4b3a58-3a53-4f0c-9e55-1d4b2b9f1c55")]
    event_source_mapping_arn: String,
    #[schema(example = "arn:aws:sqs:local:000000000000:orders")]
    event_source_arn: String,
    #[schema(example = "arn:aws:lambda:local:000000000000:function:orders")]
    function_arn: String,
    batch_size: u32,
    maximum_batching_window_in_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_criteria: Option<FilterCriteria>,
    function_response_types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaling_config: Option<ScalingConfig>,
    /// `Enabled`, `Disabled`, or, as it goes, `Deleting`.
    #[schema(example = "Enabled")]
    state: &'static str,
    state_transition_reason: &'static str,
    /// Seconds since 1970.
    last_modified: f64,
    /// How the last batch went on this node.
    #[schema(example = "OK")]
    last_processing_result: &'static str,
}

/// A page of mappings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventSourceMappings)]
pub(in crate::lambda) struct MappingList {
    event_source_mappings: Vec<MappingAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

impl MappingAnswer {
    fn new(call: &Call, mapping: Mapping) -> Self {
        let settings = mapping.settings.clone();
        let qualifier = mapping.qualifier.as_ref().map(ToString::to_string);
        let filters: Vec<_> = settings.filters.iter().map(|filter| FilterShape { pattern: filter.to_string() }).collect();
        Self {
            uuid: mapping.id,
            event_source_mapping_arn: mapping.arn(),
            event_source_arn: queue_arn(&mapping.queue),
            function_arn: arn(mapping.function.as_str(), qualifier.as_deref()),
            batch_size: settings.batch_size,
            maximum_batching_window_in_seconds: settings.window.as_secs(),
            filter_criteria: (!filters.is_empty()).then_some(FilterCriteria { filters }),
            function_response_types: if settings.reports_failures { vec![REPORTS_FAILURES] } else { Vec::new() },
            scaling_config: settings.max_concurrency.map(|most| ScalingConfig { maximum_concurrency: Some(most.into()) }),
            state: if mapping.is_enabled { "Enabled" } else { "Disabled" },
            state_transition_reason: "USER_INITIATED",
            last_modified: mapping.updated_at.micros() as f64 / 1e6,
            last_processing_result: call.functions.last_result(mapping.id).unwrap_or("No records processed"),
        }
    }
}

impl Wanted {
    fn draft(&self) -> Result<MappingDraft> {
        if let Some(field) = self.others.iter().find(|(_, value)| !value.is_null()).map(|(field, _)| field) {
            return Err(Exception::invalid(format!("{field} is not for queues, which are the event sources of this server.")));
        }
        let within = |value: Option<i64>, name: &str, (least, most): (i64, i64)| {
            let fits = |value: &i64| (least..=most).contains(value);
            let rule = format!("Member must have value from {least} to {most}");
            let wrong = |value: i64| constraint(&value.to_string(), name, &rule);
            value
                .map(|value| Some(value).filter(fits).and_then(|value| u32::try_from(value).ok()).ok_or_else(|| wrong(value)))
                .transpose()
        };
        let most =
            self.scaling_config.as_ref().map(|scaling| within(scaling.maximum_concurrency, "maximumConcurrency", (2, 1000)));
        let window = within(self.maximum_batching_window_in_seconds, "maximumBatchingWindowInSeconds", (0, 300))?;
        Ok(MappingDraft {
            batch_size: within(self.batch_size, "batchSize", (1, 10_000))?,
            window: window.map(|seconds| Duration::from_secs(seconds.into())),
            max_concurrency: most.transpose()?,
            filters: self.filter_criteria.as_ref().map(filters).transpose()?,
            reports_failures: self.function_response_types.as_deref().map(reports_failures).transpose()?,
            is_enabled: self.enabled,
        })
    }

    fn function(&self) -> Result<Option<Reference>> {
        self.function_name.as_deref().map(Reference::parse).transpose()
    }
}

fn filters(criteria: &FilterCriteria) -> Result<Vec<Filter>> {
    if criteria.filters.len() > FILTERS {
        return Err(Exception::invalid(format!("FilterCriteria.Filters has at most {FILTERS} filters.")));
    }
    let read = |shape: &FilterShape| shape.pattern.parse();
    let wrong = |err| Exception::invalid(format!("Invalid filter pattern definition. {err}"));
    criteria.filters.iter().map(|shape| read(shape).map_err(wrong)).collect()
}

fn reports_failures(types: &[String]) -> Result<bool> {
    match types {
        [] => Ok(false),
        [one] if one == REPORTS_FAILURES => Ok(true),
        _ => Err(Exception::invalid(format!("FunctionResponseTypes has {REPORTS_FAILURES}, or nothing."))),
    }
}

/// An operation on mappings; `None` when there is none of that method and path.
pub(super) async fn dispatch(call: &Call, rest: &[&str]) -> Option<Result> {
    Some(match (call.method(), rest) {
        ("POST", []) => create_event_source_mapping(call).await,
        ("GET", []) => list_event_source_mappings(call).await,
        ("GET", [id]) => get_event_source_mapping(call, id).await,
        ("PUT", [id]) => update_event_source_mapping(call, id).await,
        ("DELETE", [id]) => delete_event_source_mapping(call, id).await,
        _ => return None,
    })
}

/// Feed a function with the messages of a queue
///
/// Messages are deleted when the call with them succeeds, or when the answer does not name them as failed
/// (`ReportBatchItemFailures`); others come again after the queue's visibility timeout. Those that no filter matches are deleted.
#[utoipa::path(
    post,
    path = "/2015-03-31/event-source-mappings",
    tag = "lambda",
    security(("sigv4" = [])),
    request_body = Wanted,
    responses(
        (status = 202, description = "Made", body = MappingAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
        (status = 409, description = "The queue feeds the function already", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn create_event_source_mapping(call: &Call) -> Result {
    let wanted: Wanted = call.json()?;
    let draft = wanted.draft()?;
    let function = wanted.function()?.ok_or_else(|| constraint("null", "functionName", "Member must not be null"))?;
    let source =
        wanted.event_source_arn.as_deref().ok_or_else(|| constraint("null", "eventSourceArn", "Member must not be null"))?;
    let made = call.functions.create_mapping(&function.name, function.qualifier, source_of(source)?, draft).await;
    let made = made.map_err(|err| refused(err, source, wanted.function_name.as_deref().unwrap_or_default()))?;
    json_answer(StatusCode::ACCEPTED, &MappingAnswer::new(call, made))
}

/// List event source mappings
#[utoipa::path(
    get,
    path = "/2015-03-31/event-source-mappings",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("EventSourceArn" = Option<String>, Query, description = "Those of a queue"),
        ("FunctionName" = Option<String>, Query, description = "Those of a function, or of a version or an alias"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 10000"),
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = MappingList),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_event_source_mappings(call: &Call) -> Result {
    let page = Page::of(call)?;
    let function = call.query("FunctionName").filter(|text| !text.is_empty()).map(|text| Reference::parse(&text)).transpose()?;
    let queue = call.query("EventSourceArn").filter(|text| !text.is_empty()).map(|text| source_of(&text)).transpose()?;
    let filter = MappingFilter { function: function.map(|function| (function.name, function.qualifier)), queue };
    let after = page.after.as_deref().and_then(|after| after.parse().ok());
    let mut all = call.functions.mappings(filter, after, page.limit()).await?;
    let next_marker = page.cut(&mut all, |last| last.id.to_string());
    let event_source_mappings = all.into_iter().map(|mapping| MappingAnswer::new(call, mapping)).collect();
    json_answer(StatusCode::OK, &MappingList { event_source_mappings, next_marker })
}

/// Get an event source mapping
#[utoipa::path(
    get,
    path = "/2015-03-31/event-source-mappings/{uuid}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("uuid" = Uuid, Path, description = "Its id")),
    responses(
        (status = 200, description = "The mapping", body = MappingAnswer),
        (status = 404, description = "There is none", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_event_source_mapping(call: &Call, id: &str) -> Result {
    let found = call.functions.mapping(id_of(id)?).await?.ok_or_else(none)?;
    json_answer(StatusCode::OK, &MappingAnswer::new(call, found))
}

/// Change an event source mapping
///
/// What is left out stays as it is.
#[utoipa::path(
    put,
    path = "/2015-03-31/event-source-mappings/{uuid}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("uuid" = Uuid, Path, description = "Its id")),
    request_body = Wanted,
    responses(
        (status = 202, description = "Changed", body = MappingAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such mapping or function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_event_source_mapping(call: &Call, id: &str) -> Result {
    let wanted: Wanted = call.json()?;
    if wanted.event_source_arn.is_some() {
        return Err(Exception::invalid("EventSourceArn cannot be changed: make another mapping."));
    }
    let draft = wanted.draft()?;
    let function = wanted.function()?.map(|function| (function.name, function.qualifier));
    let changed = call.functions.update_mapping(id_of(id)?, function, draft).await;
    let changed = changed.map_err(|err| refused(err, "", wanted.function_name.as_deref().unwrap_or_default()))?;
    json_answer(StatusCode::ACCEPTED, &MappingAnswer::new(call, changed.ok_or_else(none)?))
}

/// Remove an event source mapping
#[utoipa::path(
    delete,
    path = "/2015-03-31/event-source-mappings/{uuid}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("uuid" = Uuid, Path, description = "Its id")),
    responses(
        (status = 202, description = "Removed", body = MappingAnswer),
        (status = 404, description = "There is none", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_event_source_mapping(call: &Call, id: &str) -> Result {
    let gone = call.functions.delete_mapping(id_of(id)?).await?.ok_or_else(none)?;
    json_answer(StatusCode::ACCEPTED, &MappingAnswer { state: "Deleting", ..MappingAnswer::new(call, gone) })
}

fn source_of(arn: &str) -> Result<QueueName> {
    let wrong = || Exception::invalid(format!("Unrecognized event source, must be the ARN of a queue of this server: {arn}"));
    queue_of(arn).ok_or_else(wrong)
}

fn id_of(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| none())
}

fn none() -> Exception {
    Exception::not_found("The resource you requested does not exist.")
}

fn refused(err: Error, source: &str, function: &str) -> Exception {
    match err {
        Error::Mapped(id) => Exception::conflict(format!(
            "An event source mapping with SQS arn (\" {source} \") and function (\" {function} \") already exists. Please update or delete the existing mapping with UUID {id}"
        )),
        Error::Invalid { field, message } if field == "EventSourceArn" => {
            Exception::invalid(format!("Invalid request provided: {message}"))
        }
        Error::Invalid { message, .. } => Exception::invalid(message),
        other => other.into(),
    }
}
