//! The modules of a function in V8: the package they come from, ES modules and `CommonJS`, and V8's code cache.

pub(super) mod codecache;
pub(super) mod commonjs;
pub(in crate::isolate) mod loader;
pub(in crate::isolate) mod package;
