//! One file of code: parsed, checked, its types and JSX taken away.

use std::path::{Path, PathBuf};

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

use super::diagnostics::Places;
use super::survey::Survey;
use crate::isolate::protocol::Diagnostic;

/// JavaScript ready to run, its source map (which may be empty), and what it asks for and exports.
pub(super) struct Source {
    pub(super) code: String,
    pub(super) map: String,
    pub(super) survey: Survey,
    /// A `CommonJS` module, not an ES module.
    pub(super) is_common_js: bool,
}

/// What a `.js` file is where its own text does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Default {
    /// Its package says `"type": "module"`.
    Module,
    /// Its package says `"type": "commonjs"`.
    CommonJs,
    /// Nobody says: an ES module when it has the syntax of one, as Node has it.
    Unsaid,
}

/// Reads a file whose extension is one of code's.
///
/// # Errors
/// What is wrong with it, each thing with its place.
pub(super) fn read(file: &str, source: &str, default: Default) -> Result<Source, Vec<Diagnostic>> {
    // A byte order mark is no part of a program.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let places = Places::new(file, source);
    match extension(file) {
        "js" | "mjs" | "cjs" => javascript(file, source, &places, default),
        _ => transpiled(file, source, &places),
    }
}

/// What follows the last dot of a file's name; empty when there is none.
pub(super) fn extension(file: &str) -> &str {
    Path::new(file).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// JavaScript is kept as it is.
fn javascript(file: &str, source: &str, places: &Places<'_>, default: Default) -> Result<Source, Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let as_module = || Parser::new(&allocator, source, SourceType::mjs()).parse();
    let as_script = || {
        let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
        Parser::new(&allocator, source, SourceType::cjs()).with_options(options).parse()
    };
    match (extension(file), default) {
        ("mjs", _) | ("js", Default::Module) => return finish(source, &as_module(), places, false),
        ("cjs", _) | (_, Default::CommonJs) => return finish(source, &as_script(), places, true),
        _ => {}
    }
    let module = as_module();
    if !module.module_record.has_module_syntax {
        let script = as_script();
        if !script.diagnostics.has_errors() {
            return finish(source, &script, places, true);
        }
    }
    finish(source, &module, places, false)
}

fn finish(source: &str, parsed: &ParserReturn<'_>, places: &Places<'_>, is_common_js: bool) -> Result<Source, Vec<Diagnostic>> {
    places.refuse(parsed.diagnostics.errors())?;
    let semantic = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    places.refuse(semantic.diagnostics.errors())?;
    let mut survey = Survey::of(&parsed.program);
    survey.add_requires(semantic.semantic.scoping(), is_common_js);
    Ok(Source { code: source.to_owned(), map: String::new(), survey, is_common_js })
}

/// TypeScript loses its types, JSX becomes calls; what it exports and imports is looked at after that, since an import of types
/// alone is gone then, and JSX has an import of its own.
fn transpiled(file: &str, source: &str, places: &Places<'_>) -> Result<Source, Vec<Diagnostic>> {
    let allocator = Allocator::default();
    let kind = match extension(file) {
        "tsx" => SourceType::tsx(),
        "jsx" => SourceType::jsx(),
        "cts" => SourceType::ts().with_commonjs(true),
        _ => SourceType::ts(),
    };
    let parsed = Parser::new(&allocator, source, kind).parse();
    places.refuse(parsed.diagnostics.errors())?;
    let mut program = parsed.program;
    let semantic =
        SemanticBuilder::new().with_check_syntax_error(true).with_excess_capacity(2.0).with_enum_eval(true).build(&program);
    places.refuse(semantic.diagnostics.errors())?;
    let scoping = semantic.semantic.into_scoping();
    let options = TransformOptions::default();
    let transformed = Transformer::new(&allocator, Path::new(file), &options).build_with_scoping(scoping, &mut program);
    places.refuse(transformed.diagnostics.errors())?;
    let is_common_js = kind.is_commonjs();
    let mut survey = Survey::of(&program);
    survey.add_requires(&transformed.scoping, is_common_js);
    places.refuse_decorators(&survey)?;
    let options = CodegenOptions { source_map_path: Some(PathBuf::from(file)), ..CodegenOptions::default() };
    let printed = Codegen::new().with_options(options).with_source_text(source).build(&program);
    let map = printed.map.map(|map| map.to_json_string()).unwrap_or_default();
    Ok(Source { code: printed.code, map, survey, is_common_js })
}
