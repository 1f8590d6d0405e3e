//! Looks migrations through without applying them.

use std::path::Path;

use super::file::{FileFault, Migration};
use super::folder;
use crate::data::migrate::Rehearsal;
use crate::sql::catalog::Catalog;
use crate::types::Timestamp;

/// Everything that is wrong with a folder's migrations, as far as that can be told without a database: names, sizes, grammar, and what
/// the statements mean when each is applied after those before it, from nothing.
#[must_use]
pub fn check(folder: &Path, now: Timestamp) -> Vec<FileFault> {
    match folder::read(folder) {
        Ok(migrations) => rehearse(Catalog::default(), now, &migrations),
        Err(faults) => faults,
    }
}

/// What is wrong with migrations that are to be applied to this schema, one after the other.
#[must_use]
pub fn rehearse(catalog: Catalog, now: Timestamp, migrations: &[Migration]) -> Vec<FileFault> {
    let mut rehearsal = match Rehearsal::of(catalog, now) {
        Ok(rehearsal) => rehearsal,
        Err(fault) => return vec![FileFault::of("the schema".to_owned(), fault)],
    };
    let mut faults = Vec::new();
    for migration in migrations {
        faults.extend(rehearsal.text(&migration.sql).into_iter().map(|fault| FileFault::of(migration.file_name(), fault)));
    }
    faults
}
