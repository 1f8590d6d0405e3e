//! Modules come from the assignment and from nowhere else.
//!
//! ES modules are V8's own. For a `CommonJS` file or a built-in module that an ES module imports, V8 gets an ES module written here
//! ([`facade`]), whose exports are read off what `require` gives. It gets at `require` by an import of its own ([`REQUIRED`]), and
//! `js/modules.js` does the requiring.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

use deno_core::{
    CustomModuleEvaluationKind, ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleSource,
    ModuleSourceCode, ModuleSpecifier, ModuleType, RequestedModuleType, ResolutionKind, SourceCodeCacheInfo, v8,
};
use deno_error::JsErrorBox;

use super::package::{Package, file_of, url_of};
use crate::isolate::modules::builtins::{is_builtin, is_whole_name};
use crate::isolate::protocol::{By, ModuleKind};

/// The kind of the module by which a facade requires, and the scheme of its address; what follows is the facade's address.
const REQUIRED: &str = "plinth-required";

/// Finds the modules of the package, once there is one.
#[derive(Default)]
pub(in crate::isolate) struct Loader {
    package: OnceCell<Package>,
    /// `bridge(name, isBuiltin)` of `js/modules.js`, once the isolate is up.
    bridge: RefCell<Option<v8::Global<v8::Function>>>,
    /// What the built-in modules export that the package asks for.
    builtins: RefCell<HashMap<String, Vec<String>>>,
}

impl Loader {
    /// Takes the function's modules; they stay for life.
    pub(in crate::isolate) fn take(&self, package: Package) {
        let _ = self.package.set(package);
    }

    pub(in crate::isolate) fn package(&self) -> Option<&Package> {
        self.package.get()
    }

    pub(in crate::isolate) fn set_bridge(&self, bridge: v8::Global<v8::Function>) {
        *self.bridge.borrow_mut() = Some(bridge);
    }

    /// Tells what built-in modules export.
    pub(in crate::isolate) fn set_builtins(&self, exports: HashMap<String, Vec<String>>) {
        *self.builtins.borrow_mut() = exports;
    }

    /// What a name means in a file: a built-in module's name, or the path of a file.
    pub(in crate::isolate) fn find(&self, name: &str, referrer: &str, by: By) -> Result<String, String> {
        if let Some(builtin) = is_builtin(name) {
            return Ok(builtin.to_owned());
        }
        let package = self.package.get().ok_or("there is no package")?;
        package.resolve(name, referrer, by).map(Cow::into_owned)
    }

    fn source(&self, specifier: &ModuleSpecifier, options: &ModuleLoadOptions) -> Result<ModuleSource, JsErrorBox> {
        let text =
            |kind: ModuleType, code: String| ModuleSource::new(kind, ModuleSourceCode::String(code.into()), specifier, None);
        let script = |code: String| text(ModuleType::JavaScript, code);
        match specifier.scheme() {
            "node" | "plinth" => {
                let builtins = self.builtins.borrow();
                let names = builtins.get(specifier.as_str()).map(Vec::as_slice).unwrap_or_default();
                return Ok(script(facade(specifier.as_str(), names)));
            }
            REQUIRED => return Ok(text(ModuleType::Other(REQUIRED.into()), specifier.path().to_owned())),
            _ => {}
        }
        let missing = || JsErrorBox::generic(format!("Cannot find module '{specifier}'"));
        let file = file_of(specifier.as_str()).ok_or_else(missing)?;
        let package = self.package.get().ok_or_else(missing)?;
        let (kind, code) = package.kind(&file).zip(package.code(&file)).ok_or_else(missing)?;
        let utf8 = || String::from_utf8_lossy(code).into_owned();
        Ok(match (kind, &options.requested_module_type) {
            (ModuleKind::Module, RequestedModuleType::None) => {
                // The cache came with the code, under one seal, so nothing is compared.
                let cache =
                    package.cache(&file).map(|data| SourceCodeCacheInfo { hash: 0, data: Some(Cow::Owned(data.to_vec())) });
                ModuleSource::new(ModuleType::JavaScript, ModuleSourceCode::String(utf8().into()), specifier, cache)
            }
            (ModuleKind::CommonJs, RequestedModuleType::None) => script(facade(specifier.as_str(), package.exports(&file))),
            (ModuleKind::Json, RequestedModuleType::Json) => text(ModuleType::Json, utf8()),
            // Bundlers let the attribute be left out.
            (ModuleKind::Json, RequestedModuleType::None) => script(format!("export default {};", utf8())),
            (_, RequestedModuleType::Text) => text(ModuleType::Text, utf8()),
            (ModuleKind::Wasm, RequestedModuleType::None) => ModuleSource::new(
                ModuleType::Wasm,
                ModuleSourceCode::Bytes(code.to_vec().into_boxed_slice().into()),
                specifier,
                None,
            ),
            (_, asked) => {
                return Err(JsErrorBox::type_error(format!("'{file}' cannot be imported as {asked}")));
            }
        })
    }

