//! How calls that nobody waits for are tried again, and who is told how they ended.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::functions::model::{EventConfig, LATEST, arn};
use crate::functions::{Error, EventConfigDraft};
use crate::lambda::answers::{json_answer, no_content};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;

/// How calls that nobody waits for are tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventInvokeConfigInput)]
pub(in crate::lambda) struct Wanted {
    /// How often a call is tried again that failed in the function: 0 to 2.
    #[schema(example = 2)]
    maximum_retry_attempts: Option<i64>,
    /// How old an event may be that is tried: 60 to 21600 seconds.
    #[schema(example = 3600)]
    maximum_event_age_in_seconds: Option<i64>,
    destination_config: Option<Destinations>,
}

/// Who is told how a call ended.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaDestinationConfig)]
pub(in crate::lambda) struct Destinations {
    /// Of a call that succeeded.
    #[serde(default)]
    on_success: Option<Destination>,
    /// Of a call that was given up.
    #[serde(default)]
    on_failure: Option<Destination>,
}

/// Who is told.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaDestination)]
pub(in crate::lambda) struct Destination {
    /// The ARN of a function.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "arn:aws:lambda:local:000000000000:function:told")]
    destination: Option<String>,
}

/// How calls that nobody waits for are tried.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventInvokeConfig)]
pub(in crate::lambda) struct EventConfigAnswer {
    /// Seconds since 1970.
    last_modified: f64,
    #[schema(example = "arn:aws:lambda:local:000000000000:function:hello:$LATEST")]
    function_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_retry_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_event_age_in_seconds: Option<u64>,
    destination_config: Destinations,
}

/// A page of configurations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEventInvokeConfigs)]
pub(in crate::lambda) struct EventConfigList {
    function_event_invoke_configs: Vec<EventConfigAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

impl EventConfigAnswer {
    fn new(config: EventConfig) -> Self {
        let qualifier = config.qualifier.as_ref().map_or_else(|| LATEST.to_owned(), ToString::to_string);
        let told = |destination| Some(Destination { destination });
        Self {
            last_modified: config.updated_at.micros() as f64 / 1e6,
            function_arn: arn(config.function.as_str(), Some(&qualifier)),
            maximum_retry_attempts: config.max_retries,
            maximum_event_age_in_seconds: config.max_age.map(|age| age.as_secs()),
            destination_config: Destinations { on_success: told(config.on_success), on_failure: told(config.on_failure) },
        }
    }
}

impl Wanted {
    fn draft(self) -> Result<EventConfigDraft> {
        let within = |value: i64, name: &str, (least, most): (i64, i64)| {
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            let rule = if value < least {
                format!("Member must have value greater than or equal to {least}")
            } else {
                format!("Member must have value less than or equal to {most}")
            };
            Err(constraint(&value.to_string(), name, &rule))
        };
        let retries = self.maximum_retry_attempts.map(|value| within(value, "maximumRetryAttempts", (0, 2))).transpose()?;
        let age = self.maximum_event_age_in_seconds.map(|value| within(value, "maximumEventAgeInSeconds", (60, 21_600)));
        let Destinations { on_success, on_failure } = self.destination_config.unwrap_or_default();
        let told = |destination: Option<Destination>| destination.map(|one| one.destination.unwrap_or_default());
        Ok(EventConfigDraft {
            max_retries: retries.and_then(|retries| u32::try_from(retries).ok()),
            max_age: age.transpose()?.and_then(|age| u64::try_from(age).ok()).map(Duration::from_secs),
            on_success: told(on_success),
            on_failure: told(on_failure),
        })
    }
}

/// An operation on what is set for a function; `None` when there is none of that method and path.
pub(super) async fn dispatch(call: &Call, function: Reference, rest: &[&str]) -> Option<Result> {
    Some(match (call.method(), rest) {
        ("PUT", []) => put_function_event_invoke_config(call, function).await,
        ("POST", []) => update_function_event_invoke_config(call, function).await,
        ("GET", []) => get_function_event_invoke_config(call, function).await,
        ("GET", ["list"]) => list_function_event_invoke_configs(call, function).await,
        ("DELETE", []) => delete_function_event_invoke_config(call, function).await,
        _ => return None,
    })
}

/// Set how asynchronous calls are tried
///
/// It takes the place of what was set before.
#[utoipa::path(
    put,
    path = "/2019-09-25/functions/{function}/event-invoke-config",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    request_body = Wanted,
    responses(
        (status = 200, description = "Set", body = EventConfigAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn put_function_event_invoke_config(call: &Call, function: Reference) -> Result {
    set(call, function, true).await
}

/// Change how asynchronous calls are tried
///
/// What is left out stays as it is.
#[utoipa::path(
    post,
    path = "/2019-09-25/functions/{function}/event-invoke-config",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    request_body = Wanted,
    responses(
        (status = 200, description = "Changed", body = EventConfigAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias, or nothing was set", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_function_event_invoke_config(call: &Call, function: Reference) -> Result {
    set(call, function, false).await
}

/// Get how asynchronous calls are tried
#[utoipa::path(
    get,
    path = "/2019-09-25/functions/{function}/event-invoke-config",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    responses(
        (status = 200, description = "What was set", body = EventConfigAnswer),
        (status = 404, description = "There is no such function, version or alias, or nothing was set", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_function_event_invoke_config(call: &Call, function: Reference) -> Result {
    let found = call.functions.event_config(&function.name, function.qualifier.as_ref()).await.map_err(nothing)?;
    json_answer(StatusCode::OK, &EventConfigAnswer::new(found))
}

/// List how asynchronous calls of a function, its versions and its aliases are tried
#[utoipa::path(
    get,
    path = "/2019-09-25/functions/{function}/event-invoke-config/list",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 50"),
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = EventConfigList),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_function_event_invoke_configs(call: &Call, function: Reference) -> Result {
    let page = Page::of(call)?;
    let mut all = call.functions.event_configs(&function.unqualified()?, page.after.as_deref(), page.limit()).await?;
    let next_marker = page.cut(&mut all, |last| last.qualifier.as_ref().map(ToString::to_string).unwrap_or_default());
    let function_event_invoke_configs = all.into_iter().map(EventConfigAnswer::new).collect();
    json_answer(StatusCode::OK, &EventConfigList { function_event_invoke_configs, next_marker })
}

/// Have asynchronous calls be tried as the server's settings say
#[utoipa::path(
    delete,
    path = "/2019-09-25/functions/{function}/event-invoke-config",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    responses(
        (status = 204, description = "Nothing is set"),
        (status = 404, description = "There is no such function, version or alias, or nothing was set", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_function_event_invoke_config(call: &Call, function: Reference) -> Result {
    call.functions.remove_event_config(&function.name, function.qualifier.as_ref()).await.map_err(nothing)?;
    Ok(no_content())
}

async fn set(call: &Call, function: Reference, is_whole: bool) -> Result {
    let draft = call.json::<Wanted>()?.draft()?;
    let set = call.functions.set_event_config(&function.name, function.qualifier.as_ref(), draft, is_whole).await;
    json_answer(StatusCode::OK, &EventConfigAnswer::new(set.map_err(nothing)?))
}

fn nothing(err: Error) -> Exception {
    match err {
        Error::Absent { function, .. } => {
            Exception::not_found(format!("The function {} doesn't have an EventInvokeConfig", arn(function.as_str(), None)))
        }
        other => other.into(),
    }
}
