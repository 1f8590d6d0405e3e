//! V8's code cache: what its compiler made of a file, so that an environment need not compile it again.
//!
//! V8 checks of a cache only that it was made by the same build, with the same switches, for a source of the same length: who takes
//! one from a stranger runs the stranger's machine code. So it is made here, by a worker that runs nothing, and the server seals it.

use deno_core::v8;
use deno_core::v8::script_compiler::{CompileOptions, NoCacheReason, Source, compile_module2};

use super::commonjs;
use super::package::url_of;
use crate::isolate::protocol::ModuleKind;

/// Code shorter than this, in bytes, is compiled about as fast as its cache is read.
const WORTH_IT: usize = 2 * 1024;

/// Compiles a file eagerly; gives its cache, which is empty for a short one.
///
/// # Errors
/// What V8 says of a file that it does not take, and the line, from 1.
pub(in crate::isolate::runtime) fn make(
    scope: &mut v8::PinScope<'_, '_>,
    file: &str,
    kind: ModuleKind,
    code: &[u8],
) -> Result<Vec<u8>, (String, u32)> {
    v8::tc_scope!(scope, scope);
    let cache = match kind {
        ModuleKind::Module => of_module(scope, file, code),
        ModuleKind::CommonJs => {
            let function = commonjs::compile(scope, file, code, CompileOptions::EagerCompile, None);
            function.map(|function| function.create_code_cache())
        }
        ModuleKind::Json | ModuleKind::Wasm => return Ok(Vec::new()),
    };
    match (cache, scope.exception()) {
        (Some(cache), _) if code.len() >= WORTH_IT => Ok(cache.map(|cache| cache.to_vec()).unwrap_or_default()),
        (Some(_), _) | (None, None) => Ok(Vec::new()),
        (None, Some(exception)) => {
            let line = scope.message().and_then(|message| message.get_line_number(scope)).unwrap_or(1);
            Err((exception.to_rust_string_lossy(scope), u32::try_from(line).unwrap_or(u32::MAX)))
        }
    }
}

fn of_module(
    scope: &mut v8::PinScope<'_, '_>,
    file: &str,
    code: &[u8],
) -> Option<Option<v8::UniqueRef<v8::CachedData<'static>>>> {
    let name = v8::String::new(scope, url_of(file)?.as_str())?;
    let code = v8::String::new_from_utf8(scope, code, v8::NewStringType::Normal)?;
    let origin = v8::ScriptOrigin::new(scope, name.into(), 0, 0, false, 0, None, false, false, true, None);
    let mut source = Source::new(code, Some(&origin));
    let module = compile_module2(scope, &mut source, CompileOptions::EagerCompile, NoCacheReason::NoReason)?;
    Some(module.get_unbound_module_script(scope).create_code_cache())
}
