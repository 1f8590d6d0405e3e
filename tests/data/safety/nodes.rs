//! Two servers on one PostgreSQL: what one is told to change, the other follows.

use std::time::Duration;

use serde_json::json;

use super::run;
use crate::support::{Nodes, TestApp, eventually};

/// The nodes look twice a second.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_one_node_changes_is_the_other_s_too() {
    let nodes = Nodes::new().await.apart();
    let (one, two) = nodes.two().await;
    let status = async |app: &TestApp, path: &str| app.anon().get(path).await.status();
    let becomes = async |what: &str, path: &str, expected: u16| {
        for node in [&one, &two] {
            eventually(what, SOON, async || (status(node, path).await == expected).then_some(())).await;
        }
    };
    assert_eq!(status(&two, "/rest/v1/letters").await, 404);
    run(&one, "create table letters (id integer primary key, body text); grant select on letters to anon").await;
    assert_eq!(status(&one, "/rest/v1/letters").await, 200);
    becomes("the table's being there", "/rest/v1/letters", 200).await;
    run(&one, "revoke select on letters from anon; grant select (id) on letters to anon").await;
    becomes("the right's being gone", "/rest/v1/letters?select=body", 401).await;
    assert_eq!(status(&two, "/rest/v1/letters?select=id").await, 200);
    run(&two, "alter table letters add column n integer default 3; grant select (n) on letters to anon; insert into letters (id) values (1)").await;
    eventually("the column's being there", SOON, async || {
        let answer = one.anon().get("/rest/v1/letters?select=id,n").await;
        (answer.status() == 200).then(|| assert_eq!(answer.json(), json!([{ "id": 1, "n": 3 }])))
    })
    .await;
    run(&one, "alter table letters enable row level security").await;
    eventually("the policies' holding", SOON, async || {
        (two.anon().get("/rest/v1/letters?select=id").await.json() == json!([])).then_some(())
    })
    .await;
    // Changes from both, one after the other: none is lost.
    for n in 0..6 {
        run(
            if n % 2 == 0 { &one } else { &two },
            &format!("create table t{n} (id integer primary key); grant select on t{n} to anon"),
        )
        .await;
    }
    for n in 0..6 {
        becomes("every table's being there", &format!("/rest/v1/t{n}"), 200).await;
    }
}
