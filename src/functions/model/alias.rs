//! Aliases: names that point at versions.

use std::collections::BTreeMap;

use crate::types::{FunctionId, RevisionId, Timestamp};

/// The longest name of an alias, in characters.
pub const ALIAS_CHARS: usize = 128;

/// A name that points at a version, or shares calls between two.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    pub function_id: FunctionId,
    pub name: String,
    pub description: String,
    /// The version it points at; `None` is the live revision.
    pub version: Option<i64>,
    /// Other versions, and the share of the calls that each of them gets, from 0 to 1.
    pub weights: BTreeMap<i64, f64>,
    /// Another one after every change.
    pub revision_id: RevisionId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Alias {
    /// The version that a call goes to, given a random number from 0 up to, not including, 1.
    #[must_use]
    pub fn choose(&self, roll: f64) -> Option<i64> {
        let mut passed = 0.0;
        for (version, weight) in &self.weights {
            passed += weight;
            if roll < passed {
                return Some(*version);
            }
        }
        self.version
    }
}
