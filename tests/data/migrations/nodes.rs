//! Several that apply at once, and several nodes on one database.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Folder, THREE, assert_done, status, up};
use crate::data::migrate::{rows, run};
use crate::support::{Nodes, TestApp, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_callers_at_once_apply_each_migration_once() {
    let app = TestApp::start().await;
    run(&app, "create table log (n int)").await;
    let migrations: Vec<Value> =
        (1..=12).map(|n| json!({ "version": n.to_string(), "name": "n", "sql": format!("insert into log values ({n}); create table t{n} (id int primary key)") })).collect();
    let body = json!({ "migrations": migrations });
    let service = app.service();
    let post = async || service.post("/admin/v1/migrations").json(&body).await;
    let answers = [tokio::join!(post(), post()), tokio::join!(post(), post())];
    let mut applied = 0;
    for (one, other) in answers {
        for answer in [one, other] {
            applied += answer.assert_status(200).json()["applied"].as_array().unwrap().len();
        }
    }
    assert_eq!(applied, 12);
    assert_eq!(
        rows(&app, "select count(*) as n, count(distinct n) as different from log").await,
        json!([{ "n": 12, "different": 12 }])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_commands_at_once_both_succeed() {
    let app = TestApp::start().await;
    let folder = Folder::new(&THREE);
    let (one, other) = tokio::join!(
        async { tokio::task::block_in_place(|| app.plinth_in_background(&["migrate", "up", "--dir", &folder.text()])) },
        async { tokio::task::block_in_place(|| up(&app, &folder, &[])) }
    );
    assert_done(&other);
    let mut one = one;
    assert!(one.ended(Duration::from_secs(60)).await.success(), "{}", one.log());
    assert_eq!(status(&app, &folder), "a applied, b applied, c applied");
    assert_eq!(rows(&app, "select count(*) as n from b").await, json!([{ "n": 1 }]));
}

/// How many changes of the schema a node has learnt of by hearing.
async fn heard(app: &TestApp) -> u64 {
    let metrics = app.nobody().get("/metrics").await.assert_status(200).text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("plinth_schema_changes_total{how=\"heard\"} "));
    line.map_or(0, |count| count.trim().parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_made_on_one_node_answers_on_the_other_which_is_told() {
    let nodes = Nodes::new().await.apart();
    let (one, other) = tokio::join!(nodes.start(), nodes.start());
    // The first change may come before the other listens; it is seen then.
    for place in 0..20 {
        run(&one, &format!("create table t{place} (id int primary key); insert into t{place} values ({place})")).await;
        let service = other.service();
        let read = eventually("the table's being there on the other node", Duration::from_secs(30), async || {
            let answer = service.get(&format!("/rest/v1/t{place}")).await;
            (answer.status() == 200).then(|| answer.json())
        });
        assert_eq!(read.await, json!([{ "id": place }]));
        if heard(&other).await > 0 {
            return;
        }
    }
    panic!("the other node saw every change, and heard of none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_apply_each_migration_once() {
    let folder = Folder::new(&THREE);
    let nodes = Nodes::new().await.apart().with_variable("PLINTH_DATA_MIGRATIONS", folder.text());
    let (one, other) = tokio::join!(nodes.start(), nodes.start());
    for node in [&one, &other] {
        assert_eq!(rows(node, "select * from a").await, json!([{ "id": 1, "name": "y" }]));
        assert_eq!(node.service().get("/rest/v1/b").await.assert_status(200).json(), json!([{ "id": 1, "a": 1 }]));
    }
}
