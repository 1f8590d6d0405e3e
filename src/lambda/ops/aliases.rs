//! Aliases.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::functions::parse_revision;
use crate::functions::AliasChange;
use crate::functions::model::Qualifier;
use crate::lambda::answers::{AliasAnswer, json_answer, no_content};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::{Changes, constraint};

/// What an alias shall be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAliasInput)]
pub(in crate::lambda) struct AliasInput {
    /// Needed when it is made.
    #[schema(example = "live")]
    name: Option<String>,
    /// Needed when it is made.
    #[schema(example = "1")]
    function_version: Option<String>,
    description: Option<String>,
    routing_config: Option<RoutingInput>,
    /// The alias's revision that is meant.
    revision_id: Option<String>,
}

/// How an alias shares its calls.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaRoutingInput)]
pub(in crate::lambda) struct RoutingInput {
    /// One other version, and its share of the calls, from 0 to 1.
    #[schema(example = json!({ "2": 0.1 }))]
    additional_version_weights: Option<BTreeMap<String, f64>>,
}

/// A page of aliases.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAliases)]
pub(in crate::lambda) struct AliasesAnswer {
    aliases: Vec<AliasAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

impl AliasInput {
    fn change(&self) -> Result<AliasChange> {
        Changes { description: self.description.clone(), ..Changes::default() }.check()?;
        let version = |text: &String| match text.parse() {
            Ok(target @ (Qualifier::Latest | Qualifier::Version(_))) => Ok(target),
            _ => Err(constraint(text, "functionVersion", "Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)")),
        };
        let weights = self.routing_config.as_ref().map(|routing| {
            let all = routing.additional_version_weights.iter().flatten();
            all.map(|(version, weight)| match version.parse::<i64>() {
                Ok(number) => Ok((number, *weight)),
                Err(_) => Err(constraint(version, "routingConfig", "Member must satisfy regular expression pattern: [0-9]+")),
            })
            .collect::<Result<BTreeMap<i64, f64>>>()
        });
        Ok(AliasChange {
            description: self.description.clone(),
            target: self.function_version.as_ref().map(version).transpose()?,
            weights: weights.transpose()?,
            expected: self.revision_id.as_deref().map(parse_revision).transpose()?,
        })
    }
}

/// Create an alias
#[utoipa::path(
    post,
    path = "/2015-03-31/functions/{function}/aliases",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    request_body = AliasInput,
    responses(
        (status = 201, description = "Created", body = AliasAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function or version", body = ExceptionBody),
        (status = 409, description = "There is an alias of that name", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn create_alias(call: &Call, function: Reference) -> Result {
    let input: AliasInput = call.json()?;
    let missing = |name: &str| constraint("null", name, "Member must not be null");
    let alias = input.name.clone().ok_or_else(|| missing("name"))?;
    if !matches!(alias.parse(), Ok(Qualifier::Alias(_))) {
        let rule = "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)";
        return Err(constraint(&alias, "name", rule));
    }
    input.function_version.as_ref().ok_or_else(|| missing("functionVersion"))?;
    let name = function.unqualified()?;
    let made = call.functions.create_alias(&name, &alias, input.change()?).await?;
    json_answer(StatusCode::CREATED, &AliasAnswer::new(name.as_str(), made))
}

/// Get an alias
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}/aliases/{name}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("name" = String, Path, example = "live"),
    ),
    responses(
        (status = 200, description = "The alias", body = AliasAnswer),
        (status = 404, description = "There is no such function or alias", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_alias(call: &Call, function: Reference, alias: &str) -> Result {
    let name = function.unqualified()?;
    let found = call.functions.alias(&name, alias).await.map_err(|err| missing_alias(err, name.as_str(), alias))?;
    json_answer(StatusCode::OK, &AliasAnswer::new(name.as_str(), found))
}

/// Change an alias
///
/// What is not said stays.
#[utoipa::path(
    put,
    path = "/2015-03-31/functions/{function}/aliases/{name}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("name" = String, Path, example = "live"),
    ),
    request_body = AliasInput,
    responses(
        (status = 200, description = "Changed", body = AliasAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the alias's", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_alias(call: &Call, function: Reference, alias: &str) -> Result {
    let input: AliasInput = call.json()?;
    let name = function.unqualified()?;
    let changed = call.functions.update_alias(&name, alias, input.change()?).await;
    let changed = changed.map_err(|err| missing_alias(err, name.as_str(), alias))?;
    json_answer(StatusCode::OK, &AliasAnswer::new(name.as_str(), changed))
}

/// Delete an alias
///
/// Its URL and its policy go too. One that is not there is deleted as well.
#[utoipa::path(
    delete,
    path = "/2015-03-31/functions/{function}/aliases/{name}",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("name" = String, Path, example = "live"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_alias(call: &Call, function: Reference, alias: &str) -> Result {
    call.functions.delete_alias(&function.unqualified()?, alias).await?;
    Ok(no_content())
}

/// List a function's aliases
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}/aliases",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("FunctionVersion" = Option<String>, Query, description = "Only those that point at this version"),
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 10000; a page has 50 at the most"),
    ),
    responses(
        (status = 200, description = "A page, in the order of the names", body = AliasesAnswer),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_aliases(call: &Call, function: Reference) -> Result {
    let page = Page::of(call)?;
    let name = function.unqualified()?;
    let after = page.after.clone().unwrap_or_default();
    let mut found = call.functions.list_aliases(&name, &after, page.limit()).await?;
    let next_marker = page.cut(&mut found, |last| last.name.clone());
    if let Some(version) = call.query("FunctionVersion") {
        let version = match version.parse() {
            Ok(Qualifier::Latest) => None,
            Ok(Qualifier::Version(number)) => Some(number),
            _ => {
                return Err(constraint(
                    &version,
                    "functionVersion",
                    "Member must satisfy regular expression pattern: (\\$LATEST|[0-9]+)",
                ));
            }
        };
        let points_there = |number: i64, alias: &crate::functions::model::Alias| alias.weights.contains_key(&number);
        found.retain(|alias| alias.version == version || version.is_some_and(|number| points_there(number, alias)));
    }
    let aliases = found.into_iter().map(|alias| AliasAnswer::new(name.as_str(), alias)).collect();
    json_answer(StatusCode::OK, &AliasesAnswer { aliases, next_marker })
}

/// A missing alias in AWS's words.
fn missing_alias(err: crate::functions::Error, function: &str, alias: &str) -> Exception {
    match err {
        crate::functions::Error::Absent { .. } => {
            Exception::not_found(format!("Cannot find alias arn: {}", crate::functions::model::arn(function, Some(alias))))
        }
        other => other.into(),
    }
}
