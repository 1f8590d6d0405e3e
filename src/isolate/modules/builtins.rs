//! Node's modules and the platform's own that a function may import. What each of them holds is in `runtime/js/node/` and
//! `runtime/js/platform/`.

/// The names. Node's are known without their prefix, too.
pub const BUILTINS: &[&str] = &[
    "node:assert",
    "node:assert/strict",
    "node:async_hooks",
    "node:buffer",
    "node:console",
    "node:constants",
    "node:crypto",
    "node:diagnostics_channel",
    "node:events",
    "node:module",
    "node:os",
    "node:path",
    "node:path/posix",
    "node:path/win32",
    "node:perf_hooks",
    "node:process",
    "node:punycode",
    "node:querystring",
    "node:stream",
    "node:stream/consumers",
    "node:stream/promises",
    "node:stream/web",
    "node:string_decoder",
    "node:sys",
    "node:timers",
    "node:timers/promises",
    "node:tty",
    "node:url",
    "node:util",
    "node:util/types",
    "plinth:functions",
    "plinth:kv",
    "plinth:queue",
];

/// What the names of the platform's own modules begin with.
pub const PLATFORM: &str = "plinth:";

/// The whole name (`node:path`) of what is asked for as `node:path` or `path`, or of a module of the platform's own.
pub fn is_builtin(specifier: &str) -> Option<&'static str> {
    let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
    BUILTINS.iter().copied().find(|name| *name == specifier || name.strip_prefix("node:") == Some(bare))
}

/// Whether this is the whole name of a built-in module, not a file of the package.
pub(in crate::isolate) fn is_whole_name(name: &str) -> bool {
    name.starts_with("node:") || name.starts_with(PLATFORM)
}
