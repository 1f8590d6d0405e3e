//! Waiting for what happens in its own time, never longer than said.

use std::future::Future;
use std::time::{Duration, Instant};

/// Asks `probe` every 20 ms until it answers `Some`, and gives that.
///
/// # Panics
///
/// When `limit` has passed; the message names `what`.
pub async fn eventually<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(start.elapsed() < limit, "{what} did not happen within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
