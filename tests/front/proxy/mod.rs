//! The reverse proxy, between real clients and real upstreams: sockets that do as a script says.

mod answers;
mod deadlines;
mod exchange;
mod failures;
mod filtering;
mod headers;
mod limits;
mod peer;
mod retries;
mod secure;
mod smuggling;
mod streaming;
mod upstream;
mod websocket;

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use crate::support::{TestApp, eventually};
use upstream::{Talk, Upstream, header};

/// A server that passes what is below `/p` on to these servers; `route` and `upstream` have further settings of each.
async fn proxied_as(servers: &[impl Display], route: &str, upstream: &str) -> TestApp {
    let servers: Vec<String> = servers.iter().map(|server| format!("{:?}", server.to_string())).collect();
    let config = format!(
        "[[sites]]\nhosts = [\"*\"]\n[[sites.routes]]\npath = \"/p\"\nupstream = \"up\"\n{route}\n\
         [[upstreams]]\nname = \"up\"\nservers = [{}]\n{upstream}\n",
        servers.join(", ")
    );
    TestApp::start_with(&config).await
}

async fn proxied(upstream: &Upstream, route: &str) -> TestApp {
    proxied_as(&[upstream.address], route, "").await
}

/// Waits until the server's log has a text: its lines are read on a thread of their own.
async fn logged(app: &TestApp, text: &str) {
    eventually(text, Duration::from_secs(10), async || app.server().log().contains(text).then_some(())).await;
}

/// Runs a future beside the test.
fn beside<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "an upstream ends with its test")]
    tokio::spawn(future)
}

/// The status of an answer's head.
fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status in {head:?}"))
}
