//! What a function may use of what the server shares: nothing, unless its configuration says so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most entries of one kind.
pub const PERMISSIONS: usize = 100;

/// The longest entry, in characters.
pub const PERMISSION_CHARS: usize = 128;

/// What a function may use. A name that ends with `*` stands for all that begin so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// The stores of `plinth:kv`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kv: BTreeMap<String, Access>,
    /// The queues it may send to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<String>,
    /// The functions it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// The secrets it is given as variables; whole names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// What a function may do with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Read,
    /// And read.
    Write,
}

impl Permissions {
    /// # Errors
    /// What to add to the configuration.
    pub fn check_store(&self, store: &str, wanted: Access) -> Result<(), String> {
        let allowed = self.kv.iter().filter(|(pattern, _)| covers(pattern, store)).map(|(_, access)| *access).max();
        let (verb, word) = match wanted {
            Access::Read => ("read", "read"),
            Access::Write => ("change", "write"),
        };
        if allowed >= Some(wanted) {
            return Ok(());
        }
        Err(format!(
            "the function may not {verb} the store {store:?}; add it to its configuration (x-plinth-config): \
             \"permissions\": {{\"kv\": {{{store:?}: \"{word}\"}}}}"
        ))
    }

    /// # Errors
    /// What to add to the configuration.
    pub fn check_function(&self, function: &str) -> Result<(), String> {
        check_listed("functions", "call the function", &self.functions, function)
    }

    /// # Errors
    /// What to add to the configuration.
    pub fn check_queue(&self, queue: &str) -> Result<(), String> {
        check_listed("queues", "send to the queue", &self.queues, queue)
    }
}

fn check_listed(kind: &str, deed: &str, listed: &[String], name: &str) -> Result<(), String> {
    if listed.iter().any(|pattern| covers(pattern, name)) {
        return Ok(());
    }
    Err(format!(
        "the function may not {deed} {name:?}; add it to its configuration (x-plinth-config): \
         \"permissions\": {{\"{kind}\": [{name:?}]}}"
    ))
}

fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}
