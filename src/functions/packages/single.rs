//! The one file of a zip that holds one file.

use std::io::{Cursor, Read};

use super::super::error::{Error, Result};
use crate::isolate::protocol::Language;

/// Names the file may have, and what is in it then.
const ENTRIES: [(&str, Language); 4] = [
    ("index.js", Language::JavaScript),
    ("index.mjs", Language::JavaScript),
    ("index.cjs", Language::JavaScript),
    ("index.ts", Language::TypeScript),
];

/// The file's name, language and content, which may have `limit` bytes.
pub(in crate::functions) fn read(zip: &[u8], limit: usize) -> Result<(&'static str, Language, Vec<u8>)> {
    let refused = |message: &str| Error::Invalid { field: "Code.ZipFile".to_owned(), message: message.to_owned() };
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).map_err(|_| refused("is not a zip archive"))?;
    for (name, language) in ENTRIES {
        let Ok(file) = archive.by_name(name) else { continue };
        let mut content = Vec::new();
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(bound).read_to_end(&mut content).map_err(|_| refused("holds a damaged file"))?;
        if content.len() > limit {
            return Err(refused("holds a file over the limit"));
        }
        return Ok((name, language, content));
    }
    Err(refused("holds none of index.js, index.mjs, index.cjs and index.ts"))
}
