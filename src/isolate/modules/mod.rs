//! What the names of modules mean: the same when a package is compiled and when it runs.

pub mod builtins;
pub(super) mod resolve;
