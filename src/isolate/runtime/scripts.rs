//! The platform's own JavaScript, as it travels in the binary.

use deno_core::FastStaticString;

/// A script by its specifier.
pub(super) type Script = (&'static str, FastStaticString);

macro_rules! scripts {
    ($($path:literal),* $(,)?) => {
        &[$((concat!("ext:plinth/", $path), deno_core::ascii_str_include!(concat!("js/", $path)))),*]
    };
}

/// The modules of the platform, in the order they are evaluated while the snapshot is made.
pub(super) const OWN: &[Script] = scripts![
    "stubs.js",
    "errors.js",
    "timers.js",
    "globals.js",
    "node/modules.js",
    "process.js",
    "modules.js",
    "context.js",
    "http.js",
    "stream.js",
    "awslambda.js",
    "web.js",
    "invoke.js",
    "main.js",
];

/// Node's modules and the platform's own, and what they are made of. They are evaluated into the snapshot, too: it costs a spare next to nothing, and loading
/// them later costs a function that uses streams several milliseconds of its cold start.
pub(super) const NODE: &[Script] = scripts![
    "node/assert.js",
    "node/buffer/buffer.js",
    "node/buffer/encodings.js",
    "node/buffer/numbers.js",
    "node/buffer/search.js",
    "node/errors.js",
    "node/events.js",
    "node/path.js",
    "node/stream/consumers.js",
    "node/stream/destroy.js",
    "node/stream/duplex.js",
    "node/stream/finished.js",
    "node/stream/legacy.js",
    "node/stream/operators.js",
    "node/stream/pipe.js",
    "node/stream/promises.js",
    "node/stream/readable.js",
    "node/stream/stream.js",
    "node/stream/web.js",
    "node/stream/web_classes.js",
    "node/stream/writable.js",
    "node/system/async_hooks.js",
    "node/system/console.js",
    "node/system/diagnostics_channel.js",
    "node/system/os.js",
    "node/system/perf_hooks.js",
    "node/system/timers.js",
    "node/system/tty.js",
    "node/text/punycode.js",
    "node/text/querystring.js",
    "node/text/string_decoder.js",
    "node/url.js",
    "node/util/equal.js",
    "node/util/inspect.js",
    "node/util/parse_args.js",
    "node/util/types.js",
    "node/util/util.js",
    "platform/ask.js",
    "platform/functions.js",
    "platform/kv.js",
    "platform/queue.js",
];

/// `node:crypto` stands on deno's, which no snapshot can hold: it is evaluated when a function first asks for it.
pub(super) const NODE_CRYPTO: &[Script] = scripts![
    "node/crypto/crypto.js",
    "node/crypto/derive.js",
    "node/crypto/hash.js",
    "node/crypto/keys.js",
    "node/crypto/random.js",
];
