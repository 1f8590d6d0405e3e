//! The `x-plinth-config` header: a function's settings as JSON, checked field by field.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::permissions;
use crate::api::FieldError;
use crate::config;
use crate::functions::Declarations;
use crate::functions::api::schedules;
use crate::functions::model::{
    CONCURRENCY, DESCRIPTION_CHARS, ENV_BYTES, MEMORY_MB, NETWORK_HOSTS, Network, Permissions, Settings, TIMEOUT_S, Variables,
};
use crate::types::Secret;

/// The fields there are.
const FIELDS: &str =
    "handler, memory_mb, timeout_s, concurrency_per_environment, env, verify_jwt, network, permissions, description, schedules";

/// The longest handler, in characters (AWS Lambda's).
const HANDLER_CHARS: usize = 128;

/// The longest name of a variable, in characters.
const ENV_NAME_CHARS: usize = 128;

/// Variables that the runtime sets itself.
const RESERVED: [&str; 7] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// Reads the settings, with the server's defaults for what is not said; an absent header says nothing.
///
/// # Errors
/// Everything that is wrong, each with its field and what is allowed.
pub(in crate::functions::api) fn parse(
    header: Option<&[u8]>,
    defaults: &config::Functions,
) -> Result<(Settings, Variables, Declarations), Vec<FieldError>> {
    let whole = |message: String| vec![FieldError::new("x-plinth-config", message)];
    let fields = match header.map(serde_json::from_slice::<Value>) {
        None => Map::new(),
        Some(Ok(Value::Object(fields))) => fields,
        Some(Ok(_)) => return Err(whole("must be a JSON object".to_owned())),
        Some(Err(err)) => return Err(whole(format!("is not valid JSON: {err}"))),
    };
    let mut reader = Reader { fields, errors: Vec::new() };
    let handler = reader.take("handler", handler);
    let memory_mb = reader.take("memory_mb", |value| whole_number(&value, &MEMORY_MB)).unwrap_or(defaults.memory_mb);
    let timeout = reader.take("timeout_s", |value| whole_number(&value, &TIMEOUT_S));
    let timeout = timeout.map_or(defaults.timeout, |seconds| Duration::from_secs(seconds.into()));
    let concurrency = reader.take("concurrency_per_environment", |value| whole_number(&value, &CONCURRENCY)).unwrap_or(1);
    let verify_jwt = reader.take("verify_jwt", |value| value.as_bool().ok_or("must be true or false".to_owned())).unwrap_or(true);
    let network = reader.take("network", network).unwrap_or_default();
    let permissions = reader.permissions();
    let description = reader.take("description", description).unwrap_or_default();
    let env = reader.variables();
    let schedules = reader.schedules();
    let errors = reader.finish();
    if !errors.is_empty() {
        return Err(errors);
    }
    let env_names = env.keys().cloned().collect();
    let settings =
        Settings { handler, memory_mb, timeout, verify_jwt, network, description, env_names, permissions, concurrency };
    Ok((settings, Secret::new(env), schedules))
}

/// What is set, and what is removed, of a function's variables, checked one by one.
///
/// # Errors
/// Everything that is wrong, each with its variable.
pub(in crate::functions::api) fn changed_variables(
    changes: Map<String, Value>,
) -> Result<Vec<(String, Option<String>)>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut checked = Vec::with_capacity(changes.len());
    for (name, value) in changes {
        let value = if value.is_null() { Ok(None) } else { variable(&name, value).map(Some) };
        match value {
            Ok(value) => checked.push((name, value)),
            Err(message) => errors.push(FieldError::new(format!("env.{name}"), message)),
        }
    }
    if errors.is_empty() { Ok(checked) } else { Err(errors) }
}

/// What is wrong when variables are too many bytes together.
pub(in crate::functions::api) fn too_many_bytes(variables: &BTreeMap<String, String>) -> Option<String> {
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    (bytes > ENV_BYTES).then(|| format!("names and values have {bytes} bytes together; {ENV_BYTES} are allowed"))
}

/// Whether a header is taken; the error is the fields that are wrong. For fuzzing and property tests.
///
/// # Errors
/// As [`parse`].
#[doc(hidden)]
pub fn check(header: &[u8], defaults: &config::Functions) -> Result<(), Vec<String>> {
    parse(Some(header), defaults).map(drop).map_err(|errors| errors.into_iter().map(|error| error.field).collect())
}

struct Reader {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Reader {
    /// A field, when it is there, not null, and as it must be.
    fn take<T>(&mut self, field: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        let value = self.fields.remove(field).filter(|value| !value.is_null())?;
        match read(value) {
            Ok(value) => Some(value),
            Err(message) => {
                self.errors.push(FieldError::new(field, message));
                None
            }
        }
    }

