//! What was answered 2xx is there after SIGKILL, and nothing of what was not is there by half.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, eventually};

/// Writers at the same time.
const WRITERS: usize = 8;

/// Accepted writes after which the server is killed.
const ENOUGH: usize = 60;

#[tokio::test]
async fn accepted_writes_survive_sigkill_and_none_is_half_done() {
    let mut app = TestApp::start().await;
    let schema =
        "create table pairs (id integer generated always as identity primary key, batch text not null, half integer not null);
         create index on pairs using gin (to_tsvector('simple', batch));";
    app.service().post("/admin/v1/sql").json(&json!({ "sql": schema })).await.assert_status(200);
    for round in 0..3 {
        let accepted = Mutex::new(Vec::new());
        let service = app.service();
        let write = async |writer: usize| {
            for count in 0.. {
                let batch = format!("{round}-{writer}-{count}");
                let rows = json!([{ "batch": batch, "half": 1 }, { "batch": batch, "half": 2 }]);
                match service.post("/rest/v1/pairs").json(&rows).try_send().await {
                    Ok(answer) if answer.status() == 201 => accepted.lock().unwrap().push(batch),
                    _ => return,
                }
            }
        };
        let writers = futures_util::future::join_all((0..WRITERS).map(write));
        let killer = async {
            eventually("enough accepted writes", Duration::from_secs(30), async || {
                (accepted.lock().unwrap().len() >= ENOUGH).then_some(())
            })
            .await;
            app.kill9();
        };
        tokio::join!(writers, killer);
        app.restart().await;
        let accepted = accepted.into_inner().unwrap();
        let rows = app.service().get(&format!("/rest/v1/pairs?select=batch&batch=like.{round}-*&limit=100000")).await;
        let rows: Vec<serde_json::Value> = rows.assert_status(200).parse();
        let count = |batch: &str| rows.iter().filter(|row| row["batch"] == batch).count();
        for batch in &accepted {
            assert_eq!(count(batch), 2, "batch {batch} was accepted");
        }
        assert!(rows.iter().all(|row| count(row["batch"].as_str().unwrap()) == 2), "every batch is whole");
        let searched = app.service().get(&format!("/rest/v1/pairs?select=id&batch=plfts.{round}&limit=100000")).await;
        let found: Vec<serde_json::Value> = searched.assert_status(200).parse();
        let unsearched = format!("/rest/v1/pairs?select=id&not.or=(batch.not.plfts.{round})&limit=100000");
        let all: Vec<serde_json::Value> = app.service().get(&unsearched).await.assert_status(200).parse();
        assert_eq!(found.len(), all.len(), "the index of words has every row");
    }
}
