//! `Prefer` (RFC 7240), as PostgREST reads it.

use crate::data::request::fault::Fault;
use crate::data::request::limits::MAX_HEADER_BYTES;

/// What the client would like. Of a preference that comes again, the first counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub resolution: Option<Resolution>,
    pub representation: Option<Representation>,
    pub count: Option<Count>,
    pub tx: Option<Tx>,
    pub missing: Option<Missing>,
    pub handling: Option<Handling>,
    /// As it was sent: whether there is such a time zone is for who uses it. Set to `None` when it is not honoured.
    pub timezone: Option<String>,
    /// Counts only with [`Handling::Strict`]: see [`Preferences::max_affected()`].
    pub max_affected: Option<u64>,
}

/// What a row does that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    MergeDuplicates,
    IgnoreDuplicates,
}

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    Minimal,
    HeadersOnly,
    Full,
}

/// How the number of all rows is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Exact,
    Planned,
    Estimated,
}

/// Whether a write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tx {
    Commit,
    Rollback,
}

/// What becomes of a listed column that a row does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Default,
    Null,
}

/// Whether unknown preferences are an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    Strict,
    Lenient,
}

/// What was done, which decides the preferences that had a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// GET or HEAD of a table.
    Read,
    /// `has_key`: whether there is a primary key or an `on_conflict` that duplicates are known by.
    Insert {
        has_key: bool,
    },
    Update,
    Upsert,
    Delete,
    Call,
}

const RESOLUTIONS: [(&str, Resolution); 2] =
    [("merge-duplicates", Resolution::MergeDuplicates), ("ignore-duplicates", Resolution::IgnoreDuplicates)];
const REPRESENTATIONS: [(&str, Representation); 3] = [
    ("minimal", Representation::Minimal),
    ("headers-only", Representation::HeadersOnly),
    ("representation", Representation::Full),
];
const COUNTS: [(&str, Count); 3] = [("exact", Count::Exact), ("planned", Count::Planned), ("estimated", Count::Estimated)];
const TXS: [(&str, Tx); 2] = [("commit", Tx::Commit), ("rollback", Tx::Rollback)];
const MISSINGS: [(&str, Missing); 2] = [("default", Missing::Default), ("null", Missing::Null)];
const HANDLINGS: [(&str, Handling); 2] = [("strict", Handling::Strict), ("lenient", Handling::Lenient)];

impl Preferences {
    /// Of the values of all `Prefer` headers, in order.
    ///
    /// # Errors
    ///
    /// [`Fault::Preferences`] for unknown ones with `handling=strict`, or when there is more than [`MAX_HEADER_BYTES`] of them.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut preferences = Self::default();
        let mut invalid = Vec::new();
        let mut bytes = 0;
        for header in headers {
            bytes += header.len();
            if bytes > MAX_HEADER_BYTES {
                return Err(Fault::Preferences(vec![format!("more than {MAX_HEADER_BYTES} bytes")]));
            }
            for preference in header.split(',').map(str::trim).filter(|preference| !preference.is_empty()) {
                if !preferences.take(preference) {
                    invalid.push(preference.to_owned());
                }
            }
        }
        if preferences.handling == Some(Handling::Strict) && !invalid.is_empty() {
            return Err(Fault::Preferences(invalid));
        }
        Ok(preferences)
    }

    /// Takes one in; whether it is known.
    fn take(&mut self, preference: &str) -> bool {
        let Some((name, value)) = preference.split_once('=') else { return false };
        match name {
            "resolution" => first(&mut self.resolution, named(&RESOLUTIONS, value)),
            "return" => first(&mut self.representation, named(&REPRESENTATIONS, value)),
            "count" => first(&mut self.count, named(&COUNTS, value)),
            "tx" => first(&mut self.tx, named(&TXS, value)),
            "missing" => first(&mut self.missing, named(&MISSINGS, value)),
            "handling" => first(&mut self.handling, named(&HANDLINGS, value)),
            "timezone" => first(&mut self.timezone, Some(value.to_owned())),
            "max-affected" => first(&mut self.max_affected, value.parse().ok()),
            _ => false,
        }
    }

    /// The most rows that an update, a delete or a call may touch; more is [`Fault::MaxAffected`].
    #[must_use]
    pub fn max_affected(&self) -> Option<u64> {
        self.max_affected.filter(|_| self.handling == Some(Handling::Strict))
    }

    /// The value of `Preference-Applied`: those that had a meaning for what was done; `None` when there were none.
    #[must_use]
    pub fn applied(&self, action: Action) -> Option<String> {
        let is_write = !matches!(action, Action::Read | Action::Call);
        let may_conflict = matches!(action, Action::Insert { has_key: true });
        let may_miss = matches!(action, Action::Insert { .. } | Action::Update);
        let is_bounded = matches!(action, Action::Update | Action::Delete | Action::Call);
        let applied = [
            pair("resolution", self.resolution.filter(|_| may_conflict).map(|value| name_of(&RESOLUTIONS, value))),
            pair("missing", self.missing.filter(|_| may_miss).map(|value| name_of(&MISSINGS, value))),
            pair("return", self.representation.filter(|_| is_write).map(|value| name_of(&REPRESENTATIONS, value))),
            pair("count", self.count.map(|value| name_of(&COUNTS, value))),
            pair("tx", self.tx.map(|value| name_of(&TXS, value))),
            pair("handling", self.handling.map(|value| name_of(&HANDLINGS, value))),
            pair("timezone", self.timezone.clone()),
            pair("max-affected", self.max_affected().filter(|_| is_bounded).map(|rows| rows.to_string())),
        ];
        let applied: Vec<String> = applied.into_iter().flatten().collect();
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}

/// Sets what is not set; whether there was a value.
fn first<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let is_known = value.is_some();
    if slot.is_none() {
        *slot = value;
    }
    is_known
}

fn named<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

fn name_of<T: PartialEq>(names: &[(&str, T)], value: T) -> String {
    names.iter().find(|(_, other)| *other == value).map_or_else(String::new, |(name, _)| (*name).to_owned())
}

fn pair(name: &str, value: Option<String>) -> Option<String> {
    value.map(|value| format!("{name}={value}"))
}
