//! Reads the configuration: defaults, then the file, then the environment, then the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::setting::{Raw, Setting};
use super::tables::Reader;
use super::written::Written;
use super::{Config, front, settings, storage};
use crate::types::Secret;

/// The file read when no other is named and it is there.
const DEFAULT_FILE: &str = "plinth.toml";

/// Environment variables that are not settings of the file.
const OTHER_VARIABLES: &[&str] = &["PLINTH_CONFIG", "PLINTH_MASTER_KEY", "PLINTH_V8_DIR"];

/// A name and its value, each with its place in the file.
pub(super) type Entry<'t, 'i> = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>);

/// What the command line said.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub listen: Option<String>,
}

/// A configuration that checked, and what came with it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What the command line said, to read it all again.
    pub flags: Flags,
    /// What it says name by name, to compare it with another.
    pub written: Written,
    /// `PLINTH_MASTER_KEY`: wraps the server's keys instead of the data folder's `master.key`.
    pub master_key: Option<Secret<String>>,
}

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// `plinth.toml:3:11`, an environment variable's name, or a flag's.
    pub place: String,
    /// What is wrong there and what is allowed.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// The process's environment: the variables that are text.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// Reads and checks the whole configuration.
///
/// # Errors
/// Every error there is, in the order of the places.
pub fn load(flags: &Flags, environment: &BTreeMap<String, String>) -> Result<Loaded, Vec<ConfigError>> {
    let mut loader = Loader { config: defaults(), written: defaults_written(), errors: Vec::new() };
    let file = loader.read_file(flags, environment);
    loader.read_environment(environment);
    loader.read_flags(flags);
    for (key, message) in storage::faults(&loader.config) {
        loader.fail(key, message);
    }
    loader.errors.extend(front::faults(&loader.config.front));
    if !loader.errors.is_empty() {
        return Err(loader.errors);
    }
    let mut config = loader.config;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if config.server.workers == 0 {
        config.server.workers = cores;
    }
    if config.functions.max_running == 0 {
        config.functions.max_running = 4 * cores;
    }
    let master_key = environment.get("PLINTH_MASTER_KEY").cloned().map(Secret::new);
    Ok(Loaded { config, file, flags: flags.clone(), written: loader.written, master_key })
}

/// What is wrong with the text of a configuration file; for fuzzing and property tests.
#[doc(hidden)]
#[must_use]
pub fn errors_of(text: &str) -> Vec<ConfigError> {
    let mut loader = Loader { config: defaults(), written: Written::default(), errors: Vec::new() };
    loader.read_text("plinth.toml", text);
    loader.errors
}

fn defaults() -> Config {
    let mut config = Config::default();
    for setting in settings().filter(|setting| !setting.default.is_empty()) {
        let set = (setting.set)(&mut config, &Raw::Text(setting.default));
        debug_assert!(set.is_some(), "the default of {} is not allowed", setting.key);
    }
    config
}

fn defaults_written() -> Written {
    let mut written = Written::default();
    for setting in settings().filter(|setting| !setting.default.is_empty()) {
        written.put(setting.key, &Raw::Text(setting.default));
    }
    written
}

struct Loader {
    config: Config,
    written: Written,
    errors: Vec<ConfigError>,
}

impl Loader {
    fn fail(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.errors.push(ConfigError { place: place.into(), message: message.into() });
    }

    fn set(&mut self, setting: &Setting, raw: &Raw<'_>, place: &str) {
        match (setting.set)(&mut self.config, raw) {
            Some(()) => self.written.put(setting.key, raw),
            None => self.fail(place, format!("{} must be {}", setting.key, setting.allowed)),
        }
    }

    fn read_flags(&mut self, flags: &Flags) {
        let data = flags.data.as_ref().map(|data| data.to_string_lossy().into_owned());
        for (key, flag, value) in [("server.data", "--data", data), ("server.listen", "--listen", flags.listen.clone())] {
            let Some(value) = value else { continue };
            for setting in settings().filter(|setting| setting.key == key) {
                self.set(setting, &Raw::Text(&value), flag);
            }
        }
    }

