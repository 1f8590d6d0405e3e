//! The limits of `POST /admin/v1/sql`.

use std::time::Duration;

use serde_json::json;

use crate::data::migrate::{refused, rows, run};
use crate::support::{TestApp, eventually};

/// A statement that would take hours: ten digits to the power of twelve.
pub(super) const SLOW: &str =
    "with d (n) as (select 1 union all select 2 union all select 3 union all select 4 union all select 5
    union all select 6 union all select 7 union all select 8 union all select 9 union all select 10)
select sum(a.n + b.n + c.n + e.n + f.n + g.n + h.n + i.n + j.n + k.n + l.n + m.n) as total
from d a cross join d b cross join d c cross join d e cross join d f cross join d g
cross join d h cross join d i cross join d j cross join d k cross join d l cross join d m";

/// A text of a MiB, in statements that are short enough.
pub(super) fn longest() -> String {
    format!("select 1 --{}\n;\n", "x".repeat((128 << 10) - 14)).repeat(8)
}

#[tokio::test]
async fn a_text_that_takes_too_long_is_ended_and_nothing_of_it_is_kept() {
    let app = TestApp::start_with("[data]\nsql_timeout = \"500ms\"").await;
    run(&app, "create table kept (id int primary key)").await;
    let problem = refused(&app, &format!("insert into kept values (1);\n\n{SLOW}")).await;
    assert_eq!((&problem["code"], &problem["line"], &problem["column"]), (&json!("57014"), &json!(3), &json!(1)), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("data.sql_timeout"), "{problem}");
    assert_eq!(rows(&app, "select * from kept").await, json!([]));
    run(&app, "insert into kept values (2)").await;
}

#[tokio::test]
async fn requests_are_answered_while_a_slow_text_runs_and_after_it() {
    let app = TestApp::start_with("[data]\nsql_timeout = \"3s\"").await;
    run(&app, "create table todos (id int primary key); insert into todos values (1)").await;
    let service = app.service();
    let (slow, ()) = tokio::join!(async { service.post("/admin/v1/sql").json(&json!({ "sql": SLOW })).await }, async {
        for _ in 0..20 {
            service.get("/rest/v1/todos").await.assert_status(200);
        }
        // A write waits for its turn where there is one writer.
        service.post("/rest/v1/todos").json(&json!({ "id": 2 })).await.assert_status(201);
    });
    assert_eq!(slow.assert_status(400).problem()["code"], "57014");
    let seen = eventually("the write's being seen", Duration::from_secs(10), async || {
        let found = rows(&app, "select count(*) as n from todos").await;
        (found == json!([{ "n": 2 }])).then_some(true)
    });
    assert!(seen.await);
}

#[tokio::test]
async fn an_answer_has_so_many_rows_and_no_more() {
    let app = TestApp::start().await;
    run(&app, "create table numbers (n int primary key)").await;
    let values = |from: usize, to: usize| (from..to).map(|n| format!("({n})")).collect::<Vec<_>>().join(",");
    run(&app, &format!("insert into numbers values {}", values(0, 10_000))).await;
    let whole = run(&app, "select n from numbers").await;
    assert_eq!(whole[0]["row_count"], 10_000);
    run(&app, &format!("insert into numbers values {}", values(10_000, 10_001))).await;
    let sentences = [
        "select n from numbers",
        "select n from numbers order by n limit 20000",
        "select n from numbers limit null",
        "update numbers set n = n returning n",
    ];
    for sql in sentences {
        let problem = refused(&app, sql).await;
        assert_eq!(problem["code"], "54000", "{sql}: {problem}");
        assert!(problem["hint"].as_str().unwrap().contains("`limit`"), "{problem}");
    }
    assert_eq!(run(&app, "select n from numbers limit 10000").await[0]["row_count"], 10_000);
    assert_eq!(run(&app, "update numbers set n = n").await[0]["row_count"], 10_001);
    assert_eq!(rows(&app, "select n from numbers order by n desc limit 1").await, json!([{ "n": 10_000 }]));
}

#[tokio::test]
async fn a_text_of_the_longest_that_is_taken_arrives_however_it_is_escaped() {
    let app = TestApp::start().await;
    let escaped = longest().replace('x', "\\u0078").replace('\n', "\\n");
    let send = |body: String| app.service().post("/admin/v1/sql").header("content-type", "application/json").body(body);
    send(format!("{{\"sql\":\"{escaped}\"}}")).await.assert_status(200);
    let problem = send(format!("{{\"sql\":\"{escaped}x\"}}")).await.assert_status(400).problem();
    assert_eq!(problem["code"], "54000", "{problem}");
    let long = send(" ".repeat((8 << 20) + 1)).await;
    assert!(long.assert_status(413).problem()["detail"].as_str().unwrap().contains("8388608 bytes"));
    app.anon().post("/admin/v1/sql").body(" ".repeat(1 << 20)).await.assert_status(403);
}
