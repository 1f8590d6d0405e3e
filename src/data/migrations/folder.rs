//! The folder that an app keeps its migrations in, as Supabase's command line makes it.

use std::fs::{self, DirEntry, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::file::{FileFault, Migration, file_name, in_order};
use crate::data::migrate::MAX_TEXT_BYTES;
use crate::types::Timestamp;

/// Rows to begin with, which are no migration.
const SEED: &str = "seed.sql";

/// Reads a folder's migrations, in order. Files of other kinds, hidden ones, folders and `seed.sql` are passed over.
///
/// # Errors
///
/// Everything that is wrong with its files: names, sizes, versions that are there twice, what cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Migration>, Vec<FileFault>> {
    let unreadable =
        |err: io::Error| vec![FileFault::new(folder.display().to_string(), format!("the folder cannot be read: {err}"))];
    let mut migrations = Vec::new();
    let mut faults = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        match migration(&entry.map_err(unreadable)?) {
            Ok(found) => migrations.extend(found),
            Err(fault) => faults.push(fault),
        }
    }
    let ordered = match in_order(migrations) {
        Ok(ordered) => ordered,
        Err(more) => {
            faults.extend(more);
            Vec::new()
        }
    };
    faults.sort_by(|a, b| a.file.cmp(&b.file));
    if faults.is_empty() { Ok(ordered) } else { Err(faults) }
}

/// One entry of the folder; `None` when it is no migration.
fn migration(entry: &DirEntry) -> Result<Option<Migration>, FileFault> {
    let shown = entry.file_name().to_string_lossy().into_owned();
    let Some(stem) = shown.strip_suffix(".sql").filter(|_| !shown.starts_with('.') && shown != SEED) else { return Ok(None) };
    let fault = |message: String| FileFault::new(shown.clone(), message);
    let unreadable = |err: io::Error| fault(format!("cannot be read: {err}"));
    let metadata = fs::metadata(entry.path()).map_err(unreadable)?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let badly_named =
        || fault("is not named <version>_<name>.sql, such as 20260101000000_teams.sql; rename it, or move it away".to_owned());
    let (version, name) = stem.split_once('_').ok_or_else(badly_named)?;
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) || entry.file_name().to_str().is_none() {
        return Err(badly_named());
    }
    // A file that is far too long is not read at all.
    if metadata.len() > MAX_TEXT_BYTES as u64 {
        let message =
            format!("has {} bytes, and a migration has at most {MAX_TEXT_BYTES}; split it into several", metadata.len());
        return Err(fault(message));
    }
    let bytes = fs::read(entry.path()).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| fault("is not text in UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
    Migration::new(version, name, text).map(Some).map_err(fault)
}

/// Makes an empty migration that comes after all that are there, and the folder where it is not there yet. Gives its path.
///
/// # Errors
///
/// A name that makes no file, and what the file system says.
pub fn new_file(folder: &Path, name: &str, now: Timestamp) -> Result<PathBuf, String> {
    let name = name.trim().replace(char::is_whitespace, "_");
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return Err("a migration's name has letters, digits, '_' and '-', such as add_teams".to_owned());
    }
    let cannot = |path: &Path, err: io::Error| format!("{} cannot be made: {err}", path.display());
    fs::create_dir_all(folder).map_err(|err| cannot(folder, err))?;
    let there = read(folder).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let stamp = now.to_chrono().format("%Y%m%d%H%M%S").to_string();
    let next = there.last().map_or(0, |last| last.number.saturating_add(1));
    let version = stamp.parse::<i64>().unwrap_or(0).max(next).to_string();
    let migration = Migration::new(&version, &name, String::new())?;
    let path = folder.join(file_name(&migration.version, &migration.name));
    OpenOptions::new().write(true).create_new(true).open(&path).map_err(|err| cannot(&path, err))?;
    Ok(path)
}
