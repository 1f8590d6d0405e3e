//! Functions: made, read, changed, deleted.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::tags;
use crate::functions::model::{Declared, Deployment, Network, Permissions, Qualifier, Revision, Settings, SourceKind, Variables};
use crate::functions::{Draft, Publication};
use crate::lambda::answers::{Configuration, json_answer, no_content};
use crate::lambda::download;
use crate::lambda::error::{Exception, ExceptionBody, Result};
use crate::lambda::page::Page;
use crate::lambda::reference::Reference;
use crate::lambda::request::{Call, apart};
use crate::lambda::rules::Changes;
use crate::types::{RevisionId, Secret};

/// A function to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaCreateFunction)]
pub(in crate::lambda) struct CreateFunction {
    #[schema(required, example = "hello")]
    function_name: Option<String>,
    #[schema(required)]
    code: Option<Code>,
    /// Whether a version is published too.
    #[serde(default)]
    publish: bool,
    #[schema(value_type = Object)]
    tags: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    changes: Changes,
}

/// Where a function's code is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaCode)]
pub(in crate::lambda) struct Code {
    /// A zip, in base64.
    zip_file: Option<String>,
    /// Refused: this server reads no buckets of AWS's.
    s3_bucket: Option<String>,
    /// Refused: this server runs no images.
    image_uri: Option<String>,
}

/// New code of a function.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaUpdateFunctionCode)]
pub(in crate::lambda) struct UpdateCode {
    #[serde(flatten)]
    code: Code,
    /// Whether a version is published too.
    #[serde(default)]
    publish: bool,
    /// Checks only.
    #[serde(default)]
    dry_run: bool,
    /// The revision that is meant.
    revision_id: Option<String>,
    architectures: Option<Vec<String>>,
}

/// A new configuration of a function.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaUpdateFunctionConfiguration)]
pub(in crate::lambda) struct UpdateConfiguration {
    /// The revision that is meant.
    revision_id: Option<String>,
    #[serde(flatten)]
    changes: Changes,
}

/// A function, and where its code is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunction)]
pub(in crate::lambda) struct FunctionAnswer {
    configuration: Configuration,
    code: CodeAnswer,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    tags: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<super::concurrency::Reserved>,
}

/// Where a function's code is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaCodeLocation)]
pub(in crate::lambda) struct CodeAnswer {
    #[schema(example = "S3")]
    repository_type: &'static str,
    /// An address on this server that is good for ten minutes.
    location: String,
}

