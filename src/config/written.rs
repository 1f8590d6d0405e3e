//! What a configuration says, name by name, so that two of them can be compared: the difference that a reload prints.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::setting::Raw;

/// What changes while the server runs: names, and what they begin with. Everything else takes a restart.
const AT_RUN_TIME: &[&str] = &[
    "certificates",
    "log.access",
    "log.level",
    "server.body_timeout",
    "server.hsts",
    "server.max_connections_per_address",
    "server.max_head",
    "server.redirect_to_https",
    "server.trusted_proxies",
    "server.upstream_timing",
    "site.root",
    "sites",
    "upstreams",
];

/// Words in the names of what is not shown.
const SECRET_WORDS: &[&str] = &["secret", "password", "authorization", "cookie", "token", "api-key", "api_key", "apikey"];

/// Settings that are secrets, or hold one.
const SECRET_SETTINGS: &[&str] = &["database.url", "storage.secret_access_key"];

/// The fields that a table is called by, in the order they are looked for.
const LABELS: &[&str] = &["name", "hosts", "address", "cert", "path", "exact", "regex"];

/// Every name that a configuration gives a value, defaults included: `server.workers`, `sites[www.example.com].routes[/api].upstream`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(BTreeMap<String, Value>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Shown(String),
    /// Only whether it is another is known of a secret.
    Secret(u64),
}

/// One name whose value is another than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub key: String,
    /// What it was; `None` when it was not there.
    pub from: Option<String>,
    /// What it is to be; `None` when it is not there any more.
    pub to: Option<String>,
    /// Whether a running server cannot take it.
    pub needs_restart: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
        write!(f, "{} {} -> {}", self.key, side(&self.from), side(&self.to))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown(text) => f.write_str(text),
            Self::Secret(_) => f.write_str("[secret]"),
        }
    }
}

impl Written {
    /// Takes what a setting, or a list of tables, was given.
    pub(super) fn put(&mut self, key: &str, value: &Raw<'_>) {
        match value {
            Raw::List(values) if !values.is_empty() && values.iter().all(|value| matches!(value, Raw::Table(_))) => {
                self.put_tables(key, values);
            }
            Raw::Table(entries) => {
                for (name, value) in entries {
                    self.put(&format!("{key}.{name}"), value);
                }
            }
            value => {
                let text = shown(value);
                let value = if is_secret(key, &text) { Value::Secret(hash(&text)) } else { Value::Shown(text) };
                self.0.insert(key.to_owned(), value);
            }
        }
    }

    /// The tables by what they are called, and their order, which may matter.
    fn put_tables(&mut self, key: &str, tables: &[Raw<'_>]) {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        let mut labels = Vec::new();
        for table in tables {
            let Raw::Table(entries) = table else { continue };
            let mut label = label(entries);
            let time = times.entry(label.clone()).and_modify(|time| *time += 1).or_insert(1);
            if *time > 1 {
                label = format!("{label}#{time}");
            }
            for (name, value) in entries {
                self.put(&format!("{key}[{label}].{name}"), value);
            }
            labels.push(label);
        }
        self.0.insert(key.to_owned(), Value::Shown(labels.join(", ")));
    }

    /// What is another in `next`, in the order of the names.
    #[must_use]
    pub fn changes_to(&self, next: &Self) -> Vec<Change> {
        let keys: std::collections::BTreeSet<&String> = self.0.keys().chain(next.0.keys()).collect();
        let changed = keys.into_iter().filter(|key| self.0.get(*key) != next.0.get(*key));
        changed
            .map(|key| Change {
                key: key.clone(),
                from: self.0.get(key).map(ToString::to_string),
                to: next.0.get(key).map(ToString::to_string),
                needs_restart: !is_taken_at_run_time(key),
            })
            .collect()
    }

    /// What a running server goes on with after it took `next`: that, with its own values of what takes a restart.
    #[must_use]
    pub fn after_taking(&self, next: &Self) -> Self {
        let own = self.0.iter().filter(|(key, _)| !is_taken_at_run_time(key));
        let taken = next.0.iter().filter(|(key, _)| is_taken_at_run_time(key));
        Self(own.chain(taken).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

fn is_taken_at_run_time(key: &str) -> bool {
    let listener = key.starts_with("listeners[") && key.ends_with("].redirect_to_https");
    listener
        || AT_RUN_TIME
            .iter()
            .any(|known| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.', '_'])))
}

fn label(entries: &[(&str, Raw<'_>)]) -> String {
    let found = LABELS.iter().find_map(|label| entries.iter().find(|(name, _)| name == label));
    found.map(|(_, value)| shown(value)).unwrap_or_default()
}

fn shown(value: &Raw<'_>) -> String {
    match value {
        Raw::Text(text) => (*text).to_owned(),
        Raw::Whole(number) => number.to_string(),
        Raw::Flag(flag) => flag.to_string(),
        Raw::List(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Raw::Table(entries) => {
            let entries: Vec<_> = entries.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Whether a value is not to be shown: by its name, or since it is an address with a user's password.
fn is_secret(key: &str, text: &str) -> bool {
    let is_of_a_table = key.contains('[');
    let name = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
    let has_password =
        text.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')));
    SECRET_SETTINGS.contains(&key) || has_password || (is_of_a_table && SECRET_WORDS.iter().any(|word| name.contains(word)))
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
