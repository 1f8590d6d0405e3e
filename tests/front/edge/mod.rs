//! Where clients meet the server: reload, TLS, what is seen, and clients that mean harm.

mod authority;
mod client;
mod floods;
mod h2;
mod pki;
mod raw;
mod redirect;
mod reload;
mod seen;
mod slow;
mod smuggling;
mod stop;
mod tls;

use std::time::Duration;

use serde_json::Value;

use crate::support::{TestApp, eventually};

/// A generous time for what takes moments.
const SOON: Duration = Duration::from_secs(20);

/// The addresses of the further listeners, in the order they are configured.
async fn listeners(app: &TestApp) -> Vec<String> {
    let status = app.service().get("/admin/v1/status").await.assert_status(200).json();
    let listed = status["listeners"].as_array().expect("a list").iter().skip(1);
    listed.map(|listener| listener["address"].as_str().expect("an address").to_owned()).collect()
}

/// The line of the access log (as JSON) about a path.
async fn access_line(app: &TestApp, path: &str) -> Value {
    let find = || {
        let log = app.server().log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["path"] == path)
    };
    eventually(&format!("the line of the access log about {path}"), SOON, async || find()).await
}
