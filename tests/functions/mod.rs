//! Functions over HTTP: deployed, called, broken, killed.

mod asynchronous;
mod console;
mod deploy;
mod faults;
mod fetch;
mod follow;
mod hostile;
mod invoke;
mod life;
mod lifecycle;
mod logs;
mod neighbours;
mod packages;
mod schedules;
mod shared;
mod side_by_side;
mod streaming;
mod untrusted;
mod upkeep;
mod usage;

use std::fs;
use std::time::Duration;

use crate::support::{TestApp, eventually};

/// A function that answers what it is told.
const ECHO: &str = "export const handler = async (event) => ({ got: event.body ?? null });";

/// Runs a future beside the test, which waits for it.
fn beside<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    tokio::spawn(future)
}

/// The function workers below a process: `(pid, parent)` of every `plinth function-worker` whose parent it is.
fn workers_of(server: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(server) && is_worker(*pid)).collect()
}

fn is_worker(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"plinth\0function-worker"))
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Waits until the server counts exactly so many environments.
async fn wait_for_environments(app: &TestApp, count: u64) {
    eventually("the number of environments", Duration::from_secs(10), async || {
        let status = app.service().get("/admin/v1/status").await.json();
        (status["functions"]["environments"] == count).then_some(())
    })
    .await;
}
