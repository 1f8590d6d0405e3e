//! A zip as it was uploaded, unpacked in memory.
//!
//! Whoever sends it may be careless or hostile: every name is checked, what is announced is held against what comes out, and
//! nothing is written to disk.

use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

/// Entries an archive may have.
pub const MAX_ENTRIES: usize = 50_000;

/// The longest path of an entry, in bytes, and the most folders above a file.
const MAX_PATH: usize = 1024;
const MAX_DEPTH: usize = 64;

/// Manifests alone are needed of packages for what is not code.
const MANIFEST: &str = "package.json";

/// How an entry begins in the archive's directory.
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";

/// The extensions of what a function can import, and of the maps beside it.
const WANTED: [&str; 11] = ["js", "mjs", "cjs", "ts", "mts", "cts", "tsx", "jsx", "json", "wasm", "map"];

/// A file of an archive.
#[derive(Debug)]
pub struct Unpacked {
    /// Its path in the package, such as `src/index.js`.
    pub path: String,
    pub content: Vec<u8>,
}

/// Unpacks what a function can import; other files count against the limit and are left out.
///
/// # Errors
/// What is wrong with the archive, for whoever uploaded it; `max_unpacked` is the most bytes that all files may have together.
pub fn unpack(zip: &[u8], max_unpacked: u64) -> Result<Vec<Unpacked>, String> {
    // Before anything is made for each entry: there are not more entries than beginnings of entries.
    if zip.windows(DIRECTORY_ENTRY.len()).filter(|window| *window == DIRECTORY_ENTRY).count() > MAX_ENTRIES {
        return Err(format!("the archive has more than {MAX_ENTRIES} entries"));
    }
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|err| format!("the archive cannot be read: {err}"))?;
    if archive.is_empty() {
        return Err("the archive has no entries".to_owned());
    }
    let too_large = || format!("the archive has more than {max_unpacked} bytes unpacked (functions.max_unpacked)");
    let (mut files, mut total) = (Vec::new(), 0_u64);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|err| format!("entry {} cannot be read: {err}", at + 1))?;
        let path = checked_path(entry.name_raw())?;
        let refuse = |why: &str| Err(format!("{path:?}: {why}"));
        if entry.is_dir() {
            continue;
        }
        if entry.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000)) {
            return refuse("is a link or a device; an archive may hold files and folders");
        }
        if entry.encrypted() {
            return refuse("is encrypted");
        }
        if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return refuse("is compressed by another method than deflate");
        }
        let size = entry.size();
        total = total.saturating_add(size);
        if total > max_unpacked {
            return Err(too_large());
        }
        if !is_wanted(&path) {
            continue;
        }
        let mut content = Vec::new();
        // Not a byte more than announced, so that what was announced is what is held.
        let read = entry.by_ref().take(size.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|err| format!("{path:?} cannot be unpacked: {err}"))?;
        if u64::try_from(content.len()).unwrap_or(u64::MAX) != size {
            return refuse("is not as long as the archive says");
        }
        files.push(Unpacked { path, content });
    }
    Ok(files)
}

fn is_wanted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let declares_types = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end));
    let is_others_map = extension == "map" && path.contains("node_modules/");
    name == MANIFEST || (WANTED.contains(&extension) && !declares_types && !is_others_map)
}

fn checked_path(raw: &[u8]) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("{:?}: {why}", String::from_utf8_lossy(raw)));
    let Ok(path) = std::str::from_utf8(raw) else { return refuse("the name is not UTF-8") };
    if path.len() > MAX_PATH || path.matches('/').count() > MAX_DEPTH {
        return refuse(&format!("the path is longer than {MAX_PATH} bytes or deeper than {MAX_DEPTH} folders"));
    }
    if path.contains(['\\', '\0', ':']) || path.chars().any(char::is_control) {
        return refuse("the path has a backslash, a colon or a control character; separate folders by /");
    }
    let parts = path.strip_suffix('/').unwrap_or(path).split('/');
    if path.starts_with('/') || parts.clone().any(|part| matches!(part, "" | "." | "..")) {
        return refuse("the path is absolute, or has an empty part, . or ..");
    }
    Ok(path.to_owned())
}
