//! Function URLs: an address of a function's own.

use serde::{Deserialize, Serialize};

use super::Qualifier;
use crate::types::{FunctionId, FunctionName, Timestamp};

/// The address of a function, or of one of its aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionUrl {
    pub function_id: FunctionId,
    pub function: FunctionName,
    /// The alias that is called; `None` is the live revision.
    pub alias: Option<String>,
    /// What names it in paths: 32 letters and digits.
    pub url_id: String,
    pub auth_type: AuthType,
    pub invoke_mode: InvokeMode,
    pub cors: Option<Cors>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl FunctionUrl {
    /// What is called.
    #[must_use]
    pub fn qualifier(&self) -> Option<Qualifier> {
        self.alias.clone().map(Qualifier::Alias)
    }
}

/// Who may call a function URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum AuthType {
    /// Anybody, if the function's policy says so too.
    #[serde(rename = "NONE")]
    None,
    /// Who signs the request with an access key.
    #[serde(rename = "AWS_IAM")]
    AwsIam,
}

/// When the answer of a function URL begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum InvokeMode {
    /// When it is whole.
    #[default]
    #[serde(rename = "BUFFERED")]
    Buffered,
    /// As it is written.
    #[serde(rename = "RESPONSE_STREAM")]
    ResponseStream,
}

/// Which scripts of other origins may call a function URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase", default)]
#[schema(as = LambdaCors)]
pub struct Cors {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_credentials: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_methods: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_origins: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_headers: Vec<String>,
    /// How long a browser may remember the answer to a preflight, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}