    fn read_environment(&mut self, environment: &BTreeMap<String, String>) {
        for setting in settings() {
            match environment.get(setting.env) {
                Some(value) if !value.is_empty() => self.set(setting, &Raw::Text(value), setting.env),
                _ => {}
            }
        }
        let sections: Vec<String> =
            settings().filter_map(|s| s.key.split('.').next()).map(|s| format!("PLINTH_{}_", s.to_uppercase())).collect();
        for name in environment.keys().filter(|name| sections.iter().any(|section| name.starts_with(section.as_str()))) {
            if !settings().any(|setting| setting.env == name) && !OTHER_VARIABLES.contains(&name.as_str()) {
                self.fail(name, format!("is not a setting; {}", nearest(name, settings().map(|setting| setting.env))));
            }
        }
    }

    fn read_file(&mut self, flags: &Flags, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
        let named =
            flags.config.clone().or_else(|| environment.get("PLINTH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
        let path = match named {
            Some(path) => path,
            None if Path::new(DEFAULT_FILE).is_file() => PathBuf::from(DEFAULT_FILE),
            None => return None,
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => self.read_text(&path.display().to_string(), &text),
            Err(err) => self.fail(path.display().to_string(), format!("the configuration cannot be read: {err}")),
        }
        Some(path)
    }

    fn read_text(&mut self, file: &str, text: &str) {
        let (document, syntax) = DeTable::parse_recoverable(text);
        let place = |at: usize| {
            let (line, column) = line_and_column(text, at);
            format!("{file}:{line}:{column}")
        };
        for err in &syntax {
            self.fail(place(err.span().map_or(0, |span| span.start)), err.message());
        }
        for (section, entries) in in_order(document.get_ref()) {
            if front::is_list(section.get_ref()) {
                let mut reader = Reader { file, text, errors: &mut self.errors };
                front::read(&mut self.config.front, section.get_ref(), entries, &mut reader);
                if let Some(tables) = raw(entries.get_ref()) {
                    self.written.put(section.get_ref(), &tables);
                }
                continue;
            }
            let known = settings().any(|setting| setting.key.split('.').next() == Some(section.get_ref()));
            match entries.get_ref() {
                DeValue::Table(entries) if known => {
                    for (name, value) in in_order(entries) {
                        let key = format!("{}.{}", section.get_ref(), name.get_ref());
                        self.read_value(&key, &place(name.span().start), value, &place(value.span().start));
                    }
                }
                _ => {
                    let names = settings().filter_map(|setting| setting.key.split('.').next()).chain(front::LISTS);
                    self.fail(
                        place(section.span().start),
                        format!("there is no section [{}]; {}", section.get_ref(), nearest(section.get_ref(), names)),
                    );
                }
            }
        }
    }

    fn read_value(&mut self, key: &str, key_place: &str, value: &Spanned<DeValue<'_>>, value_place: &str) {
        let Some(setting) = settings().find(|setting| setting.key == key) else {
            return self
                .fail(key_place, format!("there is no setting {key}; {}", nearest(key, settings().map(|setting| setting.key))));
        };
        match raw(value.get_ref()) {
            Some(raw) => self.set(setting, &raw, value_place),
            None => self.fail(value_place, format!("{key} must be {}", setting.allowed)),
        }
    }
}

/// A value as settings read it; `None` for what no setting is: dates and fractions.
pub(super) fn raw<'t>(value: &'t DeValue<'_>) -> Option<Raw<'t>> {
    Some(match value {
        DeValue::String(text) => Raw::Text(text),
        DeValue::Integer(number) => Raw::Whole(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Array(values) => Raw::List(values.iter().map(|value| raw(value.get_ref())).collect::<Option<_>>()?),
        DeValue::Table(entries) => {
            let entries =
                in_order(entries).into_iter().map(|(name, value)| Some((name.get_ref().as_ref(), raw(value.get_ref())?)));
            Raw::Table(entries.collect::<Option<_>>()?)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => return None,
    })
}

/// A table's entries in the order they are written in.
pub(super) fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// The line and the column, both from 1, of a place in a text.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// Names the one meant, when one is near, and otherwise all of them.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    match names.iter().map(|name| (distance(written, name), name)).min() {
        Some((away, name)) if away <= 3 => format!("did you mean {name}?"),
        _ => format!("there are: {}", names.join(", ")),
    }
}

/// How many letters must be put in, taken out or changed to turn one word into the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
