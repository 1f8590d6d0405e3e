//! The modules a function is made of: from its entry along everything they ask for by name.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::diagnostics::{MOST, Places, whole_file};
use super::source::{self, Default, extension};
use super::survey::{Request, Survey};
use crate::isolate::modules::builtins::{BUILTINS, PLATFORM, is_builtin, is_whole_name};
use crate::isolate::modules::resolve::{MANIFEST, ROOT, Resolver};
use crate::isolate::protocol::{Diagnostic, Link, ModuleKind};

/// Node's modules that are not here, since they reach out of the sandbox or have not been made.
const ABSENT: &[&str] = &[
    "child_process",
    "cluster",
    "dgram",
    "dns",
    "domain",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "net",
    "readline",
    "repl",
    "sea",
    "sqlite",
    "test",
    "tls",
    "trace_events",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// The extensions code may have.
pub(super) const CODE: [&str; 8] = ["js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx"];

/// The folder of other people's packages.
const PACKAGES: &str = "node_modules/";

/// A module, and what is in it.
pub(super) struct Drafted {
    pub(super) file: String,
    pub(super) kind: ModuleKind,
    pub(super) code: Vec<u8>,
    pub(super) map: Vec<u8>,
    pub(super) links: Vec<Link>,
    pub(super) survey: Option<Survey>,
}

/// The files of a package, by their paths.
pub(super) type Files<'b> = BTreeMap<&'b str, &'b [u8]>;

/// Walks from module to module.
pub(super) struct Graph<'b> {
    files: &'b Files<'b>,
    resolver: Resolver,
    is_archive: bool,
    found: Vec<Drafted>,
    /// Files found, whether they are read yet or not.
    known: HashSet<String>,
    waiting: Vec<String>,
    diagnostics: Vec<Diagnostic>,
    /// What each folder's `package.json` says of `.js` files.
    defaults: HashMap<String, Default>,
}

impl<'b> Graph<'b> {
    pub(super) fn new(files: &'b Files<'b>, is_archive: bool) -> Self {
        let resolver = Resolver::new(files.iter().map(|(path, content)| (*path, *content)));
        Self {
            files,
            resolver,
            is_archive,
            found: Vec::new(),
            known: HashSet::new(),
            waiting: Vec::new(),
            diagnostics: Vec::new(),
            defaults: HashMap::new(),
        }
    }

    /// Every module that is reached from the entry, the entry first; and, where a name only shows at run time, the function's own
    /// other files.
    ///
    /// # Errors
    /// What is wrong in any of them, and what they ask for in vain; at most [`MOST`] things.
    pub(super) fn walk(mut self, entry: &str) -> Result<Vec<Drafted>, Vec<Diagnostic>> {
        self.want(entry.to_owned());
        self.read_waiting();
        if !self.diagnostics.is_empty() {
            self.diagnostics.truncate(MOST);
            return Err(self.diagnostics);
        }
        let is_computed = |module: &Drafted| module.survey.as_ref().is_some_and(|survey| survey.is_computed);
        if self.found.iter().any(|module| is_computed(module) && !module.file.contains(PACKAGES)) {
            let own = self.files.keys().filter(|path| !path.contains(PACKAGES) && is_module(path));
            own.for_each(|path| {
                if self.known.insert((*path).to_owned()) {
                    self.waiting.push((*path).to_owned());
                }
            });
            self.read_waiting();
            // These may never be asked for: what is wrong with them shows if they are.
            self.diagnostics.clear();
        }
        Ok(self.found)
    }

    fn want(&mut self, file: String) {
        if self.known.insert(file.clone()) {
            self.waiting.push(file);
        }
    }

    fn read_waiting(&mut self) {
        while let Some(file) = self.waiting.pop()
            && self.diagnostics.len() < MOST
        {
            match self.read(&file) {
                Ok(module) => self.found.push(module),
                Err(diagnostics) => self.diagnostics.extend(diagnostics),
            }
        }
    }

    fn read(&mut self, file: &str) -> Result<Drafted, Vec<Diagnostic>> {
        let content = self.files.get(file).copied().unwrap_or_default();
        let plain = |kind| Drafted {
            file: file.to_owned(),
            kind,
            code: content.to_vec(),
            map: Vec::new(),
            links: Vec::new(),
            survey: None,
        };
        match extension(file) {
            "json" => match serde_json::from_slice::<serde::de::IgnoredAny>(content) {
                Ok(_) => Ok(plain(ModuleKind::Json)),
                Err(error) => Err(vec![whole_file(file, format!("is not valid JSON: {error}"))]),
            },
            "wasm" if content.starts_with(b"\0asm") => Ok(plain(ModuleKind::Wasm)),
            "wasm" => Err(vec![whole_file(file, "is not a WebAssembly module".to_owned())]),
            other if CODE.contains(&other) => self.read_code(file, content),
            _ => {
                let message = "cannot be imported: code, JSON and WebAssembly can".to_owned();
                Err(vec![whole_file(file, message)])
            }
        }
    }

    fn read_code(&mut self, file: &str, content: &[u8]) -> Result<Drafted, Vec<Diagnostic>> {
        let text =
            std::str::from_utf8(content).map_err(|error| vec![whole_file(file, format!("the source is not UTF-8: {error}"))])?;
        let default = self.default_of(file);
        let read = source::read(file, text, default)?;
        let places = Places::new(file, text);
        let mut links = Vec::new();
        for request in &read.survey.requests {
            match self.target(file, request) {
                Ok(Some(target)) => {
                    let link = Link { name: request.name.clone(), by: request.by, file: target.clone() };
                    if !links.contains(&link) {
                        links.push(link);
                    }
                    if !is_whole_name(&target) {
                        self.want(target);
                    }
                }
                Ok(None) => {}
                Err(message) => self.diagnostics.push(places.at(request.span.start, message)),
            }
        }
        let map = if read.map.is_empty() { self.map_beside(file, text) } else { read.map.into_bytes() };
        let kind = if read.is_common_js { ModuleKind::CommonJs } else { ModuleKind::Module };
        Ok(Drafted { file: file.to_owned(), kind, code: read.code.into_bytes(), map, links, survey: Some(read.survey) })
    }

