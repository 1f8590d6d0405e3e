//! Every migration there is, in order. The one place to add a new one to.

/// One step of the server's own schema, written for both databases.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// Takes `migrations/{sqlite,postgres}/NNNN_name.sql` into the program.
macro_rules! migration {
    ($number:literal, $name:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $file)),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $file)),
        }
    };
}

/// Every migration. What was released is never changed, only added to.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "auth", "0001_auth.sql"),
    migration!(2, "functions", "0002_functions.sql"),
    migration!(3, "function_logs", "0003_function_logs.sql"),
    migration!(4, "built_packages", "0004_built_packages.sql"),
    migration!(5, "idle_sessions", "0005_idle_sessions.sql"),
    migration!(6, "lambda", "0006_lambda.sql"),
    migration!(7, "function_sources", "0007_function_sources.sql"),
    migration!(8, "catalog", "0008_catalog.sql"),
    migration!(9, "app_migrations", "0009_app_migrations.sql"),
    migration!(10, "storage", "0010_storage.sql"),
    migration!(11, "piece_checksums", "0011_piece_checksums.sql"),
    migration!(12, "storage_quota", "0012_storage_quota.sql"),
    migration!(13, "function_events", "0013_function_events.sql"),
    migration!(14, "function_event_configs", "0014_function_event_configs.sql"),
    migration!(15, "queues", "0015_queues.sql"),
    migration!(16, "event_source_mappings", "0016_event_source_mappings.sql"),
    migration!(17, "function_schedules", "0017_function_schedules.sql"),
    migration!(18, "function_usage", "0018_function_usage.sql"),
    migration!(19, "kv", "0019_kv.sql"),
    migration!(20, "secrets", "0020_secrets.sql"),
    migration!(21, "shared_environments", "0021_shared_environments.sql"),
];
