//! Tables that a configuration file may have many of: `[[sites]]`, `[[upstreams]]`.
//!
//! Each kind is a list of [`Field`]s, as a section is a list of settings, and the same promise holds: every error is reported, with its
//! place and what is allowed there.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::load::{Entry, in_order, line_and_column, nearest, raw};
use super::setting::Raw;

/// One entry of a table of the kind `T`.
pub struct Field<T> {
    /// Its name in the file.
    pub key: &'static str,
    /// What holds when nothing is said, as one would write it; empty when there is none.
    pub default: &'static str,
    pub meaning: &'static str,
    /// What is allowed, as a phrase: "a whole number from 1 to 64".
    pub allowed: &'static str,
    /// Puts a checked value into the table; `None` when it is not allowed.
    pub set: fn(&mut T, &Raw<'_>) -> Option<()>,
}

/// A list of tables within a table, such as the routes of a site.
pub(super) struct Nested<T> {
    pub(super) key: &'static str,
    pub(super) read: fn(&mut T, &Spanned<DeValue<'_>>, &mut Reader<'_>),
}

/// A kind of table that a file may have many of.
pub(super) trait Kind: Default + 'static {
    /// What one of them is called in messages: "site".
    const NAME: &'static str;
    /// Its fields, a slice for each group of them.
    const FIELDS: &'static [&'static [Field<Self>]];
    const NESTED: &'static [Nested<Self>] = &[];

    /// Is told where the table begins, for what is found wrong when all tables are there.
    fn set_place(&mut self, place: String);

    /// Is told when all its entries were read.
    fn finish(&mut self) {}
}

/// Every field of a kind of table.
fn fields<T: Kind>() -> impl Iterator<Item = &'static Field<T>> {
    T::FIELDS.iter().copied().flatten()
}

/// Reads one file, and gathers what is wrong with it.
pub(super) struct Reader<'f> {
    pub(super) file: &'f str,
    pub(super) text: &'f str,
    pub(super) errors: &'f mut Vec<ConfigError>,
}

impl Reader<'_> {
    /// Every table of a list of them.
    pub(super) fn list<T: Kind>(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<T> {
        let DeValue::Array(values) = value.get_ref() else {
            self.fail(value.span().start, format!("each {} is a table of its own, written as [[{}s]]", T::NAME, T::NAME));
            return Vec::new();
        };
        values.iter().filter_map(|value| self.table(value)).collect()
    }

    /// One table of a kind.
    pub(super) fn table<T: Kind>(&mut self, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let DeValue::Table(entries) = value.get_ref() else {
            self.fail(value.span().start, format!("a {} is a table", T::NAME));
            return None;
        };
        let mut table = with_defaults::<T>();
        table.set_place(self.place(begin(entries).unwrap_or(value.span().start)));
        for entry in in_order(entries) {
            self.entry(&mut table, entry);
        }
        table.finish();
        Some(table)
    }

    fn entry<T: Kind>(&mut self, table: &mut T, (name, value): Entry<'_, '_>) {
        let key = name.get_ref().as_ref();
        if let Some(nested) = T::NESTED.iter().find(|nested| nested.key == key) {
            return (nested.read)(table, value, self);
        }
        let Some(field) = fields::<T>().find(|field| field.key == key) else {
            let known = fields::<T>().map(|field| field.key).chain(T::NESTED.iter().map(|nested| nested.key));
            return self.fail(name.span().start, format!("a {} has no {key}; {}", T::NAME, nearest(key, known)));
        };
        if raw(value.get_ref()).and_then(|raw| (field.set)(table, &raw)).is_none() {
            self.fail(value.span().start, format!("{key} of a {} must be {}", T::NAME, field.allowed));
        }
    }

    fn fail(&mut self, at: usize, message: String) {
        let place = self.place(at);
        self.errors.push(ConfigError { place, message });
    }

    /// `file:line:column` of a place in the text.
    fn place(&self, at: usize) -> String {
        let (line, column) = line_and_column(self.text, at);
        format!("{}:{line}:{column}", self.file)
    }
}

/// A table of which nothing was said.
pub(super) fn with_defaults<T: Kind>() -> T {
    let mut table = T::default();
    fill(&mut table);
    table
}

/// Sets what holds when nothing is said; for the `Default` of tables that are within others.
pub(super) fn fill<T: Kind>(table: &mut T) {
    for field in fields::<T>().filter(|field| !field.default.is_empty()) {
        let set = (field.set)(table, &Raw::Text(field.default));
        debug_assert!(set.is_some(), "the default of a {}'s {} is not allowed", T::NAME, field.key);
    }
}

/// Where the first of a table's entries is written.
fn begin(entries: &DeTable<'_>) -> Option<usize> {
    in_order(entries).first().map(|(name, _)| name.span().start)
}

/// A field as the documentation knows it.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The table's name, such as `route`.
    pub table: &'static str,
    pub key: &'static str,
    pub default: &'static str,
    pub meaning: &'static str,
    pub allowed: &'static str,
}

/// Every field of a kind of table, for the documentation.
pub(super) fn described<T: Kind>() -> impl Iterator<Item = Described> {
    fields::<T>().map(|&Field { key, default, meaning, allowed, .. }| Described {
        table: T::NAME,
        key,
        default,
        meaning,
        allowed,
    })
}
