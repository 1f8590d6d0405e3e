//! Reload: what changes at run time, what is told, what is refused, and that no request notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::SOON;
use crate::support::{TestApp, eventually};

async fn reload(app: &TestApp) -> Value {
    app.service().post("/admin/v1/reload").await.assert_status(200).json()
}

fn keys(changes: &Value) -> Vec<&str> {
    changes.as_array().expect("a list").iter().map(|change| change["key"].as_str().expect("a key")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_change_does_and_the_rest_is_told() {
    let app = TestApp::start().await;
    assert_eq!(reload(&app).await["text"], "", "nothing changed");
    app.configure("[server]\nworkers = 3\nhsts = \"1y\"\n[log]\naccess = false\n");
    let told = reload(&app).await;
    assert_eq!(told["applied"][0], json!({ "key": "log.access", "from": "true", "to": "false" }));
    assert_eq!(keys(&told["applied"]), ["log.access", "server.hsts"]);
    assert_eq!(told["restart_required"], json!([{ "key": "server.workers", "from": "2", "to": "3" }]));
    let text = told["text"].as_str().unwrap();
    assert_eq!(text, "log.access true -> false\nserver.hsts (not set) -> 1y\nrestart required: server.workers 2 -> 3\n");
    eventually("the difference in the log", SOON, async || {
        let log = app.server().log();
        text.lines().all(|line| log.contains(line)).then_some(())
    })
    .await;
    // What was left is told again, what was taken is not.
    assert_eq!(reload(&app).await["text"], "restart required: server.workers 2 -> 3\n");
    assert_eq!(app.service().get("/admin/v1/status").await.json()["workers"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reloads_and_the_log_changes_its_level() {
    let app = TestApp::start().await;
    app.configure("[log]\nlevel = \"warn\"\n");
    let settled = |count: usize| {
        let app = &app;
        async move {
            eventually("the reload", SOON, async || {
                app.nobody().get(&format!("/probe/{count}")).await;
                (app.server().log().matches("the configuration was reloaded (SIGHUP)").count() >= count).then_some(())
            })
            .await;
        }
    };
    app.server().signal(Signal::HUP);
    settled(1).await;
    app.service().post("/admin/v1/reload").await.assert_status(200);
    app.nobody().get("/unseen").await;
    app.configure("[log]\nlevel = \"info\"\n");
    app.service().post("/admin/v1/reload").await.assert_status(200);
    eventually("a line about a request", SOON, async || {
        app.nobody().get("/seen").await;
        app.server().log().contains("GET /seen").then_some(())
    })
    .await;
    assert!(!app.server().log().contains("GET /unseen"), "the level was warn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_with_errors_changes_nothing_and_each_error_is_told() {
    let app = TestApp::start().await;
    app.configure("[server]\nworkers = 5000\nhsts = \"1y\"\n[log]\naccess = \"perhaps\"\n");
    let problem = app.service().post("/admin/v1/reload").await.assert_status(422).problem();
    assert_eq!(problem["type"], "/problems/invalid_configuration");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{problem}");
    assert!(errors[0]["field"].as_str().unwrap().contains("plinth.toml:"), "{problem}");
    assert!(
        errors.iter().any(|error| error["message"].as_str().unwrap().contains("log.access must be true or false")),
        "{problem}"
    );
    app.nobody().get("/health/ready").await.assert_status(200);
    app.configure("");
    assert_eq!(reload(&app).await["text"], "", "it ran with what it had");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reload_needs_the_service_key() {
    let app = TestApp::start().await;
    app.nobody().post("/admin/v1/reload").await.assert_status(401);
    app.anon().post("/admin/v1/reload").await.assert_status(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_not_shown() {
    let app = TestApp::start().await;
    app.configure("[storage]\naccess_key_id = \"id\"\nsecret_access_key = \"hunter2\"\n");
    let told = reload(&app).await;
    let change = json!({ "key": "storage.secret_access_key", "from": null, "to": "[secret]" });
    assert!(told["restart_required"].as_array().unwrap().contains(&change), "{told}");
    assert!(!told.to_string().contains("hunter2") && !app.server().log().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_reloads_come_one_after_another() {
    let app = TestApp::start().await;
    app.configure("[server]\nhsts = \"2y\"\n");
    let reloads = futures_util::future::join_all((0..8).map(|_| reload(&app))).await;
    let taking: Vec<_> = reloads.iter().filter(|told| told["text"] != "").collect();
    assert_eq!(taking.len(), 1, "one took the change, the others found nothing: {reloads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_over_twenty_reloads() {
    let app = TestApp::start().await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load = (0..8).map(|_| {
        let (client, stop, answered) = (app.nobody(), Arc::clone(&stop), Arc::clone(&answered));
        async move {
            while !stop.load(Ordering::Relaxed) {
                let answer = client.get("/").try_send().await.expect("an answer");
                answer.assert_status(200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let reloads = async {
        for turn in 0..20_u32 {
            let before = answered.load(Ordering::Relaxed);
            app.configure(&format!("[server]\nhsts = \"{}d\"\n", turn + 1));
            assert_eq!(keys(&reload(&app).await["applied"]), ["server.hsts"]);
            eventually("requests between reloads", SOON, async || (answered.load(Ordering::Relaxed) > before).then_some(()))
                .await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    futures_util::future::join(futures_util::future::join_all(load), reloads).await;
    assert!(answered.load(Ordering::Relaxed) >= 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_are_replaced_while_a_download_goes_on_with_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["old", "new"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("index.html"), name).unwrap();
    }
    let large = vec![b'o'; 32 << 20];
    std::fs::write(folder.path().join("old/large.bin"), &large).unwrap();
    let root = |name: &str| format!("[site]\nroot = {:?}\n", folder.path().join(name));
    let app = TestApp::start_with(&root("old")).await;
    assert_eq!(app.nobody().get("/").await.text(), "old");
    let mut download = app.nobody().get("/large.bin").stream().await.unwrap();
    let mut received = download.chunk().await.unwrap().expect("a first piece").len();

    app.configure(&format!("{}[[sites]]\nhosts = [\"www.example.com\"]\nroot = {:?}\n", root("new"), folder.path().join("old")));
    let told = reload(&app).await;
    assert!(keys(&told["applied"]).contains(&"site.root"), "{told}");
    assert_eq!(told["restart_required"], json!([]), "{told}");
    assert_eq!(app.nobody().get("/").await.text(), "new");
    assert_eq!(app.nobody().get("/").header("host", "www.example.com").await.text(), "old");
    app.nobody().get("/large.bin").await.assert_status(404);
    while let Some(piece) = download.chunk().await.unwrap() {
        received += piece.len();
    }
    assert_eq!(received, large.len(), "the download came to its end");

    // What checks, but cannot be opened any more, leaves what is there.
    app.configure(&root("gone"));
    app.service().post("/admin/v1/reload").await.assert_status(422);
    assert_eq!(app.nobody().get("/").await.text(), "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_prints_what_changed_or_what_is_wrong() {
    let app = TestApp::start().await;
    let nothing = app.plinth(&["reload"]);
    assert_eq!((nothing.status.code(), nothing.stdout.as_str()), (Some(0), "nothing changed\n"), "{}", nothing.stderr);
    app.configure("[server]\nhsts = \"1y\"\nkeep_alive = \"9s\"\n");
    let changed = app.plinth(&["reload"]);
    assert_eq!(
        changed.stdout, "server.hsts (not set) -> 1y\nrestart required: server.keep_alive 75s -> 9s\n",
        "{}",
        changed.stderr
    );
    app.configure("[server]\nhsts = \"for ever\"\n");
    let refused = app.plinth(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("server.hsts must be a time"), "{}", refused.stderr);
}
