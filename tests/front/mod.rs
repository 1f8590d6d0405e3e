//! The front. Here the static site: what is served, what is refused, and what a client's conditions leave of it.

mod balance;
mod builtin;
mod changes;
mod conditions;
mod edge;
mod encodings;
mod files;
mod proxy;
mod refusals;
mod sites;
mod untrusted;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

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

/// An answer as it was on the wire.
struct RawAnswer {
    status: u16,
    text: String,
}

/// Sends these bytes on a connection of their own, and reads until the server closes it.
fn raw(app: &TestApp, request: &str) -> RawAnswer {
    let mut stream = TcpStream::connect(app.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    RawAnswer { status: status.unwrap_or_else(|| panic!("no answer to {request:?}: {text:?}")), text }
}
