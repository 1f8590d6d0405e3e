//! What the operator's side of functions answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::PublicUrl;
use crate::functions::Details;
use crate::functions::logs::LogEntry;
use crate::functions::model::{Allocation, Network, Permissions, Revision, style_name};
use crate::types::{FunctionId, FunctionName, RequestId, RevisionId, Timestamp};

/// A function by its live revision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Function)]
pub(super) struct FunctionAnswer {
    #[schema(value_type = String, example = "hello")]
    name: FunctionName,
    #[schema(value_type = String, format = Uuid)]
    id: FunctionId,
    /// The revision that new calls run.
    #[schema(value_type = String, format = Uuid)]
    revision_id: RevisionId,
    /// The revision's number, counted from 1; answers of the function carry it as `X-Plinth-Function-Version`.
    #[schema(example = "1")]
    version: String,
    /// Where it is called.
    #[schema(example = "http://127.0.0.1:8000/functions/v1/hello")]
    url: String,
    /// The SHA-256 of the source, in hexadecimal.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    sha256: String,
    /// The size of the source, in bytes.
    #[schema(example = 73)]
    size_bytes: i64,
    /// What was uploaded: `javascript`, `typescript` or `zip`.
    #[schema(example = "javascript")]
    language: &'static str,
    /// The handler that was found: `lambda` (`export const handler`), `default_fetch` (`export default { fetch }`),
    /// `default_function` (`export default function`) or `deno_serve` (`Deno.serve`).
    #[schema(example = "lambda")]
    handler_style: &'static str,
    /// The handler that was asked for.
    #[schema(example = "index.handler")]
    handler: Option<String>,
    #[schema(example = 128)]
    memory_mb: u32,
    #[schema(example = 3)]
    timeout_s: u64,
    /// How many calls may run side by side in one environment.
    #[schema(example = 1)]
    concurrency_per_environment: u32,
    /// Whether a caller needs a key or a token.
    #[schema(example = true)]
    verify_jwt: bool,
    /// `"none"`, `"public"`, or a list of hosts.
    #[schema(value_type = Value, example = "public")]
    network: NetworkAnswer,
    #[schema(example = "Says hello")]
    description: String,
    /// The names of the variables; their values are not readable.
    #[schema(example = json!(["GREETING"]))]
    env: Vec<String>,
    /// What it may use of what the server shares: `kv`, `queues`, `functions`, `secrets`.
    #[schema(value_type = Object, example = json!({"kv": {"default": "write"}, "secrets": ["STRIPE_KEY"]}))]
    permissions: Permissions,
    /// When the function was first deployed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the live revision was deployed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// What it has running on the node that answers; for one function alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    environments: Option<EnvironmentsAnswer>,
}

/// The environments of a function on the node that answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionEnvironments)]
pub(super) struct EnvironmentsAnswer {
    /// Busy and idle ones, of all versions.
    #[schema(example = 3)]
    all: usize,
    /// Those that wait for their next call.
    #[schema(example = 2)]
    idle: usize,
    /// What is provisioned, by version and alias.
    provisioned: Vec<ProvisionedAnswer>,
}

/// Environments of a version or an alias that are kept initialised.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionProvisioned)]
pub(super) struct ProvisionedAnswer {
    /// The number of the version, or the alias.
    #[schema(example = "live")]
    qualifier: String,
    /// How many each node shall have.
    #[schema(example = 2)]
    requested: u32,
    /// How many this one has.
    #[schema(example = 2)]
    available: u32,
    /// `READY`, `IN_PROGRESS` or `FAILED`.
    #[schema(example = "READY")]
    status: &'static str,
    /// Why some are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
}

/// The network setting in the words of `x-plinth-config`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum NetworkAnswer {
    Word(&'static str),
    Hosts(Vec<String>),
}

/// A page of functions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionPage)]
pub(super) struct PageAnswer {
    pub(super) functions: Vec<FunctionAnswer>,
    /// What to send as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "hello")]
    pub(super) next_after: Option<FunctionName>,
}

