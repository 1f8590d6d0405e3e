//! V8, as a worker uses it: the isolate and its heap, the extensions that make the platform, their scripts, the ops behind them, and
//! the module loader.
//!
//! `js/` is the platform's own JavaScript; it runs while the startup snapshot is made, and once more when an environment is assigned.

pub(super) mod arguments;
mod crypto;
pub(super) mod engine;
pub(super) mod extensions;
mod fetch;
pub(super) mod meter;
pub(super) mod modules;
mod ops;
mod platform;
mod rehearsal;
mod scripts;
pub(super) mod streams;
