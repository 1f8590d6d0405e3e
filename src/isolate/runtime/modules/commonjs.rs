//! What `require` asks of Rust: what a name means, and the file compiled.

use std::rc::Rc;

use deno_core::v8::script_compiler::{CompileOptions, NoCacheReason, Source, compile_function};
use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;

use super::loader::Loader;
use super::package::url_of;
use crate::isolate::protocol::{By, ModuleKind};

/// The names of what Node wraps around a file.
const PARAMETERS: [&str; 5] = ["exports", "require", "module", "__filename", "__dirname"];

/// What a name means in a file: `node:x`, or the path of a file in the package.
#[op2]
#[string]
pub(in crate::isolate) fn op_plinth_find(
    state: &mut OpState,
    #[string] name: &str,
    #[string] referrer: &str,
) -> Result<String, JsErrorBox> {
    let loader = state.borrow::<Rc<Loader>>();
    loader.find(name, referrer, By::Require).map_err(|message| JsErrorBox::new("Error", message))
}

/// What a file is: 0 an ES module, 1 `CommonJS`, 2 JSON, 3 anything else.
#[op2(fast)]
pub(in crate::isolate) fn op_plinth_kind(state: &mut OpState, #[string] file: &str) -> u32 {
    match state.borrow::<Rc<Loader>>().package().and_then(|package| package.kind(file)) {
        Some(ModuleKind::Module) => 0,
        Some(ModuleKind::CommonJs) => 1,
        Some(ModuleKind::Json) => 2,
        Some(ModuleKind::Wasm) | None => 3,
    }
}

/// The text of a file.
#[op2]
#[string]
pub(in crate::isolate) fn op_plinth_text(state: &mut OpState, #[string] file: &str) -> String {
    let package = state.borrow::<Rc<Loader>>().package();
    let code = package.and_then(|package| package.code(file)).unwrap_or_default();
    String::from_utf8_lossy(code).into_owned()
}

/// A `CommonJS` file as a function of `(exports, require, module, __filename, __dirname)`, with places as in the file; or the error,
/// when it does not compile.
#[op2]
pub(in crate::isolate) fn op_plinth_compile<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &mut OpState,
    #[string] file: &str,
) -> v8::Local<'s, v8::Value> {
    let loader = Rc::clone(state.borrow::<Rc<Loader>>());
    let package = loader.package();
    let code = package.and_then(|package| package.code(file)).unwrap_or_default();
    let cache = package.and_then(|package| package.cache(file));
    let options = if cache.is_some() { CompileOptions::ConsumeCodeCache } else { CompileOptions::NoCompileOptions };
    v8::tc_scope!(scope, scope);
    match compile(scope, file, code, options, cache) {
        Some(function) => function.into(),
        None => scope.exception().unwrap_or_else(|| v8::undefined(scope).into()),
    }
}

/// Compiles a file as Node does, as the body of a function; `None` when V8 threw.
pub(in crate::isolate::runtime) fn compile<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    file: &str,
    code: &[u8],
    options: CompileOptions,
    cache: Option<&[u8]>,
) -> Option<v8::Local<'s, v8::Function>> {
    let name = v8::String::new(scope, url_of(file)?.as_str())?;
    let code = v8::String::new_from_utf8(scope, code, v8::NewStringType::Normal)?;
    let origin = v8::ScriptOrigin::new(scope, name.into(), 0, 0, false, 0, None, false, false, false, None);
    let mut source = match cache {
        Some(cache) => Source::new_with_cached_data(code, Some(&origin), v8::CachedData::new(cache)),
        None => Source::new(code, Some(&origin)),
    };
    let parameters: Vec<_> = PARAMETERS.iter().filter_map(|name| v8::String::new(scope, name)).collect();
    compile_function(scope, &mut source, &parameters, &[], options, NoCacheReason::NoReason)
}
