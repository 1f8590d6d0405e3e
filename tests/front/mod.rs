//! The static site: what is served, what is refused, and what a client's conditions leave of it.

mod builtin;
mod changes;
mod conditions;
mod encodings;
mod files;
mod refusals;
mod untrusted;

use std::path::Path;

use crate::support::TestApp;

/// A server whose site is a folder that `fill` filled.
async fn site(fill: impl FnOnce(&Path)) -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let app = TestApp::start_with(&format!("[site]\nroot = {:?}", folder.path())).await;
    (app, folder)
}

fn write(root: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Bytes in which each place can be told from its neighbors.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}
