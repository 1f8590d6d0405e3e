//! Checking and transpiling at deploy time.

use plinth::isolate::protocol::{Diagnostic, HandlerStyle};
use plinth::sys::process::Exit;

use super::driver::{Worker, compilation, compile};

fn style(file: &str, source: &str) -> HandlerStyle {
    compile(file, None, source).unwrap_or_else(|errors| panic!("{source}: {errors:?}")).style()
}

fn only(errors: Vec<Diagnostic>) -> Diagnostic {
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap()
}

fn refusal(file: &str, handler: Option<&str>, source: &str) -> Diagnostic {
    match compile(file, handler, source) {
        Ok(code) => panic!("{source} was taken as {:?}", code.style()),
        Err(errors) => only(errors),
    }
}

#[test]
fn every_style_of_handler_is_recognised() {
    assert_eq!(style("index.mjs", "export const handler = async () => 1;"), HandlerStyle::Lambda);
    assert_eq!(style("index.js", "async function handler() {} export { handler };"), HandlerStyle::Lambda);
    assert_eq!(style("index.ts", "export function handler(event: unknown): string { return 'x' }"), HandlerStyle::Lambda);
    assert_eq!(style("index.js", "export default { fetch() { return new Response() } }"), HandlerStyle::DefaultFetch);
    assert_eq!(style("index.js", "export default function (request) {}"), HandlerStyle::DefaultFunction);
    assert_eq!(style("index.js", "export default async (request) => new Response('x')"), HandlerStyle::DefaultFunction);
    assert_eq!(style("index.ts", "Deno.serve((request: Request) => new Response('x'))"), HandlerStyle::DenoServe);
    assert_eq!(style("index.js", "exports.handler = async () => 1"), HandlerStyle::CommonJs);
    assert_eq!(style("index.cjs", "module.exports = { handler() {} }"), HandlerStyle::CommonJs);
    assert_eq!(style("index.js", "module.exports.handler = async () => { with ({ a: 1 }) return a }"), HandlerStyle::CommonJs);
}

#[test]
fn javascript_is_kept_as_it_was_written() {
    let source = "// a comment\nexport const handler = async  ()=>1;\n";
    let code = compile("index.js", None, source).ok().unwrap();
    let (_, text, map, _) = code.module("index.js");
    assert_eq!(text, source.as_bytes());
    assert!(map.is_empty());
}

#[test]
fn typescript_loses_its_types_and_gains_a_source_map() {
    let source = "enum Colour { Red = 'red' }\ninterface Event { name: string }\n\
                  export const handler = async (event: Event): Promise<string> => `${event.name} ${Colour.Red}`;\n";
    let code = compile("index.ts", None, source).ok().unwrap();
    let (_, text, map, _) = code.module("index.ts");
    let text = std::str::from_utf8(text).unwrap();
    assert!(!text.contains("interface") && !text.contains(": Event"), "{text}");
    let map: serde_json::Value = serde_json::from_slice(map).unwrap();
    assert_eq!(map["sources"][0], "index.ts");
}

#[test]
fn a_type_import_is_no_import() {
    let source = "import type { A } from './types';\nimport { B } from './more';\n\
                  export const handler = async (event: A): Promise<B> => event as unknown as B;";
    assert_eq!(style("index.ts", source), HandlerStyle::Lambda);
}

#[test]
fn a_syntax_error_is_refused_with_its_place() {
    let error = refusal("index.js", None, "export const handler = async () => {\n  const é = 1; const = 2;\n};\n");
    assert_eq!((error.file.as_str(), error.line, error.column), ("index.js", Some(2), Some(22)));
    assert!(!error.message.is_empty());
}

#[test]
fn an_error_that_only_shows_in_the_scopes_is_refused() {
    let error = refusal("index.js", None, "let a = 1;\nlet a = 2;\nexport const handler = () => a;");
    assert!(error.message.contains('a') && error.line.is_some(), "{error:?}");
}

#[test]
fn imports_are_refused_by_name_and_place() {
    let import = refusal("index.js", None, "\nimport fs from \"node:fs\";\nexport const handler = () => fs;");
    assert_eq!((import.line, import.column), (Some(2), Some(16)));
    assert!(import.message.contains("\"node:fs\""), "{}", import.message);
    let dynamic = refusal("index.js", None, "export const handler = async () => (await import('./a.js')).default;");
    assert_eq!((dynamic.line, dynamic.column), (Some(1), Some(43)));
    assert!(dynamic.message.contains("\"./a.js\""), "{}", dynamic.message);
    let require = refusal("index.js", None, "const aws = require('aws-sdk');\nexports.handler = () => aws;");
    assert_eq!((require.line, require.column), (Some(1), Some(21)));
    let again = refusal("index.js", None, "export { handler } from './other.js';");
    assert!(again.message.contains("./other.js"), "{}", again.message);
}

#[test]
fn a_require_of_the_sources_own_is_not_an_import() {
    let source = "(function () { function require(name) { return name } exports.handler = () => require('x') })()";
    assert_eq!(style("index.js", source), HandlerStyle::CommonJs);
}

#[test]
fn a_missing_handler_is_refused_and_told_what_there_is() {
    let none = refusal("index.js", None, "export const main = 1;");
    assert!(none.message.contains("no handler found") && none.message.contains("main"), "{}", none.message);
    let other = refusal("index.js", Some("index.run"), "export const handler = () => 1;");
    assert!(other.message.contains("\"index.run\"") && other.message.contains("handler"), "{}", other.message);
    let malformed = refusal("index.js", Some("handler"), "export const handler = () => 1;");
    assert!(malformed.message.contains("file.export"), "{}", malformed.message);
}

#[test]
fn a_handler_is_found_under_the_name_that_was_asked_for() {
    let source = "export const run = async () => 1; export default {};";
    assert_eq!(compile("index.js", Some("index.run"), source).ok().unwrap().style(), HandlerStyle::Lambda);
}

#[test]
fn decorators_are_refused() {
    let error = refusal("index.ts", None, "function d(x: unknown) {}\n@d\nclass A {}\nexport const handler = () => new A();");
    assert_eq!(error.line, Some(2));
    assert!(error.message.contains("decorators"), "{}", error.message);
}

#[test]
fn a_source_that_is_not_text_is_refused() {
    let mut worker = Worker::spare();
    let (request, body) = compilation(&[("index.js", &[0xff, 0xfe, 0x00])], None, false);
    worker.send(&request, &body);
    let reply = worker.receive().unwrap().0;
    let plinth::isolate::protocol::FromWorker::Rejected { diagnostics } = reply else { panic!("{reply:?}") };
    assert!(only(diagnostics).message.contains("UTF-8"));
    assert_eq!(worker.exit(), Exit::Code(0), "a worker that compiled is not used again");
}

#[test]
fn a_source_nested_too_deep_costs_that_worker_alone() {
    let mut worker = Worker::spare();
    let source = format!("export const handler = {}1{};", "[".repeat(2_000_000), "]".repeat(2_000_000));
    let (request, body) = compilation(&[("index.js", source.as_bytes())], None, false);
    worker.send(&request, &body);
    match worker.receive() {
        None => assert!(matches!(worker.exit(), Exit::Signal(_)), "the process died"),
        Some((plinth::isolate::protocol::FromWorker::Rejected { .. }, _)) => {}
        Some(other) => panic!("{other:?}"),
    }
}
