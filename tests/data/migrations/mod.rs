//! The app's own migrations: the folder, the commands, the API, the start, and what a crash leaves.

mod admin_sql;
mod api;
mod commands;
mod crash;
mod folder;
mod nodes;
mod start;
mod untrusted;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Finished, TestApp};

/// A folder of migrations.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (name, text) in files {
            folder.put(name, text);
        }
        folder
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("the file is written");
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).expect("the file is removed");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn text(&self) -> String {
        self.path().display().to_string()
    }
}

/// Three that build on each other.
const THREE: [(&str, &str); 3] = [
    ("20260101000000_a.sql", "create table a (id int primary key);\ninsert into a values (1);\n"),
    ("20260102000000_b.sql", "create table b (id int primary key, a int not null references a);\ninsert into b values (1, 1);\n"),
    ("20260103000000_c.sql", "alter table a add column name text not null default 'x';\nupdate a set name = 'y';\n"),
];

/// `plinth migrate up` on this folder.
fn up(app: &TestApp, folder: &Folder, more: &[&str]) -> Finished {
    app.plinth(&[&["migrate", "up", "--dir", &folder.text()], more].concat())
}

#[track_caller]
fn assert_done(finished: &Finished) -> &str {
    assert!(finished.status.success(), "{}{}", finished.stdout, finished.stderr);
    &finished.stdout
}

/// That it was refused with 65 and says all of this.
#[track_caller]
fn assert_refused(finished: &Finished, says: &[&str]) {
    assert_eq!(finished.status.code(), Some(65), "{}{}", finished.stdout, finished.stderr);
    for part in says {
        assert!(finished.stderr.contains(part), "{part:?} is not in: {}", finished.stderr);
    }
}

/// Each migration's name and state, as `plinth migrate status --json` gives them.
fn states(app: &TestApp, folder: &Folder) -> Vec<(String, String)> {
    let finished = app.plinth(&["migrate", "status", "--json", "--dir", &folder.text()]);
    let printed: Value = serde_json::from_str(assert_done(&finished)).expect("JSON");
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
    let entries = printed["migrations"].as_array().expect("an array");
    entries.iter().map(|entry| (text(entry, "name"), text(entry, "state"))).collect()
}

/// The same as one text: `a applied, b pending`.
fn status(app: &TestApp, folder: &Folder) -> String {
    states(app, folder).iter().map(|(name, state)| format!("{name} {state}")).collect::<Vec<_>>().join(", ")
}

fn example(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "examples", "team-tasks", file].iter().collect()
}
