//! The code outside the handler.

use std::time::Duration;

use plinth::isolate::protocol::{Bundle, FunctionError, HandlerStyle, Module, ModuleKind};
use plinth::sys::process::Exit;
use serde_json::json;

use super::driver::{Code, Settings, Worker};

fn failure(source: &str) -> FunctionError {
    let Err(refused) = Worker::initialise(&Settings::default(), source) else { panic!("{source} was initialised") };
    assert_eq!(refused.worker.exit(), Exit::Code(0), "after a failed initialisation the worker exits");
    refused.error
}

/// Code as the server would assign it, without the checks of a compilation.
fn assign(code: &str, style: HandlerStyle) -> FunctionError {
    let kind = if style == HandlerStyle::CommonJs { ModuleKind::CommonJs } else { ModuleKind::Module };
    let file = Settings::default().file.to_owned();
    let module = Module { file, kind, code_len: code.len(), map_len: 0, cache_len: 0, exports: Vec::new(), links: Vec::new() };
    let code = Code { bundle: Bundle { style, modules: vec![module] }, body: code.as_bytes().to_vec() };
    let settings = Settings { handler: Some("index.handler"), ..Settings::default() };
    match Worker::spare().assign(&settings, code) {
        Ok(_) => panic!("it was initialised"),
        Err(refused) => refused.error,
    }
}

#[test]
fn code_outside_the_handler_runs_once() {
    let source =
        "let n = 0; await new Promise((resolve) => setTimeout(resolve, 5)); n += 1; export const handler = async () => n";
    let mut worker = Worker::of(source);
    assert_eq!(worker.result("{}"), json!(1));
    assert_eq!(worker.result("{}"), json!(1));
}

#[test]
fn an_error_in_it_is_told_with_its_trace() {
    let error = failure("const config = undefined;\nconfig.url;\nexport const handler = async () => 1;\n");
    assert_eq!(error.error_type, "TypeError");
    assert!(error.message.contains("reading 'url'"), "{}", error.message);
    assert!(error.trace[1].contains("index.js:2:8"), "{:?}", error.trace);
}

#[test]
fn what_it_throws_may_be_anything() {
    let error = failure("throw 'text'; export const handler = 1;");
    assert_eq!((error.error_type.as_str(), error.message.as_str()), ("string", "text"));
    let rejected = failure("await Promise.reject(new RangeError('later')); export const handler = () => 1;");
    assert_eq!((rejected.error_type.as_str(), rejected.message.as_str()), ("RangeError", "later"));
}

#[test]
fn a_promise_at_the_top_that_never_settles_is_told() {
    let error = failure("await new Promise(() => {}); export const handler = () => 1;");
    assert_eq!(error.error_type, "Runtime.NodeJsExit");
}

#[test]
fn an_unhandled_rejection_in_it_is_told() {
    let error = failure("Promise.reject(new Error('lost')); await null; export const handler = () => 1;");
    assert_eq!(error.error_type, "Runtime.UnhandledPromiseRejection");
}

#[test]
fn it_has_its_own_time_limit() {
    for source in [
        "while (true); export const handler = () => 1;",
        "await new Promise((r) => setTimeout(r, 60000)); export const handler = () => 1;",
    ] {
        let settings = Settings { init_timeout: Duration::from_millis(200), ..Settings::default() };
        let Err(refused) = Worker::initialise(&settings, source) else { panic!("{source} was initialised") };
        let error = &refused.error;
        assert_eq!(error.error_type, "Sandbox.Timedout");
        assert_eq!(error.message, "Init phase timed out after 0.20 seconds");
        assert_eq!(refused.worker.exit(), Exit::Code(0));
    }
}

#[test]
fn exit_in_it_is_told() {
    let error = failure("process.exit(4); export const handler = () => 1;");
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(error.message.ends_with("exit status 4"), "{}", error.message);
}

#[test]
fn memory_is_limited_in_it() {
    let settings = Settings { heap: 64 << 20, ..Settings::default() };
    let source = "const all = []; for (;;) all.push(new Array(1000).fill(all.length)); export const handler = () => 1;";
    let Err(refused) = Worker::initialise(&settings, source) else { panic!("it was initialised") };
    assert_eq!(refused.error.error_type, "Runtime.OutOfMemory");
}

#[test]
fn a_handler_that_is_not_there_or_no_function_is_told() {
    let missing = assign("export const other = 1;", HandlerStyle::Lambda);
    assert_eq!(missing.error_type, "Runtime.HandlerNotFound");
    assert_eq!(missing.message, "index.handler is undefined or not exported");
    let wrong = assign("export const handler = 5;", HandlerStyle::Lambda);
    assert_eq!(wrong.message, "index.handler is not a function");
    let default = failure("export default { nothing: true };");
    assert_eq!(default.error_type, "Runtime.HandlerNotFound");
    let serve = failure("if (false) Deno.serve(() => new Response())");
    assert_eq!(serve.error_type, "Runtime.HandlerNotFound");
}

#[test]
fn code_that_does_not_parse_or_imports_is_told() {
    assert_eq!(assign("export const = 1;", HandlerStyle::Lambda).error_type, "Runtime.UserCodeSyntaxError");
    assert_eq!(assign("exports.handler = = 1;", HandlerStyle::CommonJs).error_type, "Runtime.UserCodeSyntaxError");
    let import = assign("import x from './x.js'; export const handler = x;", HandlerStyle::Lambda);
    assert_eq!(import.error_type, "Runtime.ImportModuleError");
    assert!(import.message.contains("./x.js"), "{}", import.message);
}
