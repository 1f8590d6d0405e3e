//! Functions' SQL, one file a table, and one for versions.

pub(super) mod aliases;
pub(super) mod event_configs;
pub(super) mod events;
pub(super) mod functions;
pub(super) mod logs;
pub(super) mod mappings;
pub(super) mod policies;
pub(super) mod provisioned;
pub(super) mod schedules;
pub(super) mod sources;
pub(super) mod urls;
pub(super) mod usage;
pub(super) mod versions;
