//! What the isolate is built from: deno's web crates, and our own `plinth` extension over them.

use std::borrow::Cow;
use std::rc::Rc;

use deno_core::{Extension, ExtensionFileSource, FastStaticString, OpDecl};
use deno_web::{BlobStore, InMemoryBroadcastChannel};

use super::crypto::{digests, scrypt};
use super::modules::commonjs;
use super::modules::loader::Loader;
use super::scripts::{NODE, NODE_CRYPTO, OWN, Script};
use super::{fetch, ops, platform, streams};
use crate::isolate::host::Host;

/// Every script of the web crates by its specifier, as `build.rs` found them.
const WEB_SOURCES: &[(&str, FastStaticString)] = include!(concat!(env!("OUT_DIR"), "/web_sources.rs"));

/// Scripts that cannot run while a snapshot is made, since they make objects of the C++ heap; a worker runs them as it starts.
const AFTER_SNAPSHOT: &[&str] = &["ext:deno_crypto/00_crypto.js"];

/// Operations that reach out of the isolate, or only serve deno's own tools. They throw whoever calls them.
const DENIED: &[&str] = &[
    "op_add_main_module_handler",
    "op_eval_context",
    "op_fetch_custom_client",
    "op_fetch_promise_is_settled",
    "op_import_sync_with_source",
    "op_is_terminal",
    "op_lazy_load_esm",
    "op_leak_tracing_enable",
    "op_panic",
    "op_print",
    "op_set_format_exception_callback",
    "op_set_promise_hooks",
];

deno_core::extension!(
    plinth,
    deps = [deno_webidl, deno_web, deno_fetch, deno_crypto],
    ops = [
        commonjs::op_plinth_compile,
        commonjs::op_plinth_find,
        commonjs::op_plinth_kind,
        commonjs::op_plinth_text,
        digests::op_plinth_hash_copy,
        digests::op_plinth_hash_drop,
        digests::op_plinth_hash_finish,
        digests::op_plinth_hash_new,
        digests::op_plinth_hash_once,
        digests::op_plinth_hash_update_bytes,
        digests::op_plinth_hash_update_text,
        digests::op_plinth_hmac_new,
        digests::op_plinth_pbkdf2,
        ops::op_plinth_answer,
        ops::op_plinth_answer_http_text,
        ops::op_plinth_answer_http_bytes,
        ops::op_plinth_call,
        ops::op_plinth_exit,
        ops::op_plinth_fail,
        ops::op_plinth_log,
        ops::op_plinth_loaded,
        ops::op_plinth_timer,
        ops::op_plinth_waiting,
        platform::op_plinth_ask,
        scrypt::op_plinth_scrypt,
        streams::op_plinth_stream_start,
        streams::op_plinth_stream_write,
        streams::op_plinth_stream_flushed,
        streams::op_plinth_stream_unwanted,
        streams::op_plinth_stream_end,
    ],
    esm_entry_point = "ext:plinth/main.js",
    options = { host: Rc<Host>, loader: Rc<Loader> },
    state = |state, options| {
        state.put(options.host);
        state.put(options.loader);
        state.put(digests::Digests::default());
    },
);

/// The extensions to make the snapshot from, scripts and all.
pub(in crate::isolate) fn for_snapshot(host: Rc<Host>, loader: Rc<Loader>) -> Vec<Extension> {
    let mut extensions = all(host, loader);
    for extension in &mut extensions {
        let wanted = |file: &ExtensionFileSource| !AFTER_SNAPSHOT.contains(&file.specifier);
        extension.lazy_loaded_js_files = embedded(&extension.lazy_loaded_js_files, wanted);
    }
    // `22_http_client.js` asks for this one; there are no client certificates here.
    let tls = deno_core::ascii_str!("(function () { return { loadTlsKeyPair() { return null; } }; })()");
    if let Some(extension) = extensions.iter_mut().find(|extension| extension.name == "plinth") {
        let stub = ExtensionFileSource::new("ext:deno_net/02_tls.js", tls);
        extension.lazy_loaded_js_files = files(NODE).chain([stub]).collect();
        extension.esm_files = files(OWN).collect();
    }
    extensions
}

/// The same extensions for a worker that starts from the snapshot: operations, and only the scripts it still has to run.
pub(in crate::isolate) fn for_worker(host: Rc<Host>, loader: Rc<Loader>) -> Vec<Extension> {
    let mut extensions = all(host, loader);
    for extension in &mut extensions {
        let wanted = |file: &ExtensionFileSource| AFTER_SNAPSHOT.contains(&file.specifier);
        extension.lazy_loaded_js_files = embedded(&extension.lazy_loaded_js_files, wanted);
        extension.esm_entry_point = None;
    }
    if let Some(extension) = extensions.iter_mut().find(|extension| extension.name == "plinth") {
        extension.lazy_loaded_js_files = files(NODE_CRYPTO).collect();
    }
    extensions
}

fn all(host: Rc<Host>, loader: Rc<Loader>) -> Vec<Extension> {
    let mut ours = plinth::init(host, loader);
    ours.middleware_fn = Some(Box::new(restrict));
    let mut extensions = vec![
        deno_webidl::deno_webidl::init(),
        deno_web::deno_web::init(BlobStore::default_arc(), None, false, InMemoryBroadcastChannel::default()),
        deno_fetch::deno_fetch::init(deno_fetch::Options::default()),
        deno_crypto::deno_crypto::init(None),
        ours,
    ];
    for extension in &mut extensions {
        // Modules loaded on demand (Web Locks, WebTransport) are not offered.
        extension.lazy_loaded_esm_files = Cow::Borrowed(&[]);
    }
    extensions
}

/// Takes operations away, and has the server make the requests that deno's `fetch` would make itself.
fn restrict(op: OpDecl) -> OpDecl {
    match op.name {
        "op_fetch" => op.with_implementation_from(&fetch::op_fetch()),
        "op_fetch_send" => op.with_implementation_from(&fetch::op_fetch_send()),
        name if DENIED.contains(&name) => op.disable(),
        _ => op,
    }
}

fn files(scripts: &'static [Script]) -> impl Iterator<Item = ExtensionFileSource> {
    scripts.iter().map(|(name, code)| ExtensionFileSource::new(name, *code))
}

/// The wanted ones among an extension's scripts, with the text that travels in the binary.
fn embedded(files: &[ExtensionFileSource], wanted: impl Fn(&ExtensionFileSource) -> bool) -> Cow<'static, [ExtensionFileSource]> {
    let source = |specifier: &str| WEB_SOURCES.iter().find(|(name, _)| *name == specifier);
    let files = files.iter().filter(|file| wanted(file)).filter_map(|file| source(file.specifier));
    files.map(|(name, code)| ExtensionFileSource::new(name, *code)).collect()
}