    fn variables(&mut self) -> BTreeMap<String, String> {
        let Some(fields) = self.take("env", |value| match value {
            Value::Object(fields) => Ok(fields),
            _ => Err("must be an object of texts, such as {\"GREETING\": \"hello\"}".to_owned()),
        }) else {
            return BTreeMap::new();
        };
        let mut variables = BTreeMap::new();
        for (name, value) in fields {
            match variable(&name, value) {
                Ok(value) => drop(variables.insert(name, value)),
                Err(message) => self.errors.push(FieldError::new(format!("env.{name}"), message)),
            }
        }
        if let Some(message) = too_many_bytes(&variables) {
            self.errors.push(FieldError::new("env", message));
        }
        variables
    }

    fn schedules(&mut self) -> Declarations {
        let list = self.fields.remove("schedules").filter(|list| !list.is_null());
        let declared = list.map_or_else(|| Ok(Declarations::new()), schedules::declared);
        declared.unwrap_or_else(|mut errors| {
            self.errors.append(&mut errors);
            Declarations::new()
        })
    }

    fn permissions(&mut self) -> Permissions {
        let Some(value) = self.take("permissions", Ok) else { return Permissions::default() };
        permissions::read(value).unwrap_or_else(|errors| {
            self.errors.extend(errors);
            Permissions::default()
        })
    }

    fn finish(mut self) -> Vec<FieldError> {
        let unknown = self.fields.keys().map(|field| FieldError::new(field, format!("is not a field; there are {FIELDS}")));
        self.errors.extend(unknown);
        self.errors
    }
}

fn whole_number(value: &Value, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

fn text(value: Value, longest: usize) -> Result<String, String> {
    match value {
        Value::String(text) if text.chars().count() <= longest && !text.contains('\0') => Ok(text),
        Value::String(_) => Err(format!("must be a text of at most {longest} characters, without NUL")),
        _ => Err("must be a text".to_owned()),
    }
}

fn description(value: Value) -> Result<String, String> {
    text(value, DESCRIPTION_CHARS)
}

/// `file.export`, as AWS Lambda has it; the file of a single source is `index`.
fn handler(value: Value) -> Result<String, String> {
    let handler = text(value, HANDLER_CHARS)?;
    let export = |part: &str| {
        let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        part.chars().all(letter) && part.chars().next().is_some_and(|c| !c.is_numeric())
    };
    let folder =
        |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']) && !part.chars().any(char::is_control);
    let name = handler.rfind('/').map_or(0, |slash| slash + 1);
    match handler[name..].split_once('.') {
        Some((file, exports))
            if !file.is_empty() && exports.split('.').all(export) && handler[..name].split_terminator('/').all(folder) =>
        {
            Ok(handler)
        }
        _ => Err("must be a file and the name of an export, such as index.handler or src/app.handler".to_owned()),
    }
}

fn network(value: Value) -> Result<Network, String> {
    let allowed = || format!("must be \"none\", \"public\", or a list of at most {NETWORK_HOSTS} host names");
    match value {
        Value::String(word) if word == "none" => Ok(Network::None),
        Value::String(word) if word == "public" => Ok(Network::Public),
        Value::Array(hosts) if hosts.len() <= NETWORK_HOSTS => {
            let host = |value: Value| match value {
                Value::String(host) if is_host(&host) => Ok(host.to_ascii_lowercase()),
                other => Err(format!("{other} is no host name; {}", allowed())),
            };
            hosts.into_iter().map(host).collect::<Result<_, _>>().map(Network::Hosts)
        }
        _ => Err(allowed()),
    }
}

/// A host name or an address, without scheme and path; `*.` may stand before a name, and a port may follow.
fn is_host(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']' | '_');
    (1..=259).contains(&text.len()) && text.chars().all(allowed)
}

fn variable(name: &str, value: Value) -> Result<String, String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(letter) || !name.starts_with(|c: char| !c.is_ascii_digit()) || name.len() > ENV_NAME_CHARS {
        return Err(format!(
            "a name has 1 to {ENV_NAME_CHARS} letters (a-z, A-Z), digits and '_', and does not begin with a digit"
        ));
    }
    if RESERVED.contains(&name) || name.starts_with("AWS_LAMBDA_") {
        return Err("the runtime sets this variable itself".to_owned());
    }
    match value {
        Value::String(value) if value.contains('\0') => Err("must not contain NUL".to_owned()),
        Value::String(value) => Ok(value),
        _ => Err("must be a text".to_owned()),
    }
}
