//! What is to be done: the files beside what was applied.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::file::{FileFault, Migration, file_name};
use crate::data::migrate;
use crate::types::Timestamp;

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AppliedMigration)]
pub struct Record {
    /// As its file's name has it.
    #[schema(example = "20260101000000")]
    pub version: String,
    #[schema(example = "teams")]
    pub name: String,
    /// The SHA-256 of its text, in hexadecimal digits, with lines that end in a line feed alone.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub checksum: String,
    /// When it was applied.
    #[schema(value_type = String, format = DateTime)]
    pub applied_at: Timestamp,
    /// How long that took, in milliseconds.
    #[schema(example = 12)]
    pub duration_ms: i64,
}

/// How a migration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Applied,
    /// To be applied.
    Pending,
    /// It has no statement yet, so there is nothing to apply.
    Empty,
    /// To be applied, but a later one is applied already.
    OutOfOrder,
    /// Applied, and its file was changed since.
    Changed,
    /// Applied, and its file is not there.
    Missing,
}

/// A migration, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub version: String,
    pub name: String,
    pub state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
}

/// Every migration there is, by version, and how each stands.
#[derive(Clone, Debug)]
pub struct Plan {
    pub entries: Vec<Entry>,
    /// The last one that is applied.
    last: Option<String>,
}

impl Record {
    /// What its version orders it by.
    #[must_use]
    pub fn number(&self) -> i64 {
        self.version.parse().unwrap_or(0)
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.version, &self.name)
    }
}

impl Entry {
    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.version, &self.name)
    }
}

impl Plan {
    /// Compares files, in the order of their versions, with what was applied.
    #[must_use]
    pub fn of(files: &[Migration], applied: &[Record]) -> Self {
        let last = applied.iter().max_by_key(|record| record.number());
        let mut entries: Vec<(i64, Entry)> = Vec::with_capacity(files.len().max(applied.len()));
        let done: std::collections::HashMap<i64, &Record> = applied.iter().map(|record| (record.number(), record)).collect();
        for file in files {
            let record = done.get(&file.number).copied();
            let state = match record {
                Some(record) if record.checksum == file.checksum() => State::Applied,
                Some(_) => State::Changed,
                None if is_empty(file) => State::Empty,
                None if last.is_some_and(|last| last.number() > file.number) => State::OutOfOrder,
                None => State::Pending,
            };
            entries.push((file.number, entry(&file.version, &file.name, state, record)));
        }
        let known: std::collections::HashSet<i64> = files.iter().map(|file| file.number).collect();
        let missing = applied.iter().filter(|record| !known.contains(&record.number()));
        entries
            .extend(missing.map(|record| (record.number(), entry(&record.version, &record.name, State::Missing, Some(record)))));
        entries.sort_by_key(|(number, _)| *number);
        Self { entries: entries.into_iter().map(|(_, entry)| entry).collect(), last: last.map(Record::file_name) }
    }

    /// Those in a state.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.state == state)
    }

    /// Whether a migration is to be applied.
    #[must_use]
    pub fn is_due(&self, migration: &Migration) -> bool {
        let found = self.entries.iter().find(|entry| entry.version == migration.version && entry.name == migration.name);
        found.is_some_and(|entry| matches!(entry.state, State::Pending | State::OutOfOrder))
    }

    /// Why nothing can be applied.
    #[must_use]
    pub fn faults(&self, include_all: bool) -> Vec<FileFault> {
        let last = self.last.as_deref().unwrap_or_default();
        let fault = |entry: &Entry| {
            let message = match entry.state {
                State::Changed => changed(),
                State::OutOfOrder if !include_all => out_of_order(last),
                _ => return None,
            };
            Some(FileFault::new(entry.file_name(), message))
        };
        self.entries.iter().filter_map(fault).collect()
    }
}

fn entry(version: &str, name: &str, state: State, record: Option<&Record>) -> Entry {
    Entry {
        version: version.to_owned(),
        name: name.to_owned(),
        state,
        applied_at: record.map(|record| record.applied_at),
        duration_ms: record.map(|record| record.duration_ms),
    }
}

/// What to do about a file that was changed.
pub(super) fn changed() -> String {
    "was changed after it had been applied; put it back as it was, and write what is to change into a new migration".to_owned()
}

/// What to do about a file that comes too late.
pub(super) fn out_of_order(last: &str) -> String {
    format!(
        "is not applied, but the later {last} is; give it a later version, or apply it all the same with --include-all (include_all)"
    )
}

/// Whether a file has no statement.
fn is_empty(file: &Migration) -> bool {
    migrate::parse_here(&file.sql).is_ok_and(|parsed| parsed.is_empty())
}
