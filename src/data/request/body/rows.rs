//! Rows as they are read, within the limits and with equal keys.

use serde_json::value::RawValue;

use super::Body;
use crate::data::request::fault::Fault;
use crate::data::request::limits::{MAX_BODY_CELLS, MAX_BODY_ROWS, MAX_COLUMNS};

/// Rows as they come in, within the limits.
pub(super) struct Rows {
    keys: Vec<String>,
    places: std::collections::HashMap<String, usize>,
    /// Whether `keys` came from `columns`: then other keys are ignored, and absent ones are no error.
    are_listed: bool,
    rows: Vec<Vec<Option<Box<RawValue>>>>,
}

/// The row that is being read.
pub(super) struct Row<'a> {
    of: &'a mut Rows,
    values: Vec<Option<Box<RawValue>>>,
}

impl Rows {
    pub(super) fn new(columns: Option<&[String]>) -> Self {
        let keys = columns.unwrap_or_default().to_vec();
        let places = keys.iter().enumerate().map(|(place, key)| (key.clone(), place)).collect();
        Self { keys, places, are_listed: columns.is_some(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self) -> Result<Row<'_>, Fault> {
        if self.rows.len() == MAX_BODY_ROWS {
            return Err(Fault::BodyLimit { what: "rows", limit: MAX_BODY_ROWS });
        }
        if (self.rows.len() + 1).saturating_mul(self.keys.len()) > MAX_BODY_CELLS {
            return Err(Fault::BodyLimit { what: "values", limit: MAX_BODY_CELLS });
        }
        let values = vec![None; self.keys.len()];
        Ok(Row { of: self, values })
    }

    pub(super) fn into_body(self, is_array: bool) -> Body {
        Body { keys: self.keys, rows: self.rows, is_array }
    }
}

impl Row<'_> {
    /// Whether a value for a key would be kept: one that `columns` does not list is not.
    pub(super) fn keeps(&self, key: &str) -> bool {
        !self.of.are_listed || self.of.places.contains_key(key)
    }

    /// Of a key that comes again, the last value counts, as in PostgreSQL.
    pub(super) fn put(&mut self, key: String, value: impl FnOnce() -> Result<Box<RawValue>, Fault>) -> Result<(), Fault> {
        if !self.keeps(&key) {
            return Ok(());
        }
        let place = match self.of.places.get(&key) {
            Some(place) => *place,
            None if !self.of.rows.is_empty() => return Err(unequal_keys()),
            None => self.grow(key)?,
        };
        self.values[place] = Some(value()?);
        Ok(())
    }

    /// A key of the first row.
    fn grow(&mut self, key: String) -> Result<usize, Fault> {
        if self.of.keys.len() == MAX_COLUMNS {
            return Err(Fault::BodyLimit { what: "keys in a row", limit: MAX_COLUMNS });
        }
        let place = self.of.keys.len();
        self.of.places.insert(key.clone(), place);
        self.of.keys.push(key);
        self.values.push(None);
        Ok(place)
    }

    pub(super) fn end(self) -> Result<(), Fault> {
        if !self.of.are_listed && self.values.iter().any(Option::is_none) {
            return Err(unequal_keys());
        }
        self.of.rows.push(self.values);
        Ok(())
    }
}

pub(super) fn unequal_keys() -> Fault {
    Fault::Body("All object keys must match".to_owned())
}
