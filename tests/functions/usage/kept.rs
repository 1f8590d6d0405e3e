//! Usage outlives the server, adds up over nodes, and is not kept for ever.

use std::path::Path;
use std::time::Duration;

use plinth::config;
use plinth::db::Databases;
use plinth::tasks::Tasks;
use plinth::types::{Clock, Secret};
use rustix::process::Signal;
use serde_json::json;

use super::{MIXED, call, usage};
use crate::support::postgres::fresh_database;
use crate::support::{Nodes, Options, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(30);

async fn calls(app: &TestApp, query: &str) -> i64 {
    usage(app, query).await["totals"]["calls"].as_i64().expect("a whole number")
}

async fn stop(app: &mut TestApp) {
    app.server_mut().signal(Signal::TERM);
    assert!(app.server_mut().ended(SOON).await.success());
}

#[tokio::test]
async fn what_was_counted_before_a_stop_is_there_after_it() {
    let mut app = TestApp::start().await;
    app.deploy("f", MIXED, json!({})).await;
    call(&app, "f", 3).await;
    stop(&mut app).await;
    app.restart().await;
    assert_eq!(calls(&app, "").await, 3);
    call(&app, "f", 2).await;
    assert_eq!((calls(&app, "").await, calls(&app, "?by=day&function=f").await), (5, 5));
    // What was told is written, whatever happens then; and it is told when the function is gone.
    app.restart().await;
    app.service().delete("/admin/v1/functions/f").await.assert_status(204);
    assert_eq!(calls(&app, "?function=f").await, 5);
}

#[tokio::test]
async fn nodes_on_one_database_add_up() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await;
    let (first, second) = nodes.two().await;
    first.deploy("f", MIXED, json!({})).await;
    let expected = 2 * 10;
    // Both write what they counted while the other does, again and again.
    let calling = async |node: &TestApp| {
        for _ in 0..10 {
            call(node, "f", 1).await;
            calls(node, "").await;
        }
    };
    tokio::join!(calling(&first), calling(&second));
    for node in [&first, &second] {
        eventually("the sum of both", SOON, async || (calls(node, "").await == expected).then_some(())).await;
    }
    let told = usage(&first, "?by=minute&function=f").await;
    assert_eq!(told["totals"]["calls"], expected);
    assert_eq!(told["totals"]["cold_starts"], 2, "one on each node");
}

/// Adds a row of usage of `old` by hand, as if it had been counted so long ago.
async fn add_old(databases: &Databases, period: &'static str, hours: u64) {
    let begins_at = Clock::system().now().minus(Duration::from_hours(hours));
    let written = databases.system.write(move |tx| {
        Box::pin(async move {
            tx.query(
                "insert into plinth.function_usage (period, begins_at, function, version, calls, errors, timeouts, throttles,
                        cold_starts, duration_us, billed_ms, mb_ms, cpu_us, peak_bytes, durations)
                 values ($1, $2, 'old', '$LATEST', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, $3)",
            )
            .bind(period)
            .bind(begins_at)
            .bind(vec![1_u8])
            .execute()
            .await
        })
    });
    written.await.expect("the row is added");
}

async fn open(url: Option<&str>, data: &Path) -> Databases {
    let url = url.map(|url| Secret::new(url.to_owned()));
    let config = config::Database { url, connections: 2, timeout: SOON };
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    Databases::open(&config, data, &tasks).await.expect("the databases open")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_interval_is_kept_as_long_as_is_set() {
    let database = if on_postgres() { Some(fresh_database().await) } else { None };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let variables = database.iter().map(|database| ("DATABASE_URL", database.url().to_owned())).collect();
    let options = Options {
        variables,
        data: Some(data.clone()),
        postgres: Some(false),
        config: "[functions]\nkeep_usage_minutes = \"3d\"\nkeep_usage_hours = \"5d\"\nkeep_usage_days = \"100d\"\n".to_owned(),
    };
    let mut app = TestApp::start_as(options).await;
    stop(&mut app).await;
    let databases = open(database.as_ref().map(|database| database.url()), &data).await;
    for (period, kept, gone) in [("minute", 71, 74), ("hour", 119, 123), ("day", 2300, 2500)] {
        add_old(&databases, period, kept).await;
        add_old(&databases, period, gone).await;
    }
    databases.close().await;
    drop(databases);
    app.restart().await;
    let now = Clock::system().now();
    for (by, from, to) in [("minute", 75, 60), ("hour", 124, 100), ("day", 2600, 2000)] {
        let [from, to] = [from, to].map(|hours| now.minus(Duration::from_hours(hours)).rfc3339());
        let query = format!("?by={by}&from={from}&to={to}");
        eventually("the end of what is too old", SOON, async || (calls(&app, &query).await == 1).then_some(())).await;
    }
}
