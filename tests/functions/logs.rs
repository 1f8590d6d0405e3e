//! `GET /admin/v1/functions/{name}/logs`.

use serde_json::{Value, json};

use super::ECHO;
use crate::support::TestApp;

fn texts(logs: &Value) -> Vec<String> {
    let entries = logs["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn whoever_has_an_answer_finds_the_lines_of_its_call() {
    let app = TestApp::start().await;
    let source =
        "console.log('at init'); export const handler = async () => { console.log('one'); console.error('two'); return 1; };";
    app.deploy("talks", source, json!({})).await;
    for at in 0..5 {
        let answer = app.invoke("talks", &json!({})).await;
        let id = answer.assert_status(200).header("x-request-id").expect("an id").to_owned();
        let logs = app.service().get(&format!("/admin/v1/functions/talks/logs?request_id={id}")).await.assert_status(200).json();
        let lines = texts(&logs);
        let from = lines.iter().position(|line| line.starts_with("START")).expect("START");
        assert_eq!(at == 0, from > 0, "initialisation is logged with the first call: {lines:?}");
        assert_eq!(lines[from], format!("START RequestId: {id} Version: $LATEST"));
        assert_eq!(lines[from + 1..from + 4], ["one".to_owned(), "two".to_owned(), format!("END RequestId: {id}")]);
        let report = &lines[from + 4];
        for part in [
            "REPORT RequestId: ",
            "\tDuration: ",
            "\tBilled Duration: ",
            "\tMemory Size: 128 MB",
            "\tMax Memory Used: ",
            "Status: success",
        ] {
            assert!(report.contains(part), "{report} has no {part}");
        }
        assert_eq!(at == 0, report.contains("Init Duration: "), "{report}");
        let entry = &logs["entries"][from + 2];
        assert_eq!((&entry["kind"], &entry["level"], &entry["request_id"]), (&json!("function"), &json!("ERROR"), &json!(id)));
    }
}

#[tokio::test]
async fn entries_are_found_by_time_and_number() {
    let app = TestApp::start().await;
    app.deploy("echo", ECHO, json!({})).await;
    app.invoke("echo", &json!({})).await;
    let all = app.service().get("/admin/v1/functions/echo/logs").await.json();
    let last = all["entries"].as_array().and_then(|entries| entries.last()).expect("an entry")["at"]
        .as_str()
        .expect("a time")
        .to_owned();
    app.invoke("echo", &json!({})).await;
    let since = app.service().get(&format!("/admin/v1/functions/echo/logs?since={last}")).await.json();
    let times: Vec<_> =
        since["entries"].as_array().expect("entries").iter().map(|entry| entry["at"].as_str().unwrap_or_default()).collect();
    assert!(times.len() >= 3 && times.iter().all(|at| *at >= last.as_str()), "{times:?}");
    assert!(times.is_sorted());
    let two = app.service().get("/admin/v1/functions/echo/logs?limit=2").await.json();
    assert!(texts(&two)[1].starts_with("REPORT"), "the newest: {two}");
    assert_eq!(texts(&two).len(), 2);
    for query in ["since=yesterday", "request_id=1", "limit=0", "limit=1001", "colour=red"] {
        app.service().get(&format!("/admin/v1/functions/echo/logs?{query}")).await.assert_status(400).problem();
    }
    app.service().get("/admin/v1/functions/none/logs").await.assert_status(404).problem();
}

#[tokio::test]
async fn no_more_lines_are_kept_than_said() {
    let app = TestApp::start_with("[functions]\nlog_lines = 100").await;
    let source = "export const handler = async () => { for (let i = 0; i < 60; i++) console.log('line ' + i); };";
    app.deploy("talks", source, json!({})).await;
    for _ in 0..5 {
        app.invoke("talks", &json!({})).await.assert_status(200);
    }
    let kept = texts(&app.service().get("/admin/v1/functions/talks/logs?limit=1000").await.json());
    assert!((90..=101).contains(&kept.len()), "{} lines are kept", kept.len());
    assert!(kept.last().is_some_and(|line| line.starts_with("REPORT")));
}

#[tokio::test]
async fn the_log_of_a_deleted_function_is_gone() {
    let app = TestApp::start().await;
    app.deploy("echo", ECHO, json!({})).await;
    app.invoke("echo", &json!({})).await;
    app.service().delete("/admin/v1/functions/echo").await.assert_status(204);
    app.deploy("echo", ECHO, json!({})).await;
    assert_eq!(texts(&app.service().get("/admin/v1/functions/echo/logs").await.json()), Vec::<String>::new());
}
