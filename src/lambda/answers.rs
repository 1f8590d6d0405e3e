//! What operations answer: AWS's shapes.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::error::{Exception, Result};
use crate::functions::FunctionsService;
use crate::functions::model::{Alias, AuthType, Cors, FunctionUrl, InvokeMode, LATEST, Revision, arn};
use crate::types::Timestamp;

/// A function's configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunctionConfiguration)]
pub(super) struct Configuration {
    #[schema(example = "hello")]
    function_name: String,
    #[schema(example = "arn:aws:lambda:local:000000000000:function:hello")]
    function_arn: String,
    #[schema(example = "nodejs22.x")]
    runtime: String,
    #[schema(example = "arn:aws:iam::000000000000:role/lambda")]
    role: String,
    #[schema(example = "index.handler")]
    handler: String,
    /// Bytes of what was uploaded.
    #[schema(example = 245)]
    code_size: i64,
    description: String,
    /// In seconds.
    #[schema(example = 3)]
    timeout: u64,
    /// In MB.
    #[schema(example = 128)]
    memory_size: u32,
    #[schema(example = "2026-01-02T03:04:05.678+0000")]
    last_modified: String,
    /// The SHA-256 of what was uploaded, in base64.
    code_sha256: String,
    /// A version's number, or `$LATEST`.
    #[schema(example = "$LATEST")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<EnvironmentAnswer>,
    /// Another one after every change.
    #[schema(example = "6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11")]
    revision_id: String,
    /// Always `Active`.
    #[schema(example = "Active")]
    state: &'static str,
    /// Always `Successful`.
    #[schema(example = "Successful")]
    last_update_status: &'static str,
    #[schema(example = "Zip")]
    package_type: &'static str,
    /// What else was said of the function, with AWS's defaults: `TracingConfig`, `Architectures`, `EphemeralStorage`,
    /// `LoggingConfig`, `SnapStart`…
    #[serde(flatten)]
    #[schema(value_type = Object)]
    declared: Map<String, Value>,
}

/// The variables of a function.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEnvironment)]
pub(super) struct EnvironmentAnswer {
    variables: BTreeMap<String, String>,
}

impl Configuration {
    /// The configuration as it was asked for under this qualifier.
    pub(super) fn of(functions: &FunctionsService, revision: &Revision, qualifier: Option<&str>) -> Result<Self> {
        let settings = &revision.settings;
        let name = revision.name.as_str();
        let variables = functions.variables(revision)?;
        let mut declared = defaults(name);
        declared.extend(revision.declared.fields.clone());
        if let Some(snap) = declared.get_mut("SnapStart").and_then(Value::as_object_mut) {
            snap.insert("OptimizationStatus".to_owned(), json!("Off"));
        }
        Ok(Self {
            function_name: name.to_owned(),
            function_arn: arn(name, qualifier),
            runtime: revision.declared.runtime.clone().unwrap_or_else(|| "nodejs22.x".to_owned()),
            role: revision.declared.role.clone().unwrap_or_else(|| "arn:aws:iam::000000000000:role/plinth".to_owned()),
            handler: settings.handler.clone().unwrap_or_else(|| "index.handler".to_owned()),
            code_size: revision.package.source_size,
            description: settings.description.clone(),
            timeout: settings.timeout.as_secs(),
            memory_size: settings.memory_mb,
            last_modified: time(revision.created_at),
            code_sha256: base64_of_hex(&revision.package.source_sha256),
            version: revision.version_name(),
            environment: (!variables.is_empty()).then_some(EnvironmentAnswer { variables }),
            revision_id: revision.id.to_string(),
            state: "Active",
            last_update_status: "Successful",
            package_type: "Zip",
            declared,
        })
    }

    /// The same, with the ARN of a version, `$LATEST` included.
    pub(super) fn of_version(functions: &FunctionsService, revision: &Revision) -> Result<Self> {
        Self::of(functions, revision, Some(&revision.version_name()))
    }
}

/// What AWS says of a function of which nothing was said.
fn defaults(name: &str) -> Map<String, Value> {
    let all = json!({
        "TracingConfig": { "Mode": "PassThrough" },
        "Architectures": ["x86_64"],
        "EphemeralStorage": { "Size": 512 },
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
        "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// An alias.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaAlias)]
pub(super) struct AliasAnswer {
    #[schema(example = "arn:aws:lambda:local:000000000000:function:hello:live")]
    alias_arn: String,
    #[schema(example = "live")]
    name: String,
    #[schema(example = "1")]
    function_version: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing_config: Option<RoutingAnswer>,
    revision_id: String,
}

/// How an alias shares its calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaRouting)]
pub(super) struct RoutingAnswer {
    /// Another version, and its share of the calls.
    #[schema(example = json!({ "2": 0.1 }))]
    additional_version_weights: BTreeMap<String, f64>,
}

impl AliasAnswer {
    pub(super) fn new(function: &str, alias: Alias) -> Self {
        let weights: BTreeMap<String, f64> =
            alias.weights.into_iter().map(|(version, weight)| (version.to_string(), weight)).collect();
        Self {
            alias_arn: arn(function, Some(&alias.name)),
            name: alias.name,
            function_version: alias.version.map_or_else(|| LATEST.to_owned(), |version| version.to_string()),
            description: alias.description,
            routing_config: (!weights.is_empty()).then_some(RoutingAnswer { additional_version_weights: weights }),
            revision_id: alias.revision_id.to_string(),
        }
    }
}

/// A function URL.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaFunctionUrl)]
pub(super) struct UrlAnswer {
    #[schema(example = "http://127.0.0.1:8000/lambda-url/abcdefghijklmnopqrstuvwxyz234567/")]
    function_url: String,
    function_arn: String,
    auth_type: AuthType,
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
    #[schema(example = "2026-01-02T03:04:05.678Z")]
    creation_time: String,
    last_modified_time: String,
    invoke_mode: InvokeMode,
}

impl UrlAnswer {
    pub(super) fn new(public_url: &str, url: FunctionUrl) -> Self {
        Self {
            function_url: format!("{}{}/{}/", public_url, super::url::PREFIX, url.url_id),
            function_arn: arn(url.function.as_str(), url.alias.as_deref()),
            auth_type: url.auth_type,
            cors: url.cors,
            creation_time: iso(url.created_at),
            last_modified_time: iso(url.updated_at),
            invoke_mode: url.invoke_mode,
        }
    }
}

/// A body of JSON.
pub(super) fn json_answer(status: StatusCode, body: &impl Serialize) -> Result {
    let json = serde_json::to_vec(body).map_err(Exception::internal)?;
    Ok(HttpResponse::build(status).content_type("application/json").body(json))
}

/// No body.
pub(super) fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// A moment as `LastModified` has it.
pub(super) fn time(moment: Timestamp) -> String {
    moment.to_chrono().format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A moment as the times of URLs have it.
fn iso(moment: Timestamp) -> String {
    moment.to_chrono().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A hash that is kept in hexadecimal, in base64.
fn base64_of_hex(hex: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
    let bytes: Vec<u8> = hex.as_bytes().chunks_exact(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect();
    STANDARD.encode(bytes)
}

/// A hash in base64, in hexadecimal as it is kept; anything else becomes what no hash is.
pub(super) fn hex_of_base64(text: &str) -> String {
    let bytes = STANDARD.decode(text).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
