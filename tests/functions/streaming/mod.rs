//! Bodies that are not whole: a response is read as it is written, a request arrives as it is sent, and neither outruns the other.

mod lambda;
mod request;
mod response;

use std::cell::Cell;
use std::time::Duration;

use crate::support::{TestApp, eventually};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The texts of a function's log.
pub(super) async fn log_of(app: &TestApp, name: &str) -> Vec<String> {
    let logs = app.service().get(&format!("/admin/v1/functions/{name}/logs?limit=1000")).await.json();
    let entries = logs["entries"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits until a line of a function's log has this text, and gives the line.
pub(super) async fn logged(app: &TestApp, name: &str, text: &str) -> String {
    eventually(&format!("a line with {text:?}"), PATIENCE, async || {
        log_of(app, name).await.into_iter().find(|line| line.contains(text))
    })
    .await
}

/// Waits until a number that `probe` gives has not changed for a while, and gives it.
pub(super) async fn settled(what: &str, probe: impl AsyncFn() -> usize) -> usize {
    let (last, same) = (Cell::new(usize::MAX), Cell::new(0));
    eventually(what, PATIENCE, async || {
        let number = probe().await;
        same.set(if last.replace(number) == number { same.get() + 1 } else { 0 });
        (same.get() >= 20).then_some(number)
    })
    .await
}