    /// The value of the module by which the facade at this address requires: a function that gives the exports.
    fn required(&self, scope: &mut v8::PinScope<'_, '_>, address: &str) -> Option<v8::Global<v8::Value>> {
        let bridge = self.bridge.borrow().clone()?;
        let file = if is_whole_name(address) { None } else { Some(file_of(address)?) };
        let arguments =
            [v8::String::new(scope, file.as_deref().unwrap_or(address))?.into(), v8::Boolean::new(scope, file.is_none()).into()];
        let undefined = v8::undefined(scope).into();
        let require = v8::Local::new(scope, bridge).call(scope, undefined, &arguments)?;
        Some(v8::Global::new(scope, require))
    }
}

/// An ES module that requires when it is evaluated, and exports what that gives: as default, and under the names.
fn facade(address: &str, names: &[String]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut code = format!(
        "import require from {} with {{ type: \"{REQUIRED}\" }};\nconst all = require();\nexport {{ all as default }};\n",
        quoted(&format!("{REQUIRED}:{address}"))
    );
    let names = names.iter().filter(|name| *name != "default").enumerate();
    for (at, name) in names {
        let name = quoted(name);
        let _ = writeln!(code, "const name{at} = all?.[{name}];\nexport {{ name{at} as {name} }};");
    }
    code
}

impl ModuleLoader for Loader {
    fn resolve(&self, specifier: &str, referrer: &str, kind: ResolutionKind) -> Result<ModuleSpecifier, JsErrorBox> {
        let is_facades = specifier.strip_prefix(REQUIRED).and_then(|rest| rest.strip_prefix(':')) == Some(referrer);
        if kind == ResolutionKind::MainModule || is_facades {
            return ModuleSpecifier::parse(specifier).map_err(JsErrorBox::from_err);
        }
        let file = file_of(referrer).unwrap_or_default();
        let found = self.find(specifier, &file, By::Import).map_err(|message| JsErrorBox::new("Error", message))?;
        let url = if is_whole_name(&found) { ModuleSpecifier::parse(&found).ok() } else { url_of(&found) };
        url.ok_or_else(|| JsErrorBox::generic(format!("Cannot find module '{specifier}'")))
    }

    fn load(
        &self,
        specifier: &ModuleSpecifier,
        _: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(self.source(specifier, &options))
    }

    fn get_source_map(&self, file: &str) -> Option<Cow<'_, [u8]>> {
        self.package.get()?.map(&file_of(file)?).map(Cow::Borrowed)
    }
}

/// The callback by which deno asks for modules that are neither code nor JSON.
pub(in crate::isolate) fn evaluate_required(loader: Rc<Loader>) -> deno_core::CustomModuleEvaluationCb {
    Box::new(move |scope, kind, _, code| match (&*kind, code) {
        (REQUIRED, ModuleSourceCode::String(address)) => loader
            .required(scope, address.as_str())
            .map(CustomModuleEvaluationKind::Synthetic)
            .ok_or_else(|| JsErrorBox::generic(format!("Cannot find module '{}'", address.as_str()))),
        _ => Err(JsErrorBox::type_error(format!("modules of the kind '{kind}' are not known"))),
    })
}
