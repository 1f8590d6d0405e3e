//! What of a site or a route is about files: a folder and how its names are found.

use std::path::PathBuf;

use crate::config::tables::Field;

/// A folder's files, as a site or a route serves them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files {
    pub root: Option<PathBuf>,
    /// The files that stand for a folder, the first that is there.
    pub index: Vec<String>,
    /// The file that stands for every path that is not there: a single-page app's.
    pub fallback: Option<String>,
    /// Whether a folder without such a file is listed.
    pub listing: bool,
}

/// A table that has [`Files`].
pub trait HasFiles: 'static {
    fn files(&mut self) -> &mut Files;
}

/// The fields of [`Files`] in a table of the kind `T`.
pub(super) struct FilesOf<T>(std::marker::PhantomData<T>);

impl<T: HasFiles> FilesOf<T> {
    pub(super) const FIELDS: &'static [Field<T>] = &[
        Field {
            key: "root",
            default: "",
            meaning: "The folder whose files are served.",
            allowed: "a path to a folder that exists",
            set: |table, raw| {
                let root = PathBuf::from(raw.text()?);
                root.is_dir().then(|| table.files().root = Some(root))
            },
        },
        Field {
            key: "index",
            default: "index.html",
            meaning: "The files that stand for a folder: the first that is there.",
            allowed: "a file's name that does not begin with a dot, or a list of them",
            set: |table, raw| {
                let name = |name: &str| (!name.contains('/') && !name.starts_with('.')).then(|| name.to_owned());
                raw.each(|raw| name(raw.text()?)).map(|names| table.files().index = names)
            },
        },
        Field {
            key: "fallback",
            default: "",
            meaning: "The file that answers every path at which there is none, as single-page apps need it; a name with an extension is \
                      answered so only to browsers that ask for a page.",
            allowed: "a path that begins with /, such as /index.html",
            set: |table, raw| {
                let path = raw.text().filter(|path| path.starts_with('/'))?;
                table.files().fallback = Some(path.to_owned());
                Some(())
            },
        },
        Field {
            key: "listing",
            default: "false",
            meaning: "Whether a folder without an index is answered with a list of what is in it.",
            allowed: "true or false",
            set: |table, raw| raw.flag().map(|flag| table.files().listing = flag),
        },
    ];
}
