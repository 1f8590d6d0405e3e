//! `[database]`: SQLite in the data folder, or PostgreSQL.

use std::time::Duration;

use super::setting::Setting;
use crate::types::Secret;

/// Which database, and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Database {
    /// `postgres://…`; `None` is SQLite in the data folder.
    pub url: Option<Secret<String>>,
    /// Connections that read (SQLite), or connections of each pool (PostgreSQL).
    pub connections: u32,
    /// How long to wait for a connection, or a lock.
    pub timeout: Duration,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "database.url",
        env: "DATABASE_URL",
        default: "",
        meaning: "A PostgreSQL database; SQLite in the data folder when it is not set.",
        allowed: "an address that begins with postgres:// or postgresql://",
        set: |config, raw| {
            let url = raw.text()?;
            let good = url.starts_with("postgres://") || url.starts_with("postgresql://");
            good.then(|| config.database.url = Some(Secret::new(url.to_owned())))
        },
    },
    Setting {
        key: "database.connections",
        env: "PLINTH_DATABASE_CONNECTIONS",
        default: "4",
        meaning: "Connections that read (SQLite), or connections of each worker's pool (PostgreSQL).",
        allowed: "a whole number from 1 to 256",
        set: |config, raw| raw.whole(1..=256).map(|value| config.database.connections = value),
    },
    Setting {
        key: "database.timeout",
        env: "PLINTH_DATABASE_TIMEOUT",
        default: "10s",
        meaning: "How long to wait for a connection, a lock or a statement of the server's own.",
        allowed: "a time from 100ms to 5m",
        set: |config, raw| {
            raw.duration(Duration::from_millis(100)..=Duration::from_secs(300)).map(|value| config.database.timeout = value)
        },
    },
];
