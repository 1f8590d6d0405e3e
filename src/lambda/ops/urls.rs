//! Function URLs' configurations.

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::functions::model::{AuthType, Cors, FunctionUrl, InvokeMode};
use crate::functions::{Error, FunctionsService};
use crate::lambda::answers::{UrlAnswer, json_answer, no_content};
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::Call;
use crate::lambda::rules::constraint;

/// The longest list of CORS, and the longest of its items, in characters: AWS's.
const ITEMS: usize = 100;
const ITEM: usize = 1024;

/// How a function URL shall be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunctionUrlInput)]
pub(in crate::lambda) struct UrlInput {
    /// Needed when it is made.
    auth_type: Option<AuthType>,
    /// Replaces what was there.
    cors: Option<Cors>,
    invoke_mode: Option<InvokeMode>,
}

/// A page of function URLs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunctionUrls)]
pub(in crate::lambda) struct UrlsAnswer {
    function_url_configs: Vec<UrlAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

impl UrlInput {
    fn check(&self) -> Result<()> {
        if self.invoke_mode == Some(InvokeMode::ResponseStream) {
            return Err(Exception::invalid("InvokeMode RESPONSE_STREAM is not available on this server yet: use BUFFERED."));
        }
        let Some(cors) = &self.cors else { return Ok(()) };
        if cors.max_age.is_some_and(|age| age > 86_400) {
            let rule = "Member must have value less than or equal to 86400";
            return Err(constraint(&cors.max_age.unwrap_or_default().to_string(), "cors.maxAge", rule));
        }
        for list in [&cors.allow_headers, &cors.allow_methods, &cors.allow_origins, &cors.expose_headers] {
            let is_text = |item: &String| item.is_ascii() && item.len() <= ITEM && !item.chars().any(char::is_control);
            if list.len() > ITEMS || !list.iter().all(is_text) {
                return Err(Exception::invalid(format!(
                    "a list of Cors has at most {ITEMS} items of {ITEM} ASCII characters each"
                )));
            }
        }
        if cors.allow_credentials == Some(true) && cors.allow_origins.iter().any(|origin| origin == "*") {
            return Err(Exception::invalid("AllowOrigins must not contain * when AllowCredentials is true"));
        }
        Ok(())
    }

    fn apply(&self, url: &mut FunctionUrl) {
        url.auth_type = self.auth_type.unwrap_or(url.auth_type);
        url.invoke_mode = self.invoke_mode.unwrap_or(url.invoke_mode);
        if let Some(cors) = &self.cors {
            url.cors = Some(cors.clone()).filter(|cors| *cors != Cors::default());
        }
    }
}

/// Give a function an address of its own
#[utoipa::path(
    post,
    path = "/2021-10-31/functions/{function}/url",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "An alias"),
    ),
    request_body = UrlInput,
    responses(
        (status = 201, description = "Created", body = UrlAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function or alias", body = ExceptionBody),
        (status = 409, description = "It has a URL already", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn create_function_url_config(call: &Call, function: Reference) -> Result {
    let input: UrlInput = call.json()?;
    input.auth_type.ok_or_else(|| constraint("null", "authType", "Member must not be null"))?;
    input.check()?;
    let (name, alias) = function.with_alias()?;
    let mut like = FunctionsService::new_url(name, alias, call.functions.now());
    input.apply(&mut like);
    let made = call.functions.create_url(like).await.map_err(|err| match err {
        Error::Present { .. } => Exception::conflict("FunctionUrlConfig exists for this Lambda function"),
        other => other.into(),
    })?;
    json_answer(StatusCode::CREATED, &UrlAnswer::new(&call.public_url.0, made))
}

/// Get a function's address
#[utoipa::path(
    get,
    path = "/2021-10-31/functions/{function}/url",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "An alias"),
    ),
    responses(
        (status = 200, description = "The URL", body = UrlAnswer),
        (status = 404, description = "There is no such function or alias, or it has no URL", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_function_url_config(call: &Call, function: Reference) -> Result {
    let (name, alias) = function.with_alias()?;
    let url = call.functions.url(&name, alias.as_deref()).await.map_err(no_url)?;
    json_answer(StatusCode::OK, &UrlAnswer::new(&call.public_url.0, url))
}

/// Change a function's address
///
/// What is not said stays.
#[utoipa::path(
    put,
    path = "/2021-10-31/functions/{function}/url",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "An alias"),
    ),
    request_body = UrlInput,
    responses(
        (status = 200, description = "Changed", body = UrlAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function or alias, or it has no URL", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_function_url_config(call: &Call, function: Reference) -> Result {
    let input: UrlInput = call.json()?;
    input.check()?;
    let (name, alias) = function.with_alias()?;
    let change = |url: &mut FunctionUrl| {
        input.apply(url);
        Ok(())
    };
    let url = call.functions.update_url(&name, alias.as_deref(), change).await.map_err(no_url)?;
    json_answer(StatusCode::OK, &UrlAnswer::new(&call.public_url.0, url))
}

/// Take a function's address away
#[utoipa::path(
    delete,
    path = "/2021-10-31/functions/{function}/url",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "An alias"),
    ),
    responses(
        (status = 204, description = "Taken away"),
        (status = 404, description = "There is no such function or alias, or it has no URL", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_function_url_config(call: &Call, function: Reference) -> Result {
    let (name, alias) = function.with_alias()?;
    call.functions.delete_url(&name, alias.as_deref()).await.map_err(no_url)?;
    Ok(no_content())
}

/// List the addresses of a function and its aliases
#[utoipa::path(
    get,
    path = "/2021-10-31/functions/{function}/urls",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 10000; a page has 50 at the most"),
    ),
    responses(
        (status = 200, description = "A page", body = UrlsAnswer),
        (status = 404, description = "There is no such function", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_function_url_configs(call: &Call, function: Reference) -> Result {
    let page = Page::of(call)?;
    let name = function.unqualified()?;
    let mut found = call.functions.list_urls(&name, page.after.as_deref(), page.limit()).await?;
    let next_marker = page.cut(&mut found, |last| last.alias.clone().unwrap_or_default());
    let function_url_configs = found.into_iter().map(|url| UrlAnswer::new(&call.public_url.0, url)).collect();
    json_answer(StatusCode::OK, &UrlsAnswer { function_url_configs, next_marker })
}

/// A missing URL in AWS's words.
fn no_url(err: Error) -> Exception {
    match err {
        Error::Absent { .. } => Exception::not_found("The resource you requested does not exist."),
        other => other.into(),
    }
}
