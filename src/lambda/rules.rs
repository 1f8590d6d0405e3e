//! What a function's configuration may say: AWS's limits, as far as they are this server's too.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::error::{Exception, Result};
use crate::functions::Draft;
use crate::functions::model::{DESCRIPTION_CHARS, ENV_BYTES, MEMORY_MB, TIMEOUT_S, function_of};
use crate::queues::queue_of;

/// Names of variables that AWS's runtime keeps to itself.
const RESERVED: [&str; 15] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Fields that are kept and told again, though nothing here depends on them.
const KEPT: [&str; 12] = [
    "Architectures",
    "DeadLetterConfig",
    "DurableConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "ImageConfig",
    "KMSKeyArn",
    "LoggingConfig",
    "SnapStart",
    "TenancyConfig",
    "TracingConfig",
    "VpcConfig",
];

/// What a request says of a configuration; what it does not say stays, or is AWS's default.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaConfigurationChange)]
pub(super) struct Changes {
    /// Any `nodejs…`.
    #[schema(example = "nodejs22.x")]
    pub(super) runtime: Option<String>,
    #[schema(example = "arn:aws:iam::000000000000:role/lambda")]
    pub(super) role: Option<String>,
    #[schema(example = "index.handler")]
    pub(super) handler: Option<String>,
    pub(super) description: Option<String>,
    /// Seconds, 1 to 900.
    pub(super) timeout: Option<i64>,
    /// MB, 128 to 10240.
    pub(super) memory_size: Option<i64>,
    pub(super) environment: Option<EnvironmentInput>,
    #[schema(value_type = Option<Vec<String>>)]
    pub(super) layers: Option<Vec<Value>>,
    pub(super) package_type: Option<String>,
    /// Fields that are kept and told again: `TracingConfig`, `LoggingConfig`, `EphemeralStorage`, `Architectures`…
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub(super) others: Map<String, Value>,
}

/// The variables of a function; they replace all that were there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(as = LambdaEnvironmentInput)]
pub(super) struct EnvironmentInput {
    pub(super) variables: Option<BTreeMap<String, String>>,
}

impl Changes {
    /// Checks everything that can be checked without the function.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(runtime) = &self.runtime {
            check_runtime(runtime)?;
        }
        if let Some(role) = &self.role {
            let is_role = role.starts_with("arn:") && role.contains(":iam::") && role.contains(":role/") && role.len() <= 2048;
            if !is_role {
                return Err(constraint(
                    role,
                    "role",
                    "it must be the ARN of a role, such as arn:aws:iam::000000000000:role/lambda",
                ));
            }
        }
        let is_handler =
            |text: &str| (1..=128).contains(&text.chars().count()) && !text.contains(|c: char| c.is_whitespace() || c == '\0');
        if let Some(handler) = self.handler.as_deref().filter(|handler| !is_handler(handler)) {
            return Err(constraint(handler, "handler", "it has 1 to 128 characters, none of them blank"));
        }
        let is_description = |text: &str| text.chars().count() <= DESCRIPTION_CHARS && !text.contains('\0');
        if let Some(description) = self.description.as_deref().filter(|description| !is_description(description)) {
            let rule = format!("Member must have length less than or equal to {DESCRIPTION_CHARS}");
            return Err(constraint(description, "description", &rule));
        }
        check_range(self.timeout, "timeout", TIMEOUT_S)?;
        check_range(self.memory_size, "memorySize", MEMORY_MB)?;
        if self.layers.as_ref().is_some_and(|layers| !layers.is_empty()) {
            return Err(Exception::invalid("Layers are not available on this server: put what they hold into the package."));
        }
        if self.package_type.as_deref().is_some_and(|kind| kind != "Zip") {
            return Err(Exception::invalid("PackageType must be Zip: images are not available on this server."));
        }
        if let Some(variables) = self.environment.as_ref().and_then(|environment| environment.variables.as_ref()) {
            check_variables(variables)?;
        }
        self.check_others()
    }

    fn check_others(&self) -> Result<()> {
        for (field, value) in &self.others {
            let is_long = KEPT.contains(&field.as_str()) && value.to_string().len() > 8192;
            let message = match (field.as_str(), value) {
                _ if is_long => format!("{field} is too long: it may have 8192 bytes of JSON"),
                ("Architectures", value) if *value != serde_json::json!(["x86_64"]) && *value != serde_json::json!(["arm64"]) => {
                    "Architectures must be [\"x86_64\"] or [\"arm64\"]".to_owned()
                }
                ("EphemeralStorage", value) if !value["Size"].as_i64().is_some_and(|size| (512..=10_240).contains(&size)) => {
                    "EphemeralStorage.Size must be a whole number from 512 to 10240".to_owned()
                }
                ("FileSystemConfigs", Value::Array(all)) if !all.is_empty() => {
                    "FileSystemConfigs are not available on this server".to_owned()
                }
                ("DeadLetterConfig", value) if !is_dead_letter_config(value) => {
                    "DeadLetterConfig.TargetArn must be the ARN of a queue or of a function of this server, or empty".to_owned()
                }
                ("SnapStart", value) if value["ApplyOn"] == "PublishedVersions" => {
                    "SnapStart is not available for Node.js runtimes".to_owned()
                }
                _ => continue,
            };
            return Err(Exception::invalid(message));
        }
        Ok(())
    }

    /// Lays the changes over a draft.
    pub(super) fn apply(&self, draft: &mut Draft) {
        let settings = &mut draft.settings;
        if let Some(handler) = &self.handler {
            settings.handler = Some(handler.clone());
        }
        if let Some(description) = &self.description {
            settings.description.clone_from(description);
        }
        if let Some(timeout) = self.timeout.and_then(|timeout| u64::try_from(timeout).ok()) {
            settings.timeout = Duration::from_secs(timeout);
        }
        if let Some(memory) = self.memory_size.and_then(|memory| u32::try_from(memory).ok()) {
            settings.memory_mb = memory;
        }
        if let Some(variables) = self.environment.as_ref().and_then(|environment| environment.variables.as_ref()) {
            draft.env.clone_from(variables);
        }
        let declared = &mut draft.declared;
        declared.runtime = self.runtime.clone().or(declared.runtime.take());
        declared.role = self.role.clone().or(declared.role.take());
        let kept = self.others.iter().filter(|(field, value)| KEPT.contains(&field.as_str()) && !value.is_null());
        for (field, value) in kept {
            let merged = match (declared.fields.remove(field), value) {
                // What a part of the logging configuration does not say stays.
                (Some(Value::Object(mut old)), Value::Object(new)) if field == "LoggingConfig" => {
                    old.extend(new.clone());
                    Value::Object(old)
                }
                _ => value.clone(),
            };
            declared.fields.insert(field.clone(), merged);
        }
    }
}

