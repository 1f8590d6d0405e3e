//! Paths and names in them: a path that is looked up stays below its root, and a function's name is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::front::untrusted::path;
use plinth::functions::api::name_in;
use plinth::types::FunctionName;

fuzz_target!(|raw: &str| {
    if let Some(name) = path(raw) {
        assert!(!name.starts_with('/') && !name.contains('\0') && name.split('/').all(|part| part != ".."));
    }
    if let Ok(name) = name_in(raw).parse::<FunctionName>() {
        assert!(!name.as_str().is_empty() && name.as_str().len() <= 64);
    }
});
