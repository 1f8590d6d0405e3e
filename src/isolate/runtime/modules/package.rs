//! The function's modules, as the assignment brought them.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use deno_core::ModuleSpecifier;

use crate::isolate::modules::resolve::{FOLDER, Resolver};
use crate::isolate::protocol::{Bundle, By, Module, ModuleKind};

/// The modules of one function revision. Paths are those in the package, such as `src/index.js`.
#[derive(Default)]
pub(in crate::isolate) struct Package {
    /// What the bundle tells of, one after the other.
    body: Vec<u8>,
    files: HashMap<String, File>,
    /// For names that only show at run time.
    resolver: OnceCell<Resolver>,
}

/// Where a module's parts lie in the body.
struct File {
    kind: ModuleKind,
    code: Range<usize>,
    map: Range<usize>,
    cache: Range<usize>,
    exports: Vec<String>,
    links: HashMap<(By, String), String>,
}

impl Package {
    /// Takes the bundle's parts apart; `None` when they do not fit into the body.
    pub(in crate::isolate) fn new(bundle: Bundle, body: Vec<u8>) -> Option<Self> {
        let mut files = HashMap::with_capacity(bundle.modules.len());
        let mut at = 0_usize;
        for Module { file, kind, code_len, map_len, cache_len, exports, links } in bundle.modules {
            let mut part = |length: usize| {
                let end = at.checked_add(length).filter(|end| *end <= body.len())?;
                Some(std::mem::replace(&mut at, end)..end)
            };
            let (code, map, cache) = (part(code_len)?, part(map_len)?, part(cache_len)?);
            let links = links.into_iter().map(|link| ((link.by, link.name), link.file)).collect();
            files.insert(file, File { kind, code, map, cache, exports, links });
        }
        Some(Self { body, files, resolver: OnceCell::new() })
    }

    /// The file that `name` means in the file `referrer`.
    pub(in crate::isolate) fn resolve(&self, name: &str, referrer: &str, by: By) -> Result<Cow<'_, str>, String> {
        let known = self.files.get(referrer).and_then(|file| file.links.get(&(by, name.to_owned())));
        if let Some(known) = known {
            return Ok(Cow::Borrowed(known));
        }
        let resolver = self.resolver.get_or_init(|| Resolver::new(self.files.keys().map(|path| (path.as_str(), &[] as &[u8]))));
        resolver.resolve(name, referrer, by).map(Cow::Owned).map_err(|message| format!("{message} in {referrer}"))
    }

    pub(in crate::isolate) fn kind(&self, file: &str) -> Option<ModuleKind> {
        self.files.get(file).map(|file| file.kind)
    }

    pub(in crate::isolate) fn code(&self, file: &str) -> Option<&[u8]> {
        self.files.get(file).map(|file| &self.body[file.code.clone()])
    }

    /// The source map; `None` when there is none.
    pub(in crate::isolate) fn map(&self, file: &str) -> Option<&[u8]> {
        self.files.get(file).map(|file| &self.body[file.map.clone()]).filter(|map| !map.is_empty())
    }

    /// V8's code cache; `None` when there is none.
    pub(in crate::isolate) fn cache(&self, file: &str) -> Option<&[u8]> {
        self.files.get(file).map(|file| &self.body[file.cache.clone()]).filter(|cache| !cache.is_empty())
    }

    /// The names a `CommonJS` file exports, as far as its text told.
    pub(in crate::isolate) fn exports(&self, file: &str) -> &[String] {
        self.files.get(file).map(|file| file.exports.as_slice()).unwrap_or_default()
    }
}

/// The address of a file of the package.
pub(in crate::isolate) fn url_of(file: &str) -> Option<ModuleSpecifier> {
    ModuleSpecifier::from_file_path(format!("{FOLDER}/{file}")).ok()
}

/// The file an address means; `None` when it is outside of the package.
pub(in crate::isolate) fn file_of(url: &str) -> Option<String> {
    let path = ModuleSpecifier::parse(url).ok()?.to_file_path().ok()?;
    path.strip_prefix(FOLDER).ok()?.to_str().map(ToOwned::to_owned)
}