/// A part of a function's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionLogs)]
pub(super) struct LogsAnswer {
    /// The newest entries that match, the oldest of them first.
    pub(super) entries: Vec<LogAnswer>,
}

/// A line of a function's log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionLogEntry)]
pub(super) struct LogAnswer {
    /// Its place in the log; a stream goes on behind it with `last-event-id`. Empty while the server's disk is full and keeps it from
    /// being written.
    #[schema(example = "4711")]
    id: String,
    /// The function; empty when it was deleted in this moment.
    #[schema(example = "hello")]
    function: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The call it belongs to.
    #[schema(value_type = String, format = Uuid)]
    request_id: RequestId,
    /// `function` for what the function wrote, `platform` for the records of its calls.
    #[schema(example = "platform")]
    kind: &'static str,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`.
    #[schema(example = "INFO")]
    level: &'static str,
    #[schema(example = "START RequestId: 6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11 Version: $LATEST")]
    text: String,
}

/// The body of the answer when a function fails.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunctionFailure)]
pub(super) struct FailureAnswer<'a> {
    /// The class of what was thrown, or `Runtime.…`, `Sandbox.…`, `Function.…`.
    #[serde(rename = "errorType")]
    #[schema(example = "TypeError")]
    pub(super) error_type: &'a str,
    #[serde(rename = "errorMessage")]
    #[schema(example = "x is not a function")]
    pub(super) message: &'a str,
    #[serde(rename = "requestId")]
    #[schema(value_type = String, format = Uuid)]
    pub(super) request_id: RequestId,
    /// The stack; only for the service key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<&'a [String]>,
    /// Which limit was hit, in which phase, and what was still pending.
    pub(super) details: &'a Details,
}

impl FunctionAnswer {
    pub(super) fn new(revision: Revision, url: &PublicUrl) -> Self {
        let Revision { settings, package, .. } = revision;
        Self {
            url: format!("{}/functions/v1/{}", url.0, revision.name),
            name: revision.name,
            id: revision.function_id,
            revision_id: revision.id,
            version: revision.number.to_string(),
            sha256: package.source_sha256,
            size_bytes: package.source_size,
            language: package.kind.as_str(),
            handler_style: style_name(package.style),
            handler: settings.handler,
            memory_mb: settings.memory_mb,
            timeout_s: settings.timeout.as_secs(),
            concurrency_per_environment: settings.concurrency,
            verify_jwt: settings.verify_jwt,
            network: match settings.network {
                Network::None => NetworkAnswer::Word("none"),
                Network::Public => NetworkAnswer::Word("public"),
                Network::Hosts(hosts) => NetworkAnswer::Hosts(hosts),
            },
            description: settings.description,
            env: settings.env_names,
            permissions: settings.permissions,
            created_at: revision.function_created_at,
            updated_at: revision.created_at,
            environments: None,
        }
    }

    /// The same, with what it has running.
    pub(super) fn with_environments(self, (all, idle): (usize, usize), provisioned: Vec<Allocation>) -> Self {
        let provisioned = provisioned.into_iter().map(ProvisionedAnswer::from).collect();
        Self { environments: Some(EnvironmentsAnswer { all, idle, provisioned }), ..self }
    }
}

impl From<Allocation> for ProvisionedAnswer {
    fn from(allocation: Allocation) -> Self {
        Self {
            status: allocation.status(),
            qualifier: allocation.wanted.qualifier.to_string(),
            requested: allocation.wanted.count,
            available: allocation.allocated,
            status_reason: allocation.failure,
        }
    }
}

impl LogAnswer {
    /// The entry of the function with this name.
    pub(super) fn new(entry: LogEntry, function: String) -> Self {
        let LogEntry { id, at, request, kind, level, text, .. } = entry;
        let id = if id == 0 { String::new() } else { id.to_string() };
        Self { id, function, at, request_id: request, kind: kind.as_str(), level: level.as_str(), text }
    }
}
