//! Reads the source itself: which part may import which, what stays absent where, and how large things get.
//!
//! Each rule is a function from files to complaints, so that a fixture of a few lines can show that it fires.

mod fixtures;
mod lexer;
mod rules;

use std::path::{Path, PathBuf};

use rules::{SourceFile, TABLE};

/// Folders and files that are not the project's own text.
const SKIPPED: [&str; 7] = [".git", "target", "node_modules", "third_party", "Cargo.lock", "package-lock.json", "LICENSE"];

/// Where `make run` keeps its data; a folder of that name further down is a part of the project.
const DATA: &str = "data";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file below a folder, by its path from the root.
fn files(below: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    walk(&root().join(below), &mut |path| {
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let path = path.strip_prefix(root()).expect("it is below the root").to_string_lossy().into_owned();
        found.push(SourceFile { path, text });
    });
    assert!(!found.is_empty(), "there is nothing below {below:?}");
    found
}

fn rust_files(below: &str) -> Vec<SourceFile> {
    files(below).into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) || path == root().join(DATA) {
            continue;
        }
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

#[track_caller]
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_import_is_in_the_table() {
    assert_none(&rules::imports(&rust_files("src")));
}

#[test]
fn the_import_table_has_no_cycle_and_no_unknown_part() {
    assert_none(&rules::table_faults(TABLE));
}

#[test]
fn what_has_a_home_is_found_nowhere_else() {
    assert_none(&rules::strays(&rust_files("src")));
}

#[test]
fn files_begin_with_their_documentation_and_stay_small() {
    assert_none(&rules::undocumented(&[rust_files("src"), rust_files("tests")].concat()));
    assert_none(&rules::sizes(&rust_files("src")));
    assert_none(&rules::crowded(&rust_files("src")));
}

#[test]
fn tests_wait_for_what_happens_and_not_for_time_to_pass() {
    assert_none(&rules::sleeps(&rust_files("tests")));
}

#[test]
fn migrations_are_the_same_on_both_databases() {
    assert_none(&rules::migrations(&files("migrations")));
}

#[test]
fn nothing_is_left_undone_and_no_machine_is_named() {
    assert_none(&rules::leftovers(&files("")));
}
