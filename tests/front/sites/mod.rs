//! Sites: hosts, routes, what holds for their answers, and who is let in.

mod compression;
mod files;
mod functions;
mod hosts;
mod paths;
mod redirects;
mod routes;
mod rules;

use std::path::Path;

use super::{RawAnswer, raw, write};
use crate::support::TestApp;

/// A server with these sites (TOML, in which `ROOT` is a folder that `fill` filled).
async fn sites(config: &str, fill: impl FnOnce(&Path)) -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let app = TestApp::start_with(&config.replace("ROOT", folder.path().to_str().unwrap())).await;
    (app, folder)
}

/// A GET of a target that is sent exactly as it is here.
fn raw_get(app: &TestApp, host: &str, target: &str) -> RawAnswer {
    raw(app, &format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"))
}