    /// The file or the built-in module a request means; `None` for what is not there but was asked for with care.
    fn target(&self, file: &str, request: &Request) -> Result<Option<String>, String> {
        let name = request.name.as_str();
        if let Some(builtin) = is_builtin(name) {
            return Ok(Some(builtin.to_owned()));
        }
        let found = match absent(name) {
            Some(why) => Err(why),
            None => self.resolver.resolve(name, file, request.by).map_err(|message| {
                if self.is_archive {
                    message
                } else {
                    format!("{message}: a function is one file; bundle what it imports, or upload a zip")
                }
            }),
        };
        match found {
            Ok(target) => Ok(Some(target)),
            Err(_) if request.is_guarded => Ok(None),
            Err(message) => Err(message),
        }
    }

    /// What the nearest `package.json` says of `.js` files.
    fn default_of(&mut self, file: &str) -> Default {
        let folder = file.rfind('/').map_or("", |slash| &file[..slash]);
        if let Some(known) = self.defaults.get(folder) {
            return *known;
        }
        let manifest = if folder.is_empty() { MANIFEST.to_owned() } else { format!("{folder}/{MANIFEST}") };
        let says = |content: &&[u8]| {
            let json: serde_json::Value = serde_json::from_slice(content).ok()?;
            json.get("type")?.as_str().map(ToOwned::to_owned)
        };
        let default = match self.files.get(manifest.as_str()) {
            Some(content) => match says(content).as_deref() {
                Some("module") => Default::Module,
                Some("commonjs") => Default::CommonJs,
                _ => Default::Unsaid,
            },
            // What a package says is said of that package alone.
            None if folder.is_empty() || folder.ends_with(PACKAGES.trim_end_matches('/')) => Default::Unsaid,
            None => self.default_of(folder),
        };
        self.defaults.insert(folder.to_owned(), default);
        default
    }

    /// The source map that a bundler left beside its output and named in the last line.
    fn map_beside(&self, file: &str, text: &str) -> Vec<u8> {
        let named = text.trim_end().lines().next_back().and_then(|line| line.strip_prefix("//# sourceMappingURL="));
        let Some(name) = named.filter(|name| !name.starts_with("data:")) else { return Vec::new() };
        let folder = file.rfind('/').map_or("", |slash| &file[..=slash]);
        let map = self.files.get(format!("{folder}{}", name.trim().trim_start_matches("./")).as_str());
        map.and_then(|map| with_absolute_sources(map, folder)).unwrap_or_default()
    }
}

/// A source map whose sources have whole addresses, without which their names are not shown; `None` when it is not JSON.
fn with_absolute_sources(map: &[u8], folder: &str) -> Option<Vec<u8>> {
    let mut map: serde_json::Value = serde_json::from_slice(map).ok()?;
    let base = deno_core::ModuleSpecifier::parse(ROOT).ok()?.join(folder).ok()?;
    let root = map.get("sourceRoot").and_then(|root| root.as_str()).unwrap_or_default().to_owned();
    for source in map.get_mut("sources")?.as_array_mut()? {
        if let Some(address) = source.as_str().and_then(|name| base.join(&root).ok()?.join(name).ok()) {
            *source = serde_json::Value::from(String::from(address));
        }
    }
    map.as_object_mut()?.remove("sourceRoot");
    serde_json::to_vec(&map).ok()
}

/// Whether a file may be a module.
pub(super) fn is_module(path: &str) -> bool {
    let extension = extension(path);
    CODE.contains(&extension) || matches!(extension, "json" | "wasm")
}

/// Why a module of this name cannot be had at all.
fn absent(name: &str) -> Option<String> {
    if let Some((scheme @ ("http" | "https" | "npm" | "jsr" | "data" | "blob"), _)) = name.split_once(':') {
        return Some(format!(
            "cannot import {name:?}: modules come from the package alone, not from {scheme}:; bundle it, or put it into node_modules"
        ));
    }
    if name.starts_with(PLATFORM) {
        let known: Vec<&str> = BUILTINS.iter().copied().filter(|known| known.starts_with(PLATFORM)).collect();
        return Some(format!("there is no module {name:?}; there are {}", known.join(", ")));
    }
    let plain = name.strip_prefix("node:").unwrap_or(name);
    let first = plain.split('/').next().unwrap_or(plain);
    (name != plain || ABSENT.contains(&first)).then(|| format!("Node's module \"node:{plain}\" is not available to functions"))
}

/// The names a `CommonJS` module exports, and those it passes on.
pub(super) fn exports_of(modules: &[Drafted], at: usize) -> Vec<String> {
    let by_file: HashMap<&str, usize> = modules.iter().enumerate().map(|(at, module)| (module.file.as_str(), at)).collect();
    let (mut names, mut seen, mut waiting) = (Vec::new(), HashSet::new(), vec![at]);
    while let Some(at) = waiting.pop() {
        let Some(module) = modules.get(at).filter(|_| seen.insert(at)) else { continue };
        let Some(survey) = &module.survey else { continue };
        for name in survey.assigned() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let target =
            |name: &String| module.links.iter().find(|link| link.name == *name).and_then(|link| by_file.get(link.file.as_str()));
        waiting.extend(survey.passed_on.iter().filter_map(target));
    }
    names
}
