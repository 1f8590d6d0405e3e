//! Finds a module by Node's rules among the files of one package, which are in memory: relative paths, `node_modules`, and the
//! `exports`, `imports` and `main` of `package.json`.
//!
//! Beyond Node's rules an extension may be left out, and `./x.js` may mean `./x.ts`, as TypeScript has it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use oxc_resolver::{FileMetadata, FileSystem, ResolveError, ResolveOptions, ResolverGeneric};

use crate::isolate::protocol::By;

/// The folder a function's files seem to lie in, as on Lambda.
pub(in crate::isolate) const FOLDER: &str = "/var/task";

/// The same as an address, with which the names of modules begin.
pub(in crate::isolate) const ROOT: &str = "file:///var/task/";

/// The name of the file that describes a package.
pub(in crate::isolate) const MANIFEST: &str = "package.json";

/// Answers what a specifier means in which file.
pub(in crate::isolate) struct Resolver {
    import: ResolverGeneric<Files>,
    require: ResolverGeneric<Files>,
}

impl Resolver {
    /// A resolver over these files, by their paths in the package; the text of each [`MANIFEST`] is needed, of others nothing is.
    pub(in crate::isolate) fn new<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> Self {
        let mut tree = Tree::default();
        for (path, content) in files {
            let path = Path::new(FOLDER).join(path);
            tree.folders.extend(path.ancestors().skip(1).map(Path::to_owned));
            let manifest = if path.ends_with(MANIFEST) { content.to_vec() } else { Vec::new() };
            tree.files.insert(path, manifest);
        }
        let files = Files(Arc::new(tree));
        let import = ResolverGeneric::new_with_file_system(files, options(By::Import));
        let require = import.clone_with_options(options(By::Require));
        Self { import, require }
    }

    /// The path in the package of the module that `specifier` means in the file `referrer`.
    ///
    /// # Errors
    /// Why there is none, to be shown to the function's author.
    pub(in crate::isolate) fn resolve(&self, specifier: &str, referrer: &str, by: By) -> Result<String, String> {
        let resolver = match by {
            By::Import => &self.import,
            By::Require => &self.require,
        };
        let folder = Path::new(FOLDER).join(referrer);
        let folder = folder.parent().unwrap_or(Path::new(FOLDER));
        let path = specifier.strip_prefix("file://").unwrap_or(specifier);
        let found = resolver.resolve(folder, path).map_err(|error| match error {
            ResolveError::NotFound(_) => format!("cannot find module {specifier:?}"),
            other => format!("cannot find module {specifier:?}: {}", other.to_string().replace(&format!("{FOLDER}/"), "")),
        })?;
        let inside = found.path().strip_prefix(FOLDER).ok().and_then(Path::to_str);
        inside.map(ToOwned::to_owned).ok_or_else(|| format!("cannot find module {specifier:?}: it is outside the package"))
    }
}

fn options(by: By) -> ResolveOptions {
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (condition, extensions) = match by {
        By::Import => ("import", [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".json"]),
        By::Require => ("require", [".js", ".cjs", ".json", ".ts", ".cts", ".mjs", ".mts", ".tsx", ".jsx"]),
    };
    let aliases: [(&str, &[&str]); 4] = [
        (".js", &[".js", ".ts", ".tsx", ".jsx"]),
        (".mjs", &[".mjs", ".mts"]),
        (".cjs", &[".cjs", ".cts"]),
        (".jsx", &[".jsx", ".tsx"]),
    ];
    ResolveOptions {
        cwd: Some(PathBuf::from(FOLDER)),
        condition_names: texts(&["plinth", "node", condition, "default"]),
        extensions: texts(&extensions),
        extension_alias: aliases.iter().map(|(from, to)| ((*from).to_owned(), texts(to))).collect(),
        main_fields: texts(&["main"]),
        symlinks: false,
        node_path: false,
        ..ResolveOptions::default()
    }
}

/// The files of a package. Folders are known by the files in them.
#[derive(Debug, Default)]
struct Tree {
    files: HashMap<PathBuf, Vec<u8>>,
    folders: HashSet<PathBuf>,
}

#[derive(Clone, Debug)]
struct Files(Arc<Tree>);

impl FileSystem for Files {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.files.get(&plain(path)).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(self.read(path)?).map_err(io::Error::other)
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let path = plain(path);
        let (is_file, is_folder) = (self.0.files.contains_key(&path), self.0.folders.contains(&path));
        if is_file || is_folder { Ok(FileMetadata::new(is_file, is_folder, false)) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.metadata(path)
    }

    fn read_link(&self, _: &Path) -> Result<PathBuf, ResolveError> {
        Err(ResolveError::from(io::Error::from(io::ErrorKind::InvalidInput)))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(plain(path))
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
