//! `kill -9` loses nothing that was acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use plinth::db::Databases;
use plinth::types::Clock;

use super::fixture::{TIMEOUT, config_of, execute, insert_one, tasks};
use crate::support::environment;

/// Tells the child of [`an_acknowledged_write_survives_sigkill`] its data folder.
const FOLDER: &str = "PLINTH_TEST_STORM_FOLDER";

const WRITERS: usize = 16;

async fn open(folder: &Path) -> Databases {
    let databases = Databases::open(&config_of(None, TIMEOUT), folder, &tasks()).await.expect("the databases open");
    databases.migrate(&Clock::system()).await.expect("the migrations are applied");
    databases
}

/// Not a test by itself: the process that is killed. It writes without end and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_storm_of_writes() {
    let Some(folder) = environment(FOLDER).map(PathBuf::from) else { return };
    let databases = open(&folder).await;
    // From the second round on it is there.
    let _ = execute(&databases.app, "create table plinth.things (id integer primary key, name text)").await;
    let (last,): (i64,) = {
        let mut conn = databases.app.read().await.expect("a reader");
        conn.query("select coalesce(max(id), 0) from plinth.things").fetch_one().await.expect("the last row")
    };
    let next = Arc::new(AtomicI64::new(last + 1));
    let writers = (0..WRITERS).map(|_| {
        let (db, next) = (databases.app.clone(), Arc::clone(&next));
        async move {
            loop {
                let id = next.fetch_add(1, Ordering::SeqCst);
                insert_one(&db, id).await.expect("the row is inserted");
                // Past the test runner, which would keep it, and in one write, which the reader sees whole or not at all.
                std::io::stdout().write_all(format!("\nack {id}\n").as_bytes()).expect("the parent reads");
            }
        }
    });
    futures_util::future::join_all(writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_write_survives_sigkill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut acknowledged = BTreeSet::new();
    for round in 0..5_usize {
        acknowledged.extend(storm(folder.path(), 150 + 90 * round));
        let databases = open(folder.path()).await;
        let mut conn = databases.app.read().await.expect("a reader");
        let rows: Vec<(i64,)> = conn.query("select id from plinth.things").fetch_all().await.expect("the rows");
        let (sound,): (String,) = conn.query("pragma integrity_check").fetch_one().await.expect("the check runs");
        drop(conn);
        databases.close().await;
        assert_eq!(sound, "ok");
        let found: BTreeSet<i64> = rows.into_iter().map(|(id,)| id).collect();
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged, but lost: {lost:?}");
    }
}

/// Runs the storm, kills it once so many writes were acknowledged, and returns all that were.
fn storm(folder: &Path, enough: usize) -> Vec<i64> {
    let mut child = Command::new(std::env::current_exe().expect("the test's own program"))
        .args(["--exact", "db::durability::the_storm_of_writes", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    // What it had said before it was killed is still in the pipe.
    while let Some(Ok(line)) = lines.next() {
        acknowledged.extend(line.strip_prefix("ack ").and_then(|id| id.parse::<i64>().ok()));
        if acknowledged.len() >= enough && !killed {
            killed = true;
            child.kill().expect("it is killed");
        }
    }
    child.wait().expect("it ends");
    assert!(killed, "the child ended by itself after {} writes", acknowledged.len());
    acknowledged
}
