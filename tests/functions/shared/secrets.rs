//! Secrets: written, given to whom they are named by, never read back, and in no log.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::logged;
use crate::support::{Nodes, Response, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(20);

/// Tells what it finds.
const TELLS: &str = "const atStart = process.env.API_KEY ?? null;
    export default () => Response.json({ atStart, now: process.env.API_KEY ?? null, other: process.env.OTHER ?? null })";

async fn put(app: &TestApp, name: &str, value: &str) -> Response {
    app.service().put(&format!("/admin/v1/secrets/{name}")).json(&json!({ "value": value })).await
}

async fn told(app: &TestApp) -> Value {
    app.invoke("tells", &json!({})).await.assert_status(200).json()
}

fn with_key() -> Value {
    json!({ "permissions": { "secrets": ["API_KEY"] } })
}

#[tokio::test]
async fn a_secret_is_given_to_who_names_it_and_a_change_reaches_new_environments() {
    let app = TestApp::start().await;
    let first = put(&app, "API_KEY", "first value").await;
    let info = first.assert_status(201).json();
    assert_eq!(info["name"], "API_KEY");
    assert!(!first.text().contains("first value"), "{info}");
    put(&app, "OTHER", "not yours").await.assert_status(201);
    app.deploy("tells", TELLS, with_key()).await;
    assert_eq!(told(&app).await, json!({ "atStart": "first value", "now": "first value", "other": null }));
    put(&app, "API_KEY", "second value").await.assert_status(200);
    assert_eq!(told(&app).await["atStart"], "second value");
    app.service().delete("/admin/v1/secrets/API_KEY").await.assert_status(204);
    assert_eq!(told(&app).await["atStart"], Value::Null);
    eventually("a word of it in the log", SOON, async || {
        logged(&app, "tells", "the secret API_KEY of its permissions is not there").await
    })
    .await;
    app.deploy("tells", TELLS, json!({})).await;
    put(&app, "API_KEY", "third value").await.assert_status(201);
    assert_eq!(told(&app).await["now"], Value::Null, "nothing is given to who names none");
    // A variable of the function's own wins.
    let own = json!({ "permissions": { "secrets": ["API_KEY"] }, "env": { "API_KEY": "mine" } });
    app.deploy("tells", TELLS, own).await;
    assert_eq!(told(&app).await["now"], "mine");
}

#[tokio::test]
async fn a_secret_is_never_read_back() {
    let mut app = TestApp::start().await;
    let value = "sk_live_never_read_back";
    for name in ["B_KEY", "A_KEY"] {
        put(&app, name, value).await.assert_status(201);
    }
    let listed = app.service().get("/admin/v1/secrets").await;
    let names: Vec<Value> =
        listed.assert_status(200).json()["secrets"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, [json!("A_KEY"), json!("B_KEY")]);
    assert!(!listed.text().contains(value));
    let read = app.service().get("/admin/v1/secrets/A_KEY").await;
    assert!([404, 405].contains(&read.status()) && !read.text().contains(value));
    app.deploy("tells", TELLS, json!({ "permissions": { "secrets": ["A_KEY"] } })).await;
    assert!(!app.service().get("/admin/v1/functions/tells").await.text().contains(value));
    let lambda = app.aws(&Method::GET, "/2015-03-31/functions/tells/configuration", &[], b"").await.assert_status(200).text();
    assert!(!lambda.contains(value), "{lambda}");
    for client in [app.anon(), app.nobody()] {
        assert!([401, 403].contains(&client.get("/admin/v1/secrets").await.status()));
        let written = client.put("/admin/v1/secrets/A_KEY").json(&json!({ "value": "mine now" })).await;
        assert!([401, 403].contains(&written.status()));
    }
    app.kill9();
    app.restart().await;
    assert_eq!(app.service().get("/admin/v1/secrets").await.json()["secrets"].as_array().map(Vec::len), Some(2));
    if !on_postgres() {
        for entry in std::fs::read_dir(app.data()).expect("the data folder").flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                let found = bytes.windows(value.len()).any(|window| window == value.as_bytes());
                assert!(!found, "{} has it in plain", entry.path().display());
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_told_with_its_field() {
    let app = TestApp::start().await;
    for (name, value, field, said) in [
        ("lower-case", "x", "name", "letters, digits or _"),
        ("1ST", "x", "name", "digit"),
        ("AWS_REGION", "x", "name", "runtime sets itself"),
        ("KEY", "", "value", "must not be empty"),
        ("KEY", "a\0b", "value", "U+0000"),
    ] {
        let problem = put(&app, name, value).await.assert_status(400).problem();
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{problem}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(said)), "{problem}");
    }
    let long = put(&app, "KEY", &"x".repeat(64 * 1024 + 1)).await.assert_status(400).problem();
    assert!(long["errors"][0]["message"].as_str().is_some_and(|message| message.contains("65536 are allowed")), "{long}");
    put(&app, "KEY", &"x".repeat(64 * 1024)).await.assert_status(201);
    app.service().delete("/admin/v1/secrets/NONE").await.assert_status(404).problem();
    app.service().delete("/admin/v1/secrets/no-name").await.assert_status(404).problem();
}

#[tokio::test]
async fn a_secret_is_in_no_log() {
    let app = TestApp::start().await;
    let (long, short, quoted) = ("sk_live_51H8x", "short", "line one\nline \"two\"");
    put(&app, "API_KEY", long).await.assert_status(201);
    put(&app, "SHORT", short).await.assert_status(201);
    put(&app, "QUOTED", quoted).await.assert_status(201);
    let source = "const { API_KEY, SHORT, QUOTED } = process.env;
        console.log(`begins with ${API_KEY}`);
        exports.handler = async ({ fails }) => {
            console.log(`twice ${API_KEY}${API_KEY}, once ${SHORT}`); console.warn(JSON.stringify({ QUOTED })); console.error(QUOTED);
            if (fails) throw new Error(`refused: ${API_KEY}`);
            return {};
        };";
    let config = json!({ "permissions": { "secrets": ["API_KEY", "SHORT", "QUOTED"] } });
    app.deploy("leaks", source, config).await;
    let target = "/2015-03-31/functions/leaks/invocations";
    let tail = app.aws(&Method::POST, target, &[("x-amz-log-type", "Tail")], b"{}").await;
    let tail = tail.assert_status(200).header("x-amz-log-result").expect("the end of the log").to_owned();
    let tail = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, tail).expect("base64");
    let tail = String::from_utf8(tail).expect("text");
    assert!(tail.contains("twice ******, once short") && !tail.contains(long), "{tail}");
    app.aws(&Method::POST, target, &[], br#"{"fails":true}"#).await.assert_status(200);
    eventually("the failure in the log", SOON, async || logged(&app, "leaks", "refused: ***").await).await;
    let all = app.service().get("/admin/v1/functions/leaks/logs?limit=1000").await.text();
    assert!(all.contains("begins with ***") && all.contains(r#"{\"QUOTED\":\"***\"}"#), "{all}");
    assert!(!all.contains(long) && !all.contains("line one"), "{all}");
}

#[tokio::test]
async fn a_change_on_one_node_reaches_the_other() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await;
    let (first, second) = nodes.two().await;
    put(&first, "API_KEY", "first value").await.assert_status(201);
    first.deploy("tells", TELLS, with_key()).await;
    assert_eq!(told(&second).await["now"], "first value");
    put(&first, "API_KEY", "second value").await.assert_status(200);
    eventually("the change on the other node", SOON, async || (told(&second).await["atStart"] == "second value").then_some(()))
        .await;
}
