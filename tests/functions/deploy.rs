//! `PUT|GET|DELETE /admin/v1/functions`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ECHO;
use crate::support::{JAVASCRIPT, TYPESCRIPT, TestApp};

#[tokio::test]
async fn a_deployment_is_answered_listed_and_got_without_the_values_of_its_variables() {
    let app = TestApp::start().await;
    let config = json!({
        "handler": "index.handler", "memory_mb": 256, "timeout_s": 7, "env": { "TOKEN": "not to be shown" },
        "verify_jwt": false, "network": ["api.example.com"], "description": "echoes",
    });
    let first = app.deploy("echo", ECHO, config).await;
    first.assert_status(201);
    let function = first.json();
    assert_eq!(function["name"], "echo");
    assert_eq!(function["version"], "1");
    assert_eq!(function["size_bytes"], ECHO.len());
    assert_eq!(function["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(function["language"], "javascript");
    assert_eq!(function["handler_style"], "lambda");
    assert_eq!(function["memory_mb"], 256);
    assert_eq!(function["timeout_s"], 7);
    assert_eq!(function["verify_jwt"], false);
    assert_eq!(function["network"], json!(["api.example.com"]));
    assert_eq!(function["description"], "echoes");
    assert_eq!(function["env"], json!(["TOKEN"]));
    assert_eq!(function["url"], format!("{}/functions/v1/echo", app.url()));
    assert!(!first.text().contains("not to be shown"));

    let mut got = app.service().get("/admin/v1/functions/echo").await.assert_status(200).json();
    let running = got.as_object_mut().and_then(|got| got.remove("environments"));
    assert_eq!((got, running), (function.clone(), Some(json!({ "all": 0, "idle": 0, "provisioned": [] }))));

    let second = app.deploy_typescript("echo", "export default (req: Request) => new Response('x')", json!({})).await;
    second.assert_status(200);
    let again = second.json();
    assert_eq!((&again["version"], &again["language"]), (&json!("2"), &json!("typescript")));
    assert_eq!(again["handler_style"], "default_function");
    assert_eq!((&again["id"], &again["created_at"]), (&function["id"], &function["created_at"]));
    assert_ne!(again["revision_id"], function["revision_id"]);
    assert_eq!((&again["memory_mb"], &again["timeout_s"], &again["env"]), (&json!(128), &json!(3), &json!([])));

    app.service().delete("/admin/v1/functions/echo").await.assert_status(204);
    app.service().get("/admin/v1/functions/echo").await.assert_status(404).problem();
    app.service().delete("/admin/v1/functions/echo").await.assert_status(404).problem();
    app.invoke("echo", &json!({})).await.assert_status(404).problem();
}

#[tokio::test]
async fn functions_are_listed_page_by_page() {
    let app = TestApp::start().await;
    for name in ["b", "a", "c"] {
        app.deploy(name, ECHO, json!({})).await;
    }
    let names = |page: &Value| -> Vec<String> {
        let functions = page["functions"].as_array().expect("a list").iter();
        functions.map(|function| function["name"].as_str().expect("a name").to_owned()).collect()
    };
    let first = app.service().get("/admin/v1/functions?limit=2").await.json();
    assert_eq!((names(&first), &first["next_after"]), (vec!["a".to_owned(), "b".to_owned()], &json!("b")));
    let last = app.service().get("/admin/v1/functions?limit=2&after=b").await.json();
    assert_eq!((names(&last), last.get("next_after")), (vec!["c".to_owned()], None));
    for query in ["limit=0", "limit=1001", "limit=x", "after=no/name", "page=1"] {
        app.service().get(&format!("/admin/v1/functions?{query}")).await.assert_status(400).problem();
    }
}

#[tokio::test]
async fn only_the_service_key_deploys() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let config = json!({});
    app.nobody().put_function("echo", JAVASCRIPT, ECHO, &config).await.assert_status(401).problem();
    app.anon().put_function("echo", JAVASCRIPT, ECHO, &config).await.assert_status(403).problem();
    ada.put_function("echo", JAVASCRIPT, ECHO, &config).await.assert_status(403).problem();
    for path in ["/admin/v1/functions", "/admin/v1/functions/echo", "/admin/v1/functions/echo/logs"] {
        app.anon().get(path).await.assert_status(403).problem();
    }
    app.anon().delete("/admin/v1/functions/echo").await.assert_status(403).problem();
}

#[tokio::test]
async fn a_setting_that_is_not_allowed_is_refused_with_its_name_and_limit() {
    let app = TestApp::start().await;
    let long_env: BTreeMap<String, String> = (0..50).map(|at| (format!("V{at}"), "x".repeat(100))).collect();
    let cases = [
        (json!({ "memory_mb": 127 }), "memory_mb", "128 to 10240"),
        (json!({ "memory_mb": 10241 }), "memory_mb", "128 to 10240"),
        (json!({ "memory_mb": "128" }), "memory_mb", "128 to 10240"),
        (json!({ "timeout_s": 0 }), "timeout_s", "1 to 900"),
        (json!({ "timeout_s": 901 }), "timeout_s", "1 to 900"),
        (json!({ "timeout_s": 1.5 }), "timeout_s", "1 to 900"),
        (json!({ "handler": "../main.handler" }), "handler", "index."),
        (json!({ "handler": "index" }), "handler", "index."),
        (json!({ "verify_jwt": "no" }), "verify_jwt", "true or false"),
        (json!({ "network": "private" }), "network", "none"),
        (json!({ "network": ["http://x/"] }), "network", "host name"),
        (json!({ "description": "x".repeat(257) }), "description", "256"),
        (json!({ "env": ["A"] }), "env", "object"),
        (json!({ "env": { "1A": "x" } }), "env.1A", "letters"),
        (json!({ "env": { "A-B": "x" } }), "env.A-B", "letters"),
        (json!({ "env": { "": "x" } }), "env.", "letters"),
        (json!({ "env": { "A": 1 } }), "env.A", "text"),
        (json!({ "env": { "A": "x\u{0}y" } }), "env.A", "NUL"),
        (json!({ "env": { "_HANDLER": "x" } }), "env._HANDLER", "runtime"),
        (json!({ "env": long_env }), "env", "4096"),
        (json!({ "memory": 128 }), "memory", "memory_mb"),
        (json!([]), "x-plinth-config", "object"),
    ];
    for (config, field, says) in cases {
        let refused = app.service().put_function("bad", JAVASCRIPT, ECHO, &config).await;
        let problem = refused.assert_status(400).problem();
        assert_eq!(problem["errors"][0]["field"], field, "{config}: {problem}");
        let message = problem["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{config}: {message:?} does not say {says:?}");
    }
    let all_at_once = json!({ "memory_mb": 1, "timeout_s": 0, "colour": "red" });
    let problem = app.service().put_function("bad", JAVASCRIPT, ECHO, &all_at_once).await.problem();
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(3));
    let no_json = app.service().put("/admin/v1/functions/bad").header("content-type", JAVASCRIPT);
    no_json.header("x-plinth-config", "{").body(ECHO).await.assert_status(400).problem();
    app.service().get("/admin/v1/functions/bad").await.assert_status(404);
}

