//! Exit codes, after BSD's `sysexits.h`. `docs/operations.md` lists them.

use crate::data::{migrate, migrations};
use crate::server::{OpenError, RunError};
use crate::{auth, data, db};

/// Something failed that has no code of its own.
pub(super) const FAILURE: u8 = 1;
/// The data are from a newer version, the master key is not the one they were made with, or a migration of the app's was refused.
pub(super) const DATA: u8 = 65;
/// The address is taken, or the database is out of reach.
pub(super) const UNAVAILABLE: u8 = 69;
/// The function that was called failed.
pub(super) const FUNCTION_FAILED: u8 = 70;
/// The data folder cannot be made or written.
pub(super) const CANNOT_CREATE: u8 = 73;
/// Another server uses the data folder.
pub(super) const IN_USE: u8 = 75;
/// The configuration does not check.
pub(super) const CONFIG: u8 = 78;

/// The exit code for an error of the server.
pub(super) fn code(err: &RunError) -> u8 {
    match err {
        RunError::Listen { .. } => UNAVAILABLE,
        RunError::Open(err) => open_code(err),
        RunError::Io(_) | RunError::Metrics(_) => FAILURE,
    }
}

fn open_code(err: &OpenError) -> u8 {
    match err {
        OpenError::Data { .. } | OpenError::Blobs(_) => CANNOT_CREATE,
        OpenError::Database(err) => database_code(err),
        OpenError::Auth(err) => auth_code(err),
        OpenError::Schema(data::LoadError::Db(err)) => database_code(err),
        OpenError::Schema(data::LoadError::Schema(_)) => DATA,
        OpenError::Site(_) | OpenError::Certificates(_) | OpenError::Migrations { .. } => CONFIG,
        OpenError::Migration { source, .. } => migration_code(&source.error),
        OpenError::Functions(_) => FAILURE,
    }
}

/// The exit code for an error of the app's migrations.
pub(super) fn migration_code(err: &migrations::Error) -> u8 {
    match err {
        migrations::Error::Files(_) => DATA,
        migrations::Error::Statement { source: migrate::Error::Db(err), .. }
        | migrations::Error::Db(err)
        | migrations::Error::Schema(data::LoadError::Db(err)) => database_code(err),
        migrations::Error::Statement { .. } | migrations::Error::Schema(_) => DATA,
    }
}

/// The exit code for an error of the database.
pub(super) fn database_code(err: &db::Error) -> u8 {
    match err {
        db::Error::NewerSchema { .. } => DATA,
        db::Error::InUse(_) => IN_USE,
        db::Error::Unavailable(_) | db::Error::Busy(_) | db::Error::Full(_) => UNAVAILABLE,
        db::Error::Open { .. } | db::Error::ReadOnly => CANNOT_CREATE,
        _ => FAILURE,
    }
}

/// The exit code for an error of the keys.
pub(super) fn auth_code(err: &auth::Error) -> u8 {
    match err {
        auth::Error::WrongMasterKey => DATA,
        auth::Error::MasterKey(_) => CONFIG,
        auth::Error::Db(err) => database_code(err),
        _ => FAILURE,
    }
}
