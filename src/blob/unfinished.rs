//! What a crash leaves of a blob that was being stored: a file beside the place it was to go to, which no listing shows.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Removes such files in a folder and its sub-folders when nothing was written to them for so long; gives how many.
pub(super) fn remove(folder: &Path, untouched: Duration) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another may remove or finish it in this moment.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            removed += remove(&entry.path(), untouched)?;
        } else if is_unfinished(&entry.file_name().to_string_lossy()) {
            let age = metadata.modified()?.elapsed().unwrap_or_default();
            removed += usize::from(age >= untouched && fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(removed)
}

/// Whether a file is called as the store calls what it has not finished: the blob's name, `#` and a number. No key has a `#`.
fn is_unfinished(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
