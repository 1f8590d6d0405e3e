//! A disk without space: writes are refused and said to be, nothing is half done, reads go on, and space ends it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Disk, JAVASCRIPT, Options, PASSWORD, Response, TestApp, eventually, on_postgres};

const SOURCE: &str = "export const handler = async () => 'runs';";

async fn sign_up(app: &TestApp, name: &str) -> Response {
    app.anon().post("/auth/v1/signup").json(&json!({ "email": email(name), "password": PASSWORD })).await
}

async fn sign_in(app: &TestApp, name: &str) -> u16 {
    let credentials = json!({ "email": email(name), "password": PASSWORD });
    app.anon().post("/auth/v1/token?grant_type=password").json(&credentials).await.status()
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

async fn deploy(app: &TestApp, name: &str, source: &str) -> Response {
    app.service().put_function(name, JAVASCRIPT, source, &json!({})).await
}

/// Writes in many ways and sizes until the disk takes none of them; gives who was told that it is signed up, and who was not.
async fn sign_up_until_full(app: &TestApp) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for round in 0..12 {
        let names: Vec<String> = (0..6).map(|at| format!("user{round}-{at}")).collect();
        let answers = futures_util::future::join_all(names.iter().map(|name| sign_up(app, name))).await;
        for (name, answer) in names.into_iter().zip(answers) {
            match answer.status() {
                200 => kept.push(name),
                503 | 507 => refused.push(name),
                other => panic!("{name} was answered {other}: {}", answer.text()),
            }
        }
    }
    (kept, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_serves_reads_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = Disk::new(folder.path());
    let data = Some(folder.path().join("data"));
    let mut app = TestApp::start_as(Options { data, ..Options::default() }).await;
    let ada = app.sign_up("ada@example.com").await;
    app.deploy("runs", SOURCE, json!({})).await;
    app.invoke("runs", &json!({})).await.assert_status(200);

    disk.fill(&app);
    let (kept, refused) = sign_up_until_full(&app).await;
    if !on_postgres() {
        assert!(!refused.is_empty(), "the disk was not full");
    }
    let answer = deploy(&app, "later", &format!("{SOURCE} // {}", "x".repeat(200_000))).await;
    let problem: Value = answer.assert_status(507).problem();
    assert_eq!(problem["type"], "/problems/storage_full", "{problem}");
    // What needs no space goes on.
    ada.get("/auth/v1/user").await.assert_status(200);
    app.invoke("runs", &json!({})).await.assert_status(200);
    app.service().get("/admin/v1/functions").await.assert_status(200);
    app.service().get("/admin/v1/functions/runs/logs").await.assert_status(200);
    app.nobody().get("/health/live").await.assert_status(200);
    app.nobody().get("/").await.assert_status(200);

    disk.free(&app);
    eventually("writes' being taken again", Duration::from_secs(20), async || {
        (sign_up(&app, "afterwards").await.status() == 200).then_some(())
    })
    .await;
    deploy(&app, "later", SOURCE).await.assert_status(201);
    let logs = app.service().get("/admin/v1/functions/runs/logs").await.assert_status(200).text();
    assert!(logs.contains("REPORT RequestId"), "what was logged meanwhile is written: {logs}");

    app.restart().await;
    for name in kept.iter().map(String::as_str).chain(["ada", "afterwards"]) {
        assert_eq!(sign_in(&app, name).await, 200, "{name} was told to be signed up");
    }
    for name in refused.iter().take(8) {
        assert_eq!(sign_in(&app, name).await, 400, "{name} was told not to be signed up");
        sign_up(&app, name).await.assert_status(200);
    }
    app.invoke("later", &json!({})).await.assert_status(200);
}

/// The same by the other means, which works wherever the tests run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_on_the_size_of_files_is_as_good_as_a_full_disk() {
    let mut app = TestApp::start().await;
    app.sign_up("ada@example.com").await;
    app.deploy("runs", SOURCE, json!({})).await;
    Disk::Limited.fill(&app);
    let answer = deploy(&app, "later", "export const handler = async () => 'later';").await;
    assert!(matches!(answer.status(), 503 | 507), "{} {}", answer.status(), answer.text());
    let refused = sign_up(&app, "bob").await.status();
    assert!(on_postgres() || matches!(refused, 503 | 507), "{refused}");
    assert_eq!(app.invoke("runs", &json!({})).await.assert_status(200).text(), "runs");
    Disk::Limited.free(&app);
    eventually("writes' being taken again", Duration::from_secs(20), async || {
        (sign_up(&app, "cleo").await.status() == 200).then_some(())
    })
    .await;
    app.restart().await;
    assert_eq!((sign_in(&app, "ada").await, sign_in(&app, "cleo").await), (200, 200));
}
