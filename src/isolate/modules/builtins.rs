//! The modules that are there without being in a package.

/// Node's modules that functions have.
pub(in crate::isolate) const BUILTINS: &[&str] = &["node:process"];

/// The canonical name of a built-in module, such as `node:path` for `path`.
pub(in crate::isolate) fn is_builtin(specifier: &str) -> Option<&'static str> {
    let name = specifier.strip_prefix("node:").unwrap_or(specifier);
    BUILTINS.iter().copied().find(|builtin| builtin.strip_prefix("node:") == Some(name))
}
