//! Functions' SQL, one file a table.

pub(super) mod functions;
pub(super) mod logs;
