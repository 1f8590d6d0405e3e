//! What a database is to have, and what it still lacks.

use aws_lc_rs::digest::{SHA256, digest};

use super::Migration;
use crate::db::dialect::Dialect;
use crate::db::error::{Error, Result};

/// The first line of a migration that is not the app's.
const SYSTEM: &str = "-- database: system";

impl Migration {
    pub(super) const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    fn is_system(&self) -> bool {
        self.sqlite.lines().next().is_some_and(|line| line.trim_end() == SYSTEM)
    }

    pub(super) fn checksum(&self, dialect: Dialect) -> String {
        let hash = digest(&SHA256, self.text(dialect).as_bytes());
        hash.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    pub(super) fn error(&self, reason: &Error) -> Error {
        Error::Migration { number: self.number, name: self.name.to_owned(), reason: reason.to_string() }
    }
}

/// What one database is to have.
pub(super) struct Plan<'m> {
    pub(super) database: &'static str,
    migrations: Vec<&'m Migration>,
    /// The highest number this program knows, whichever database it belongs to.
    known: i64,
}

impl<'m> Plan<'m> {
    /// `system`: the system database's part or the app's; `None` is both.
    pub(super) fn new(all: &'m [Migration], database: &'static str, system: Option<bool>) -> Self {
        let migrations = all.iter().filter(|migration| system.is_none_or(|system| migration.is_system() == system)).collect();
        Self { database, migrations, known: all.iter().map(|migration| migration.number).max().unwrap_or(0) }
    }

    /// Those not applied yet, after a check of those that are.
    pub(super) fn pending(&self, applied: &[(i64, String, String)], dialect: Dialect) -> Result<Vec<&'m Migration>> {
        if let Some((found, ..)) = applied.iter().find(|(number, ..)| *number > self.known) {
            return Err(Error::NewerSchema { database: self.database, found: *found, known: self.known });
        }
        for (number, name, checksum) in applied {
            let error = |reason: &str| Error::Migration { number: *number, name: name.clone(), reason: reason.to_owned() };
            let known = self.migrations.iter().find(|migration| migration.number == *number);
            let known = known.ok_or_else(|| error("it was applied to this database, but this program does not have it"))?;
            if known.name != name || known.checksum(dialect) != *checksum {
                return Err(error("its text was changed after it had been applied to this database"));
            }
        }
        let is_pending = |migration: &&&Migration| !applied.iter().any(|(number, ..)| *number == migration.number);
        Ok(self.migrations.iter().filter(is_pending).copied().collect())
    }
}