/// A page of functions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunctions)]
pub(in crate::lambda) struct FunctionsAnswer {
    functions: Vec<Configuration>,
    /// What to send as `Marker` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// Create a function
#[utoipa::path(
    post,
    path = "/2015-03-31/functions",
    tag = "lambda",
    security(("sigv4" = [])),
    request_body = CreateFunction,
    responses(
        (status = 201, description = "Created; it may be invoked", body = Configuration),
        (status = 400, description = "A parameter or the code is refused", body = ExceptionBody),
        (status = 403, description = "The signature does not do", body = ExceptionBody),
        (status = 409, description = "There is a function of that name", body = ExceptionBody),
        (status = 413, description = "The code is over the limit", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn create_function(call: &Call) -> Result {
    let CreateFunction { function_name, code, publish, tags, changes } = call.long_json().await?;
    let missing = |name: &str| super::super::rules::constraint("null", name, "Member must not be null");
    let name = Reference::parse(&function_name.ok_or_else(|| missing("functionName"))?)?.unqualified()?;
    changes.role.as_ref().ok_or_else(|| missing("role"))?;
    let code = code.ok_or_else(|| missing("code"))?;
    changes.runtime.as_ref().ok_or_else(|| {
        Exception::invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    })?;
    changes.handler.as_ref().ok_or_else(|| {
        Exception::invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    })?;
    changes.check()?;
    let tags = tags.unwrap_or_default();
    tags::check(&tags)?;
    let mut draft = fresh(call);
    changes.apply(&mut draft);
    let Draft { settings, env, declared, .. } = draft;
    let env: Variables = Secret::new(env);
    let source = code.source().await?;
    let deployment = Deployment { name, kind: SourceKind::Zip, source, settings, env, declared };
    let revision = call.functions.create(deployment).await?;
    if !tags.is_empty() {
        tags::add(call, &revision.name, tags).await?;
    }
    published(call, revision, publish, StatusCode::CREATED).await
}

/// What a function is of which nothing was said.
fn fresh(call: &Call) -> Draft {
    let config = call.functions.config();
    let settings = Settings {
        handler: None,
        memory_mb: config.memory_mb,
        timeout: config.timeout,
        verify_jwt: true,
        network: Network::default(),
        description: String::new(),
        env_names: Vec::new(),
        permissions: Permissions::default(),
        concurrency: 1,
    };
    Draft { settings, env: BTreeMap::new(), declared: Declared::default(), source: None }
}

impl Code {
    /// The zip.
    async fn source(self) -> Result<Bytes> {
        if self.s3_bucket.is_some() {
            return Err(Exception::invalid("Code in S3 is not read by this server: send the zip as ZipFile."));
        }
        if self.image_uri.is_some() {
            return Err(Exception::invalid("Images are not available on this server: send a zip as ZipFile."));
        }
        let text = self.zip_file.ok_or_else(|| Exception::invalid("Please provide a source for function code."))?;
        let decoded = apart(text.len(), move || STANDARD.decode(text)).await?;
        let zip = decoded.map_err(|_| Exception::invalid("ZipFile is not base64."))?;
        if !zip.starts_with(b"PK") {
            let message = "Could not unzip uploaded file. Please check your file, then try to upload again.";
            return Err(Exception::invalid(message));
        }
        Ok(zip.into())
    }
}

/// Answers a new live revision, or the version that is published of it.
async fn published(call: &Call, revision: Revision, publish: bool, status: StatusCode) -> Result {
    if !publish {
        return json_answer(status, &Configuration::of(&call.functions, &revision, None)?);
    }
    let version = call.functions.publish(&revision.name, &Publication::default()).await?;
    json_answer(status, &Configuration::of_version(&call.functions, &version)?)
}

/// Change a function's code
#[utoipa::path(
    put,
    path = "/2015-03-31/functions/{function}/code",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    request_body = UpdateCode,
    responses(
        (status = 200, description = "Changed; new calls run it", body = Configuration),
        (status = 400, description = "A parameter or the code is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the latest", body = ExceptionBody),
        (status = 413, description = "The code is over the limit", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_function_code(call: &Call, function: Reference) -> Result {
    let UpdateCode { code, publish, dry_run, revision_id, architectures } = call.long_json().await?;
    let name = function.unqualified()?;
    let expected = revision_id.as_deref().map(parse_revision).transpose()?;
    let mut others = Map::new();
    if let Some(architectures) = architectures {
        others.insert("Architectures".to_owned(), json!(architectures));
    }
    let changes = Changes { others, ..Changes::default() };
    changes.check()?;
    let source = code.source().await?;
    if dry_run {
        let live = call.functions.get(&name).await?;
        if expected.is_some_and(|expected| expected != live.id) {
            return Err(crate::functions::Error::OtherRevision.into());
        }
        call.functions.check(SourceKind::Zip, &source, live.settings.handler.as_deref()).await?;
        return json_answer(StatusCode::OK, &Configuration::of(&call.functions, &live, None)?);
    }
    let change = |draft: &mut Draft| {
        changes.apply(draft);
        draft.source = Some((SourceKind::Zip, source.clone()));
        Ok(())
    };
    let revision = call.functions.update(&name, expected, change).await?;
    published(call, revision, publish, StatusCode::OK).await
}

/// Change a function's configuration
///
/// What is not said stays.
#[utoipa::path(
    put,
    path = "/2015-03-31/functions/{function}/configuration",
    tag = "lambda",
    security(("sigv4" = [])),
    params(("function" = String, Path, description = "A name or an ARN", example = "hello")),
    request_body = UpdateConfiguration,
    responses(
        (status = 200, description = "Changed", body = Configuration),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
        (status = 404, description = "There is no such function", body = ExceptionBody),
        (status = 412, description = "RevisionId is not the latest", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn update_function_configuration(call: &Call, function: Reference) -> Result {
    let UpdateConfiguration { revision_id, changes } = call.json()?;
    let name = function.unqualified()?;
    let expected = revision_id.as_deref().map(parse_revision).transpose()?;
    changes.check()?;
    let change = |draft: &mut Draft| {
        changes.apply(draft);
        Ok(())
    };
    let revision = call.functions.update(&name, expected, change).await?;
    json_answer(StatusCode::OK, &Configuration::of(&call.functions, &revision, None)?)
}

/// Get a function, and where its code is
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}",
    operation_id = "get_lambda_function",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    responses(
        (status = 200, description = "The function", body = FunctionAnswer),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_function(call: &Call, function: Reference) -> Result {
    let revision = call.functions.get_qualified(&function.name, function.qualifier.as_ref()).await?;
    let qualifier = function.qualifier.as_ref().map(ToString::to_string);
    let location = download::location(call, &revision)?;
    let answer = FunctionAnswer {
        configuration: Configuration::of(&call.functions, &revision, qualifier.as_deref())?,
        code: CodeAnswer { repository_type: "S3", location },
        tags: call.functions.tags(&function.name).await?,
        concurrency: revision.reserved_concurrency.map(super::concurrency::Reserved::new),
    };
    json_answer(StatusCode::OK, &answer)
}

/// Get a function's configuration
#[utoipa::path(
    get,
    path = "/2015-03-31/functions/{function}/configuration",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version or an alias"),
    ),
    responses(
        (status = 200, description = "The configuration", body = Configuration),
        (status = 404, description = "There is no such function, version or alias", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn get_function_configuration(call: &Call, function: Reference) -> Result {
    let revision = call.functions.get_qualified(&function.name, function.qualifier.as_ref()).await?;
    let qualifier = function.qualifier.as_ref().map(ToString::to_string);
    json_answer(StatusCode::OK, &Configuration::of(&call.functions, &revision, qualifier.as_deref())?)
}

/// List functions
#[utoipa::path(
    get,
    path = "/2015-03-31/functions",
    operation_id = "list_lambda_functions",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("Marker" = Option<String>, Query, description = "`NextMarker` of the page before"),
        ("MaxItems" = Option<u32>, Query, description = "1 to 10000; a page has 50 at the most"),
        ("FunctionVersion" = Option<String>, Query, description = "`ALL`: every version too"),
    ),
    responses(
        (status = 200, description = "A page, in the order of the names", body = FunctionsAnswer),
        (status = 400, description = "A parameter is refused", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn list_functions(call: &Call) -> Result {
    let page = Page::of(call)?;
    let all = match call.query("FunctionVersion").as_deref() {
        None => false,
        Some("ALL") => true,
        Some(other) => {
            let rule = "Member must satisfy enum value set: [ALL]";
            return Err(super::super::rules::constraint(other, "functionVersion", rule));
        }
    };
    // A marker is `name` or `name:version`, of which the live revision's is 0.
    let (name, version) = match page.after.as_deref() {
        None => (None, None),
        Some(marker) => match marker.split_once(':') {
            Some((name, version)) => (Some(name), version.parse::<i64>().ok()),
            None => (Some(marker), None),
        },
    };
    let mut revisions = if all {
        let after = name.map(|name| (name, version.unwrap_or(i64::MAX)));
        call.functions.list_all_versions(after, page.limit()).await?
    } else {
        let after = name.and_then(|name| name.parse().ok());
        call.functions.list(after.as_ref(), page.limit()).await?
    };
    let next_marker = page.cut(&mut revisions, |last| match all {
        true => format!("{}:{}", last.name, last.version.unwrap_or_default()),
        false => last.name.to_string(),
    });
    let configuration = |revision: &Revision| match all {
        true => Configuration::of_version(&call.functions, revision),
        false => Configuration::of(&call.functions, revision, None),
    };
    let functions = revisions.iter().map(configuration).collect::<Result<Vec<_>>>()?;
    json_answer(StatusCode::OK, &FunctionsAnswer { functions, next_marker })
}

/// Delete a function, or a version of it
#[utoipa::path(
    delete,
    path = "/2015-03-31/functions/{function}",
    operation_id = "delete_lambda_function",
    tag = "lambda",
    security(("sigv4" = [])),
    params(
        ("function" = String, Path, description = "A name or an ARN", example = "hello"),
        ("Qualifier" = Option<String>, Query, description = "A version: only that is deleted"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "There is no such function or version", body = ExceptionBody),
        (status = 409, description = "An alias needs the version", body = ExceptionBody),
    ),
)]
pub(in crate::lambda) async fn delete_function(call: &Call, function: Reference) -> Result<HttpResponse> {
    match function.qualifier {
        None => call.functions.delete(&function.name).await?,
        Some(Qualifier::Version(version)) => call.functions.delete_version(&function.name, version).await?,
        Some(Qualifier::Latest) => {
            let message = "$LATEST version cannot be deleted without deleting the function.";
            return Err(Exception::invalid(message));
        }
        Some(Qualifier::Alias(_)) => {
            return Err(Exception::invalid("Deletion of aliases is not currently supported: use DeleteAlias."));
        }
    }
    Ok(no_content())
}

/// A revision's id; any other text is one that none has.
pub(super) fn parse_revision(text: &str) -> Result<RevisionId> {
    text.parse().map_err(|_| crate::functions::Error::OtherRevision.into())
}
