//! `[data]`: the app's migrations, and the limits of the data API.

use std::path::PathBuf;
use std::time::Duration;

use super::setting::Setting;

/// The app's migrations, and the limits of the data API.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// The folder of the app's migrations, which are applied at each start; `None` applies none.
    pub migrations: Option<PathBuf>,
    /// How long one of them may run.
    pub migration_timeout: Duration,
    /// How long the statements of one `POST /admin/v1/sql` may run.
    pub sql_timeout: Duration,
    /// Rows of an answer, and of each embed, at the most; 0 is as many as there are.
    pub max_rows: u64,
    /// Bytes of an answer.
    pub max_result_bytes: usize,
    /// How long a request's statement may run.
    pub statement_timeout: Duration,
    /// Whether `Prefer: tx=rollback` is honoured.
    pub tx_rollback: bool,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "data.migrations",
        env: "PLINTH_DATA_MIGRATIONS",
        default: "",
        meaning: "The folder of the app's migrations: what is not applied yet is applied at each start. None when it is not set.",
        allowed: "a path",
        set: |config, raw| raw.text().map(|value| config.data.migrations = Some(value.into())),
    },
    Setting {
        key: "data.migration_timeout",
        env: "PLINTH_DATA_MIGRATION_TIMEOUT",
        default: "10m",
        meaning: "How long one of the app's migrations may run, and how long it waits for one that another node applies.",
        allowed: "a time from 1s to 1d",
        set: |config, raw| {
            let allowed = Duration::from_secs(1)..=Duration::from_secs(86_400);
            raw.duration(allowed).map(|value| config.data.migration_timeout = value)
        },
    },
    Setting {
        key: "data.sql_timeout",
        env: "PLINTH_DATA_SQL_TIMEOUT",
        default: "30s",
        meaning: "How long the statements of one POST /admin/v1/sql may run.",
        allowed: "a time from 10ms to 1h",
        set: |config, raw| {
            raw.duration(Duration::from_millis(10)..=Duration::from_secs(3600)).map(|value| config.data.sql_timeout = value)
        },
    },
    Setting {
        key: "data.max_rows",
        env: "PLINTH_DATA_MAX_ROWS",
        default: "1000",
        meaning: "The most rows of an answer of the data API, and of each embed in it; 0 is as many as there are.",
        allowed: "a whole number from 0 to 1000000",
        set: |config, raw| raw.whole(0..=1_000_000).map(|value| config.data.max_rows = value),
    },
    Setting {
        key: "data.max_result_bytes",
        env: "PLINTH_DATA_MAX_RESULT_BYTES",
        default: "64MiB",
        meaning: "The most bytes of an answer of the data API.",
        allowed: "a size from 64KiB to 1GiB",
        set: |config, raw| raw.bytes(64 << 10..=1 << 30).map(|value| config.data.max_result_bytes = value),
    },
    Setting {
        key: "data.statement_timeout",
        env: "PLINTH_DATA_STATEMENT_TIMEOUT",
        default: "8s",
        meaning: "How long a statement of the data API may run.",
        allowed: "a time from 10ms to 10m",
        set: |config, raw| {
            raw.duration(Duration::from_millis(10)..=Duration::from_secs(600)).map(|value| config.data.statement_timeout = value)
        },
    },
    Setting {
        key: "data.tx_rollback",
        env: "PLINTH_DATA_TX_ROLLBACK",
        default: "false",
        meaning: "Whether `Prefer: tx=rollback` is honoured, so that a client can try a write out.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.data.tx_rollback = value),
    },
];