fn is_dead_letter_config(value: &Value) -> bool {
    match value.get("TargetArn") {
        None | Some(Value::Null) => true,
        Some(arn) => arn.as_str().is_some_and(|arn| arn.is_empty() || queue_of(arn).is_some() || function_of(arn).is_some()),
    }
}

fn check_runtime(runtime: &str) -> Result<()> {
    let known = (runtime.starts_with("nodejs") || runtime.starts_with("provided.")) && runtime.len() <= 32;
    if known {
        return Ok(());
    }
    let rule =
        "Member must satisfy enum value set: [nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x]: this server runs JavaScript";
    Err(constraint(runtime, "runtime", rule))
}

fn check_range(value: Option<i64>, name: &str, range: std::ops::RangeInclusive<u32>) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    if value < i64::from(*range.start()) {
        let rule = format!("Member must have value greater than or equal to {}", range.start());
        return Err(constraint(&value.to_string(), name, &rule));
    }
    if value > i64::from(*range.end()) {
        let rule = format!("Member must have value less than or equal to {}", range.end());
        return Err(constraint(&value.to_string(), name, &rule));
    }
    Ok(())
}

/// A value that AWS's model does not allow, in AWS's words.
pub(super) fn constraint(value: &str, name: &str, rule: &str) -> Exception {
    let shown: String = value.chars().take(256).collect();
    Exception::invalid(format!("1 validation error detected: Value '{shown}' at '{name}' failed to satisfy constraint: {rule}"))
}

fn check_variables(variables: &BTreeMap<String, String>) -> Result<()> {
    let failed = "Lambda was unable to configure your environment variables because the environment variables you have provided";
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name) || name.starts_with("AWS_LAMBDA_")).collect();
    if !reserved.is_empty() {
        return Err(Exception::invalid(format!(
            "{failed} contains reserved keys that are currently not supported for modification. Reserved keys used in this \
             request: {}",
            reserved.join(", ")
        )));
    }
    for (name, value) in variables {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(letter) || name.len() > 128 {
            return Err(constraint(
                name,
                "environment.variables",
                "Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+",
            ));
        }
        if value.contains('\0') {
            return Err(Exception::invalid(format!("The value of the variable {name} must not contain NUL.")));
        }
    }
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ENV_BYTES {
        return Err(Exception::invalid(format!("{failed} exceeded the 4KB limit. They have {bytes} bytes.")));
    }
    Ok(())
}
