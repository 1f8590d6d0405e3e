//! Checks a package at deploy time and turns it into what V8 runs.
//!
//! This parses what a stranger wrote, so it runs in a sandboxed worker that does nothing else and then exits: a source that makes the
//! parser overflow its stack ends that process alone.
//!
//! ```text
//! files -> entry (which file the handler is in) -> graph (source: parse, check, transpile; survey: what it asks for) -> bundle
//! ```

mod diagnostics;
mod entry;
mod graph;
mod handler;
mod source;
mod survey;

use self::graph::{Drafted, Files, Graph};
use super::protocol::{Bundle, Compile, Diagnostic, FromWorker, HandlerStyle, Module, ModuleKind};
use super::runtime::engine::Engine;

/// What V8's heap may hold while it compiles, in bytes. The limit on the process's memory is tighter for all but large packages.
const HEAP: usize = 2 * 1024 * 1024 * 1024;

/// Checks and transpiles; gives the answer to the server and its body.
pub(super) fn compile(request: &Compile, body: &[u8], engine: &mut Engine) -> (FromWorker, Vec<u8>) {
    let mut files = Files::new();
    let mut rest = body;
    for file in &request.files {
        let (content, after) = rest.split_at_checked(file.len).unwrap_or((rest, &[]));
        files.insert(&file.path, content);
        rest = after;
    }
    match bundle(request, &files, engine) {
        Ok((bundle, body)) => (FromWorker::Compiled(bundle), body),
        Err(diagnostics) => (FromWorker::Rejected { diagnostics }, Vec::new()),
    }
}

fn bundle(request: &Compile, files: &Files<'_>, engine: &mut Engine) -> Result<(Bundle, Vec<u8>), Vec<Diagnostic>> {
    let handler = request.handler.as_deref();
    let entry = entry::find(handler, files).map_err(|message| vec![diagnostics::whole_file(entry::PACKAGE, message)])?;
    let modules = Graph::new(files, request.is_archive).walk(&entry)?;
    let style = style(handler, &modules)?;
    engine.raise_heap(HEAP);
    let mut body = Vec::new();
    let mut described = Vec::with_capacity(modules.len());
    for (at, module) in modules.iter().enumerate() {
        let Drafted { file, kind, code, map, links, .. } = module;
        let cache = engine
            .precompile(file, *kind, code)
            .map_err(|(message, line)| vec![Diagnostic { file: file.clone(), line: Some(line), column: None, message }])?;
        let cache = if request.wants_cache { cache } else { Vec::new() };
        for part in [code, map, &cache] {
            body.extend_from_slice(part);
        }
        let exports = if *kind == ModuleKind::CommonJs { graph::exports_of(&modules, at) } else { Vec::new() };
        described.push(Module {
            file: file.clone(),
            kind: *kind,
            code_len: code.len(),
            map_len: map.len(),
            cache_len: cache.len(),
            exports,
            links: links.clone(),
        });
    }
    Ok((Bundle { style, modules: described }, body))
}

/// The kind of handler the entry has.
fn style(handler: Option<&str>, modules: &[Drafted]) -> Result<HandlerStyle, Vec<Diagnostic>> {
    let Some((entry, survey)) = modules.first().and_then(|entry| Some((entry, entry.survey.as_ref()?))) else {
        let message = "the handler's file is not code".to_owned();
        return Err(vec![diagnostics::whole_file(entry::PACKAGE, message)]);
    };
    let named = if entry.kind == ModuleKind::CommonJs { HandlerStyle::CommonJs } else { HandlerStyle::Lambda };
    handler::find(handler, survey, named).map_err(|message| vec![diagnostics::whole_file(&entry.file, message)])
}
