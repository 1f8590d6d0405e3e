//! Checks a source at deploy time and turns it into what V8 runs.
//!
//! This parses what a stranger wrote, so it runs in a sandboxed worker that does nothing else and then exits: a source that makes the
//! parser overflow its stack ends that process alone.

mod diagnostics;
mod handler;
mod survey;

use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

use self::diagnostics::Places;
use self::survey::Survey;
use super::protocol::{Compile, Compiled, Diagnostic, FromWorker, HandlerStyle, Language};

/// JavaScript ready to run, its source map (which may be empty), and the way to its handler.
struct Output {
    code: String,
    map: String,
    style: HandlerStyle,
}

/// Checks and transpiles; gives the answer to the server and its body.
pub(super) fn compile(request: &Compile, body: &[u8]) -> (FromWorker, Vec<u8>) {
    let checked = match std::str::from_utf8(body) {
        Ok(source) => check(request, source),
        Err(error) => Err(vec![diagnostics::whole_file(&request.file, format!("the source is not UTF-8: {error}"))]),
    };
    match checked {
        Ok(Output { code, map, style }) => {
            let compiled = FromWorker::Compiled(Compiled { code_len: code.len(), style });
            (compiled, [code, map].concat().into_bytes())
        }
        Err(diagnostics) => (FromWorker::Rejected { diagnostics }, Vec::new()),
    }
}

fn check(request: &Compile, source: &str) -> Result<Output, Vec<Diagnostic>> {
    // A byte order mark is no part of a program.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let places = Places::new(&request.file, source);
    match request.language {
        Language::TypeScript => typescript(request, source, &places),
        Language::JavaScript => javascript(request, source, &places),
    }
}

/// JavaScript is kept as it is. It is an ES module, unless it has no module syntax and assigns to `exports`, as Node has it.
fn javascript(request: &Compile, source: &str, places: &Places<'_>) -> Result<Output, Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let extension = Path::new(&request.file).extension().and_then(|extension| extension.to_str());
    let as_module = Parser::new(&allocator, source, SourceType::mjs()).parse();
    if extension != Some("mjs") && !as_module.module_record.has_module_syntax {
        let as_script = Parser::new(&allocator, source, SourceType::cjs())
            .with_options(ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() })
            .parse();
        if !as_script.diagnostics.has_errors() {
            let survey = Survey::of(&as_script.program);
            if survey.is_common_js || extension == Some("cjs") {
                return finish(request, source, &as_script, places, HandlerStyle::CommonJs);
            }
        }
    }
    finish(request, source, &as_module, places, HandlerStyle::Lambda)
}

fn finish(
    request: &Compile,
    source: &str,
    parsed: &ParserReturn<'_>,
    places: &Places<'_>,
    named: HandlerStyle,
) -> Result<Output, Vec<Diagnostic>> {
    places.refuse(parsed.diagnostics.errors())?;
    let semantic = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    places.refuse(semantic.diagnostics.errors())?;
    let mut survey = Survey::of(&parsed.program);
    if named == HandlerStyle::CommonJs {
        survey.add_requires(semantic.semantic.scoping());
    }
    places.refuse_requests(&survey)?;
    let style = handler::find(request.handler.as_deref(), &survey, named).map_err(|message| vec![places.whole_file(message)])?;
    Ok(Output { code: source.to_owned(), map: String::new(), style })
}

/// TypeScript loses its types; what it exports and imports is looked at after that, since an import of types alone is gone then.
fn typescript(request: &Compile, source: &str, places: &Places<'_>) -> Result<Output, Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::ts()).parse();
    places.refuse(parsed.diagnostics.errors())?;
    let mut program = parsed.program;
    let semantic =
        SemanticBuilder::new().with_check_syntax_error(true).with_excess_capacity(2.0).with_enum_eval(true).build(&program);
    places.refuse(semantic.diagnostics.errors())?;
    let scoping = semantic.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformed = Transformer::new(&allocator, Path::new(&request.file), &options).build_with_scoping(scoping, &mut program);
    places.refuse(transformed.diagnostics.errors())?;
    let survey = Survey::of(&program);
    places.refuse_requests(&survey)?;
    places.refuse_decorators(&survey)?;
    let style = handler::find(request.handler.as_deref(), &survey, HandlerStyle::Lambda)
        .map_err(|message| vec![places.whole_file(message)])?;
    let options = CodegenOptions { source_map_path: Some(PathBuf::from(&request.file)), ..CodegenOptions::default() };
    let printed = Codegen::new().with_options(options).with_source_text(source).build(&program);
    let map = printed.map.map(|map| map.to_json_string()).unwrap_or_default();
    Ok(Output { code: printed.code, map, style })
}