#[tokio::test]
async fn names_and_content_types_that_are_not_accepted_are_refused() {
    let app = TestApp::start().await;
    let long = "x".repeat(65);
    for name in ["a.b", "a%20b", "a%2Fb", "%00", long.as_str(), "%C3%A4"] {
        let refused = app.service().put_function(name, JAVASCRIPT, ECHO, &json!({})).await;
        assert!(matches!(refused.status(), 400 | 404), "{name} answered {}", refused.status());
    }
    for (kind, says) in [
        ("application/json", "text/javascript"),
        ("text/plain", "application/typescript"),
        ("text/javascript; charset=latin1", "UTF-8"),
    ] {
        let refused = app.service().put_function("f", kind, ECHO, &json!({})).await;
        let problem = refused.assert_status(415).problem();
        assert!(problem["detail"].as_str().unwrap_or_default().contains(says), "{kind}: {problem}");
    }
    let zip = app.service().put_function("f", JAVASCRIPT, "PK\u{3}\u{4}rest", &json!({})).await;
    assert!(zip.assert_status(415).text().contains("application/zip"));
    let no_zip = app.service().put_function("f", "application/zip", ECHO, &json!({})).await;
    assert!(no_zip.assert_status(422).text().contains("it is none"));
    for kind in
        ["text/javascript", "application/javascript", "application/typescript", "text/typescript", "application/x-typescript"]
    {
        app.service().put_function("f", kind, ECHO, &json!({})).await;
    }
    app.service().put_function("f", "text/javascript; charset=UTF-8", ECHO, &json!({})).await.assert_status(200);
}

#[tokio::test]
async fn a_source_that_is_wrong_is_refused_with_its_place_and_changes_nothing() {
    let app = TestApp::start().await;
    app.deploy("f", ECHO, json!({})).await;
    let syntax =
        app.service().put_function("f", JAVASCRIPT, "const x = 1;\nexport const handler = async ( => 1;", &json!({})).await;
    let problem = syntax.assert_status(422).problem();
    assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["line"]), (&json!("index.js"), &json!(2)), "{problem}");
    assert!(problem["errors"][0]["column"].is_u64(), "{problem}");
    let cases = [
        (TYPESCRIPT, "export const handler = async (: string) => 1;"),
        (JAVASCRIPT, "export const other = 1;"),
        (JAVASCRIPT, "import x from './missing.js';\nexport const handler = () => x;"),
        (JAVASCRIPT, "import fs from 'left-pad';\nexport const handler = () => fs;"),
        (JAVASCRIPT, ""),
        (JAVASCRIPT, "   \n"),
    ];
    for (kind, source) in cases {
        app.service().put_function("f", kind, source, &json!({})).await.assert_status(422).problem();
    }
    let nested = format!("export const handler = () => {}1{};", "(".repeat(200_000), ")".repeat(200_000));
    app.service().put_function("f", JAVASCRIPT, &nested, &json!({})).await.assert_status(422).problem();
    assert_eq!(app.service().get("/admin/v1/functions/f").await.json()["version"], "1");
    app.invoke("f", &json!({})).await.assert_status(200);
}

#[tokio::test]
async fn a_source_over_the_limit_is_refused() {
    let app = TestApp::start_with("[functions]\nmax_package = \"10KB\"").await;
    let long = format!("{ECHO}\n//{}", "x".repeat(10_000));
    let refused = app.service().put_function("f", JAVASCRIPT, &long, &json!({})).await;
    assert!(refused.assert_status(413).problem()["detail"].as_str().unwrap_or_default().contains("10000"));
}

#[tokio::test]
async fn deployments_of_one_function_at_once_all_succeed_and_count_up() {
    let app = TestApp::start().await;
    let deploys = (0..8).map(|at| {
        let source = format!("export const handler = async () => {at};");
        let request = app.service().put_function("f", JAVASCRIPT, &source, &json!({}));
        async move { request.await.json()["version"].as_str().map(|version| version.parse::<u32>().expect("a number")) }
    });
    let mut versions: Vec<_> = futures_util::future::join_all(deploys).await.into_iter().flatten().collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=8).collect::<Vec<_>>());
}
