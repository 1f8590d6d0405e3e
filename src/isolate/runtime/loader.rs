//! Modules come from the assignment and from nowhere else.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use deno_core::{ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSpecifier, ResolutionKind};
use deno_error::JsErrorBox;

/// Where a function's files seem to lie, as on Lambda. Left out of traces.
pub(in crate::isolate) const ROOT: &str = "file:///var/task/";

/// Knows the source maps of the function's files; refuses every import.
#[derive(Default)]
pub(in crate::isolate) struct Loader {
    maps: RefCell<HashMap<String, Vec<u8>>>,
}

impl Loader {
    /// Keeps the source map of a module, to be read when a trace needs it.
    pub(in crate::isolate) fn add_map(&self, specifier: &str, map: Vec<u8>) {
        if !map.is_empty() {
            self.maps.borrow_mut().insert(specifier.to_owned(), map);
        }
    }
}

impl ModuleLoader for Loader {
    fn resolve(&self, specifier: &str, _: &str, kind: ResolutionKind) -> Result<ModuleSpecifier, JsErrorBox> {
        if kind == ResolutionKind::MainModule {
            return ModuleSpecifier::parse(specifier).map_err(JsErrorBox::from_err);
        }
        Err(JsErrorBox::generic(format!("Cannot find module '{specifier}': the function is one file, bundle what it imports")))
    }

    fn load(&self, specifier: &ModuleSpecifier, _: Option<&ModuleLoadReferrer>, _: ModuleLoadOptions) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(Err(JsErrorBox::generic(format!("Cannot find module '{specifier}'"))))
    }

    fn get_source_map(&self, file: &str) -> Option<Cow<'_, [u8]>> {
        self.maps.borrow().get(file).map(|map| Cow::Owned(map.clone()))
    }
}
