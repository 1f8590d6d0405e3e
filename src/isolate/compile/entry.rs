//! Which file of a package the handler is in.

use super::graph::{CODE, Files};
use super::handler::{malformed, split};
use crate::isolate::modules::resolve::MANIFEST;

/// What messages about a package as a whole are said of.
pub(super) const PACKAGE: &str = "package";

/// Finds the file of `src/app.handler` (`src/app` with one of code's extensions) or, when no handler is asked for, `index` or what
/// `package.json` calls `main`, or the only file there is.
///
/// # Errors
/// What is missing, and what to do.
pub(super) fn find(handler: Option<&str>, files: &Files<'_>) -> Result<String, String> {
    let stem = match (handler, files.keys().collect::<Vec<_>>().as_slice()) {
        (Some(handler), _) => split(handler).ok_or_else(|| malformed(handler))?.0,
        (None, [only]) => return Ok((**only).to_owned()),
        (None, _) => match main(files) {
            Some(main) => return Ok(main),
            None => "index",
        },
    };
    with_extension(stem, files).ok_or_else(|| {
        let folders: Vec<&str> = files.keys().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
        let hint = match folders.first() {
            Some(first) if folders.len() == files.len() && folders.iter().all(|folder| folder == first) => {
                format!("; every file is in the folder {first:?}: zip its contents, not the folder")
            }
            _ => String::new(),
        };
        format!("there is no {stem}.js, .mjs, .cjs, .ts, .mts, .cts, .tsx or .jsx in the package{hint}")
    })
}

fn with_extension(stem: &str, files: &Files<'_>) -> Option<String> {
    CODE.iter().map(|extension| format!("{stem}.{extension}")).find(|file| files.contains_key(file.as_str()))
}

fn main(files: &Files<'_>) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_slice(files.get(MANIFEST)?).ok()?;
    let main = manifest.get("main")?.as_str()?.trim_start_matches("./");
    if files.contains_key(main) { Some(main.to_owned()) } else { with_extension(main, files) }
}
