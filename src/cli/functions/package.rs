//! What `plinth functions deploy` sends: a file as it is, or a folder as a zip.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::answer::{escaped, text};
use crate::cli::say;
use crate::cli::target::Target;

/// The file with a function's configuration, in its folder.
const CONFIG: &str = "plinth.json";

/// The most that a folder's files may have together, in bytes, so that the wrong folder is not read for minutes.
const MOST: u64 = 1024 * 1024 * 1024;

/// A deployment.
pub(super) struct Package {
    name: String,
    content_type: &'static str,
    source: Vec<u8>,
    /// The configuration as JSON; `None` for the defaults.
    config: Option<String>,
}

impl Package {
    /// Uploads it, and says where it is.
    pub(super) async fn deploy(self, target: &Target) -> Result<(), String> {
        let Self { name, content_type, source, config } = self;
        let mut request = target.request(Method::PUT, &format!("/functions/{}", escaped(&name)));
        if let Some(config) = &config {
            request = request.header("x-plinth-config", config);
        }
        let answer = target.send(request.header("content-type", content_type).body(source)).await?;
        let (url, revision) = (text(&answer, "url"), text(&answer, "version"));
        say(format_args!("deployed {name} ({} bytes) as revision {revision}: {url}", answer["size_bytes"]));
        Ok(())
    }

    /// Reads a file or a folder. Of a folder all files go into a zip but those whose names begin with a dot, and links.
    ///
    /// # Errors
    /// What cannot be read or is not a function.
    pub(super) fn read(path: &Path, name: Option<&str>, config: Option<&str>) -> Result<Self, String> {
        let is_folder = path.is_dir();
        let content_type = if is_folder { "application/zip" } else { content_type(path)? };
        let own_name = if is_folder {
            path.canonicalize().ok().and_then(|path| path.file_name().map(ToOwned::to_owned))
        } else {
            path.file_stem().map(ToOwned::to_owned)
        };
        let name = name.map(ToOwned::to_owned).or_else(|| own_name?.into_string().ok());
        let name = name.ok_or_else(|| format!("{} gives no name; say one with --name", path.display()))?;
        let source = if is_folder { zipped(path)? } else { fs::read(path).map_err(|err| cannot_read(path, &err))? };
        let beside = path.join(CONFIG);
        let config = match config {
            Some(config) => Some(config.to_owned()),
            None if is_folder && beside.is_file() => {
                let text = fs::read_to_string(&beside).map_err(|err| cannot_read(&beside, &err))?;
                let json: Value = serde_json::from_str(&text).map_err(|err| format!("{}: {err}", beside.display()))?;
                Some(json.to_string())
            }
            None => None,
        };
        Ok(Self { name, content_type, source, config })
    }
}

fn content_type(file: &Path) -> Result<&'static str, String> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("ts" | "mts") => Ok("application/typescript"),
        Some("js" | "mjs" | "cjs") => Ok("text/javascript"),
        Some("zip") => Ok("application/zip"),
        _ => Err(format!("{} is neither JavaScript (.js, .mjs, .cjs) nor TypeScript (.ts, .mts) nor a .zip", file.display())),
    }
}

fn zipped(folder: &Path) -> Result<Vec<u8>, String> {
    let mut files = Vec::new();
    list(folder, "", &mut files)?;
    files.sort();
    let total: u64 = files.iter().filter_map(|(_, path)| fs::metadata(path).ok()).map(|file| file.len()).sum();
    if total > MOST {
        return Err(format!("{} holds {total} bytes, which is no function", folder.display()));
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, path) in files {
        let content = fs::read(&path).map_err(|err| cannot_read(&path, &err))?;
        // One date for all, so that the same files make the same zip.
        let entry = zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o644));
        entry.map_err(|err| err.to_string())?;
        zip.write_all(&content).map_err(|err| err.to_string())?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|err| err.to_string())
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|err| cannot_read(folder, &err))? {
        let entry = entry.map_err(|err| cannot_read(folder, &err))?;
        let kind = entry.file_type().map_err(|err| cannot_read(&entry.path(), &err))?;
        let name = entry.file_name().into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?;
        if name.starts_with('.') || (prefix.is_empty() && name == CONFIG) {
            continue;
        }
        let name = format!("{prefix}{name}");
        if kind.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, err: &std::io::Error) -> String {
    format!("{} cannot be read: {err}", path.display())
}
