//! The pages a person opens, in a headless Chromium.

use std::process::Command;

use crate::support::TestApp;

/// Flags that keep Chromium from calling anyone but the server under test.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=8000",
    "--dump-dom",
];

/// The page as it is once its scripts have run.
fn rendered(app: &TestApp, path: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let output = names
        .iter()
        .map(|name| {
            let mut browser = Command::new(name);
            browser.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display()));
            browser.arg(format!("{}{path}", app.url())).output()
        })
        .find_map(Result::ok)
        .unwrap_or_else(|| panic!("none of {names:?} is installed: run `python3 scripts/setup.py test`"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_default_page_shows_that_everything_is_ready() {
    let app = TestApp::start().await;
    let page = rendered(&app, "/");
    assert!(page.contains("Everything is ready."), "{page}");
    assert!(page.contains("database: ready"), "{page}");
    assert!(page.contains(&format!("curl -s {}/auth/v1/signup", app.url())), "the examples have this server's address: {page}");
}

#[tokio::test]
async fn the_docs_show_the_operations() {
    let app = TestApp::start().await;
    let page = rendered(&app, "/docs/");
    for shown in ["/auth/v1/signup", "/admin/v1/functions/{name}", "/health/ready"] {
        // Swagger UI puts a zero-width space behind each slash.
        let page = page.replace(['\u{200b}', '\u{2060}'], "").replace("<wbr>", "");
        assert!(page.contains(shown), "{shown} is not on the page: {page}");
    }
}

#[tokio::test]
async fn the_tables_page_shows_what_a_key_may_use() {
    let app = TestApp::start().await;
    let sql = "create table todos (id integer primary key, title text); grant select on todos to anon; create table hidden (id integer)";
    app.service().post("/admin/v1/sql").json(&serde_json::json!({ "sql": sql })).await.assert_status(200);
    let page = rendered(&app, &format!("/docs/tables#apikey={}", app.key("anon_key")));
    let page = page.replace(['\u{200b}', '\u{2060}'], "").replace("<wbr>", "");
    assert!(page.contains("1 of the app's tables, views and functions."), "{page}");
    assert!(page.contains("/todos") && !page.contains("/hidden"), "{page}");
}
