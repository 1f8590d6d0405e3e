//! Revisions, and what they are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LATEST, Permissions};
use crate::isolate::protocol::HandlerStyle;
use crate::types::{FunctionId, FunctionName, RevisionId, Secret, Timestamp};

/// The least and the most memory a function may have, in MB.
pub const MEMORY_MB: std::ops::RangeInclusive<u32> = 128..=10_240;

/// The least and the most time a call may take, in seconds.
pub const TIMEOUT_S: std::ops::RangeInclusive<u32> = 1..=900;

/// The fewest and the most calls that may run side by side in one environment.
pub const CONCURRENCY: std::ops::RangeInclusive<u32> = 1..=100;

/// The most that names and values of a function's variables may hold together, in bytes.
pub const ENV_BYTES: usize = 4 * 1024;

/// The longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 256;

/// The most hosts a function's network list may name.
pub const NETWORK_HOSTS: usize = 100;

/// One immutable state of a function: its code and its settings together.
#[derive(Clone, Debug)]
pub struct Revision {
    pub id: RevisionId,
    pub function_id: FunctionId,
    pub name: FunctionName,
    /// Counts up from 1 for each function; what Plinth's own API shows.
    pub number: i64,
    /// The number it was published under; `None` for what `$LATEST` is or was.
    pub version: Option<i64>,
    pub settings: Settings,
    /// What AWS's clients said beside that.
    pub declared: Declared,
    pub package: Package,
    /// The variables, sealed by the vault as the JSON of a map.
    pub sealed_env: Vec<u8>,
    /// When this revision was deployed.
    pub created_at: Timestamp,
    /// When the function was first deployed.
    pub function_created_at: Timestamp,
    /// How many calls of the function may run at once; `None` says nothing of it, 0 stops the function.
    pub reserved_concurrency: Option<u32>,
}

impl Revision {
    /// The version as records and `context.functionVersion` show it: a number, or `$LATEST`.
    #[must_use]
    pub fn version_name(&self) -> String {
        Self::name_of_version(self.version)
    }

    /// As [`Revision::version_name`], of a number.
    #[must_use]
    pub fn name_of_version(version: Option<i64>) -> String {
        version.map_or_else(|| LATEST.to_owned(), |number| number.to_string())
    }

    /// What the vault binds the sealed variables to.
    #[must_use]
    pub fn env_context(id: RevisionId) -> String {
        format!("functions.env.{id}")
    }
}

/// How a function runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `file.export`; `None` takes whichever handler is found.
    pub handler: Option<String>,
    pub memory_mb: u32,
    pub timeout: Duration,
    /// Whether a caller needs a key or a token.
    pub verify_jwt: bool,
    pub network: Network,
    pub description: String,
    /// The names of the variables, in order; the values are sealed.
    pub env_names: Vec<String>,
    /// What it may use of what the server shares.
    pub permissions: Permissions,
    /// How many calls may run side by side in one environment; more than one only for web-style handlers.
    pub concurrency: u32,
}

impl Settings {
    /// Whether calls may share an environment.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.concurrency > 1
    }
}

/// What AWS's clients say of a function and read back, though it changes nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Such as `nodejs22.x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// The ARN of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Fields of AWS's configuration by their names, such as `TracingConfig`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// The hosts a function may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// None at all.
    None,
    /// Every public address.
    #[default]
    Public,
    /// These hosts alone.
    Hosts(Vec<String>),
}

/// The code of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub kind: SourceKind,
    /// The kind of handler that was found.
    pub style: HandlerStyle,
    /// Where the source is in the blob store: a key of this upload's own, which revisions copied from it share.
    pub source_key: String,
    /// The hash of the source as it was uploaded, in hexadecimal.
    pub source_sha256: String,
    /// The size of the source, in bytes.
    pub source_size: i64,
}

/// What was uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// One file of JavaScript.
    JavaScript,
    /// One file of TypeScript.
    TypeScript,
    /// A zip of files.
    Zip,
}

impl SourceKind {
    /// How it is called in answers and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Zip => "zip",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::JavaScript, Self::TypeScript, Self::Zip].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A function's variables, by name.
pub type Variables = Secret<BTreeMap<String, String>>;

/// A deployment as it was asked for: checked, not compiled.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub name: FunctionName,
    pub kind: SourceKind,
    pub source: bytes::Bytes,
    pub settings: Settings,
    pub env: Variables,
    pub declared: Declared,
}

/// How a handler's style is called in answers and in the database.
#[must_use]
pub const fn style_name(style: HandlerStyle) -> &'static str {
    match style {
        HandlerStyle::Lambda => "lambda",
        HandlerStyle::DefaultFetch => "default_fetch",
        HandlerStyle::DefaultFunction => "default_function",
        HandlerStyle::DenoServe => "deno_serve",
        HandlerStyle::CommonJs => "common_js",
    }
}
