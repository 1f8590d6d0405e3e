//! A disk without space, as an app that reads and writes its tables meets it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{rows, run};
use crate::support::{Disk, Options, TestApp, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_rows_and_definitions_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(folder.path());
    let data = Some(folder.path().join("data"));
    // On PostgreSQL the rows are on another disk, which is not filled.
    let mut app = TestApp::start_as(Options { data, postgres: Some(false), ..Options::default() }).await;
    run(&app, "create table pairs (id integer generated always as identity primary key, batch text not null, half integer not null, filling text)").await;
    let service = app.service();
    let add = async |batch: &str| {
        let row = |half| json!({ "batch": batch, "half": half, "filling": "x".repeat(40_000) });
        service.post("/rest/v1/pairs").json(&json!([row(1), row(2)])).await
    };
    add("first").await.assert_status(201);

    disk.fill(&app);
    let (mut kept, mut refused) = (vec!["first".to_owned()], Vec::new());
    for count in 0..40 {
        let batch = format!("b{count}");
        let answer = add(&batch).await;
        match answer.status() {
            201 => kept.push(batch),
            503 => {
                assert!(matches!(answer.json()["code"].as_str(), Some("53100" | "PGRST000")), "{}", answer.text());
                refused.push(batch);
            }
            other => panic!("{batch} was answered {other}: {}", answer.text()),
        }
    }
    assert!(!refused.is_empty(), "the disk was not full");
    let definition = format!(
        "create table more (id integer primary key); insert into more values (1); insert into pairs (batch, half, filling) values ('sql', 1, '{}')",
        "y".repeat(100_000)
    );
    let answer = service.post("/admin/v1/sql").json(&json!({ "sql": definition })).await;
    let problem: Value = answer.problem();
    assert!(matches!((answer.status(), problem["type"].as_str()), (507, Some("/problems/storage_full")) | (503, _)), "{problem}");
    assert_eq!(service.get("/rest/v1/more").await.status(), 404, "nothing of it was done");
    let there = rows(&service, "/rest/v1/pairs?select=batch,half.count()&order=batch").await;
    assert_eq!(there.as_array().map(Vec::len), Some(kept.len()), "{there}");

    disk.free(&app);
    eventually("writes' being taken again", Duration::from_secs(20), async || (add("after").await.status() == 201).then_some(()))
        .await;
    run(&app, &definition).await;
    app.restart().await;
    let there = rows(&app.service(), "/rest/v1/pairs?select=batch,count()&batch=neq.sql&order=batch").await;
    let batches: Vec<&str> = there.as_array().expect("rows").iter().map(|row| row["batch"].as_str().expect("a text")).collect();
    kept.push("after".to_owned());
    kept.sort_unstable();
    assert_eq!(batches, kept);
    assert!(there.as_array().expect("rows").iter().all(|row| row["count"] == 2), "each batch is whole: {there}");
    assert_eq!(rows(&app.service(), "/rest/v1/more").await, json!([{ "id": 1 }]));
}
