//! What reads were compiled to, for when the same is asked for again.
//!
//! A screen of an app asks for the same path and query for all of its users: only what [`Bindings`] hold differs, and takes its places anew.

use moka::sync::Cache;

use crate::auth::principal::Role;
use crate::data::Result;
use crate::data::request::Query;
use crate::sql::compile::{Bindings, Compiled};

/// Bytes that the plans of one schema may hold.
const ROOM: u64 = 8 << 20;
/// Bytes of a query string that is likely to come again.
const LONGEST: usize = 2 << 10;

/// Compiled reads of one schema, the least asked for forgotten first.
pub(super) struct Plans(Cache<Key, Compiled>);

/// All that a plan depends on, besides the schema and the settings.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key {
    role: Role,
    counts: bool,
    limit: Option<u64>,
    offset: u64,
    /// The relation's name and the query string.
    text: String,
    /// Where the one ends and the other begins.
    name_bytes: usize,
}

impl Key {
    /// `asked`: the query string that all of `query` but its range was read from. `None` for what is not likely to come again.
    pub(super) fn of(role: Role, relation: &str, query: &Query, asked: &str, counts: bool) -> Option<Self> {
        let text = (asked.len() <= LONGEST).then(|| [relation, asked].concat())?;
        Some(Self { role, counts, limit: query.limit, offset: query.offset, text, name_bytes: relation.len() })
    }
}

impl Plans {
    /// The plan of a read with these bindings.
    ///
    /// # Errors
    /// What `make` says; that is not kept.
    pub(super) fn get_or_make(
        &self,
        key: Option<Key>,
        bindings: &Bindings,
        make: impl FnOnce() -> Result<Compiled>,
    ) -> Result<Compiled> {
        let Some(key) = key else { return make() };
        if let Some(known) = self.0.get(&key) {
            return Ok(known.with(bindings));
        }
        let made = make()?;
        self.0.insert(key, made.clone());
        Ok(made)
    }
}

impl Default for Plans {
    fn default() -> Self {
        let weigh = |key: &Key, plan: &Compiled| {
            let fixed = size_of::<Key>() + size_of::<Compiled>() + plan.values.len() * 64;
            u32::try_from(fixed + key.text.len() * 2 + plan.sql.len()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weigh).max_capacity(ROOM).build())
    }
}
