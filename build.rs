//! Puts the JavaScript of deno's web crates into the binary.
//!
//! Those crates name their scripts by the path they had on the machine that compiled them, and expect a snapshot made there. Plinth
//! makes its snapshot where it runs, so the scripts travel inside: this writes `web_sources.rs`, which `isolate::extensions` includes.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to a build script through the environment")]

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates whose scripts the worker runs; their names are the extensions' names too.
const CRATES: [&str; 4] = ["deno_webidl", "deno_web", "deno_fetch", "deno_crypto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let metadata = metadata()?;
    let mut generated = String::from("&[\n");
    for name in CRATES {
        let folder = folder_of(&metadata, name)?;
        for file in scripts(&folder)? {
            let file_name = file.file_name().and_then(|name| name.to_str()).ok_or("a script without a name")?;
            // As a string of Rust, with what is special in it escaped.
            let path = file.to_str().ok_or("a script at a path that is not text")?.escape_default();
            writeln!(generated, "    (\"ext:{name}/{file_name}\", deno_core::ascii_str_include!(\"{path}\")),")?;
        }
    }
    generated.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("web_sources.rs"), generated)?;
    Ok(())
}

/// What cargo knows of this target's packages, as JSON. They are unpacked already, or this would not be running; cargo wants the
/// packages of the tests too, which a first build has not fetched yet, so where it cannot tell offline it may fetch them.
fn metadata() -> Result<serde_json::Value, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").ok_or("CARGO is not set")?;
    let target = std::env::var("TARGET")?;
    let ask = |more: &[&str]| {
        Command::new(&cargo).args(["metadata", "--format-version", "1", "--filter-platform", &target]).args(more).output()
    };
    let mut output = ask(&["--offline"])?;
    if !output.status.success() {
        output = ask(&[])?;
    }
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn folder_of(metadata: &serde_json::Value, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let manifest = packages.iter().find(|package| package["name"] == name).and_then(|package| package["manifest_path"].as_str());
    let manifest = Path::new(manifest.ok_or_else(|| format!("cargo metadata does not list {name}"))?);
    Ok(manifest.parent().ok_or("a manifest without a folder")?.to_owned())
}

fn scripts(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
