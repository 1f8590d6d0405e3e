//! Tags of functions.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::functions::Error;
use crate::lambda::answers::{json_answer, no_content};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::types::FunctionName;

/// The most tags of a function, and the longest keys and values, in characters: AWS's.
const MOST: usize = 50;
const KEY: usize = 128;
const VALUE: usize = 256;

/// Tags.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaTags)]
pub(in crate::lambda) struct Tags {
    #[serde(default)]
    #[schema(example = json!({ "team": "web" }))]
    tags: BTreeMap<String, String>,
}

/// The function that a resource's ARN names.
pub(super) fn function_of(resource: &str) -> Result<FunctionName> {
    if !resource.starts_with("arn:") {
        return Err(crate::lambda::rules::constraint(resource, "resource", "it must be the ARN of a function"));
    }
    Reference::parse(resource)?.unqualified()
}

/// Checks keys and values.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<()> {
    for (key, value) in tags {
        let wrong = key.is_empty() || key.chars().count() > KEY || value.chars().count() > VALUE;
        if wrong || key.starts_with("aws:") || key.contains('\0') || value.contains('\0') {
            return Err(Exception::invalid(format!(
                "a tag's key has 1 to {KEY} characters and does not begin with aws:, its value has at most {VALUE}"
            )));
        }
    }
    if tags.len() > MOST { Err(too_many().into()) } else { Ok(()) }
}

fn too_many() -> Error {
    Error::Invalid { field: "Tags".to_owned(), message: format!("a function has at most {MOST} tags") }
}

/// Adds tags to a function.
pub(super) async fn add(call: &Call, name: &FunctionName, tags: BTreeMap<String, String>) -> Result<()> {
    let change = move |all: &mut Map<String, Value>| {
        all.extend(tags.iter().map(|(key, value)| (key.clone(), json!(value))));
        if all.len() > MOST { Err(too_many()) } else { Ok(()) }
    };
    Ok(call.functions.change_tags(name, change).await?)
}

/// Tag a function
#[utoipa::path(
    post,
    path = "/2017-03-31/tags/{arn}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("arn" = String, Path, description = "A function's ARN", example = "arn:aws:lambda:local:000000000000:function:hello")),
    request_body = Tags,
    responses(
        (status = 204, description = "Tagged"),
        (status = 400, description = "A tag is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn tag_resource(call: &Call, function: FunctionName) -> Result {
    let Tags { tags } = call.json()?;
    check(&tags)?;
    add(call, &function, tags).await?;
    Ok(no_content())
}

/// List a function's tags
#[utoipa::path(
    get,
    path = "/2017-03-31/tags/{arn}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("arn" = String, Path, description = "A function's ARN", example = "arn:aws:lambda:local:000000000000:function:hello")),
    responses(
        (status = 200, description = "The tags", body = Tags),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_tags(call: &Call, function: FunctionName) -> Result {
    let tags = call.functions.tags(&function).await?;
    json_answer(StatusCode::OK, &json!({ "Tags": tags }))
}

/// Take tags off a function
#[utoipa::path(
    delete,
    path = "/2017-03-31/tags/{arn}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("arn" = String, Path, description = "A function's ARN", example = "arn:aws:lambda:local:000000000000:function:hello"),
        ("tagKeys" = Vec<String>, Query, description = "The keys"),
    ),
    responses(
        (status = 204, description = "Taken off"),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn untag_resource(call: &Call, function: FunctionName) -> Result {
    let keys = call.queries("tagKeys");
    let change = move |all: &mut Map<String, Value>| {
        all.retain(|key, _| !keys.contains(key));
        Ok(())
    };
    call.functions.change_tags(&function, change).await?;
    Ok(no_content())
}
