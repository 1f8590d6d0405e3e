//! `/functions/v1/{name}`: what the function sees and what the caller gets.

use serde_json::{Value, json};

use super::ECHO;
use crate::support::TestApp;

/// Answers the request as JSON.
const MIRROR: &str = "export default { async fetch(req, env, ctx) {
    const url = new URL(req.url);
    return Response.json({
        method: req.method, path: url.pathname, query: url.search, headers: Object.fromEntries(req.headers),
        body: await req.text(), claims: ctx.claims ?? null,
    }, { status: 203, headers: { 'x-of-function': 'yes' } });
} };";

#[tokio::test]
async fn a_web_handler_sees_method_path_query_headers_body_and_claims() {
    let app = TestApp::start().await;
    app.deploy("mirror", MIRROR, json!({})).await;
    let ada = app.sign_up("ada@example.com").await;
    let answer =
        ada.put("/functions/v1/mirror/a%20b/c?x=1&y=%C3%A4").header("x-own", "1").header("te", "trailers").body("hello").await;
    answer.assert_status(203);
    assert_eq!(answer.header("x-of-function"), Some("yes"));
    let seen = answer.json();
    assert_eq!((&seen["method"], &seen["body"]), (&json!("PUT"), &json!("hello")));
    assert_eq!(seen["path"], "/functions/v1/mirror/a%20b/c");
    assert_eq!(seen["query"], "?x=1&y=%C3%A4");
    assert_eq!(seen["headers"]["x-own"], "1");
    assert_eq!(seen["headers"].get("te"), None);
    assert_eq!(seen["headers"]["authorization"], format!("Bearer {}", ada.access_token));
    assert_eq!(seen["claims"]["sub"], ada.id.as_str());
}

#[tokio::test]
async fn a_lambda_handler_gets_the_function_url_event() {
    let app = TestApp::start().await;
    app.deploy(
        "event",
        "export const handler = async (event, context) => ({ event, memory: context.memoryLimitInMB });",
        json!({}),
    )
    .await;
    let answer = app.anon().post("/functions/v1/event/sub?x=1").json(&json!({ "a": 1 })).await;
    let body = answer.assert_status(200).json();
    assert_eq!(body["event"]["version"], "2.0");
    assert_eq!(body["event"]["requestContext"]["http"]["method"], "POST");
    assert_eq!(body["event"]["queryStringParameters"], json!({ "x": "1" }));
    assert_eq!(body["event"]["body"], "{\"a\":1}");
    assert_eq!(body["event"]["requestContext"]["requestId"].as_str(), answer.header("x-request-id"));
    assert_eq!(body["memory"], "128");
}

#[tokio::test]
async fn the_phases_the_version_and_the_request_id_are_on_every_answer() {
    let app = TestApp::start().await;
    app.deploy("echo", ECHO, json!({})).await;
    let phases = |answer: &crate::support::Response| -> Vec<(String, f64)> {
        let header = answer.header("server-timing").expect("Server-Timing").to_owned();
        let phase = |part: &str| {
            let (name, time) = part.trim().split_once(";dur=").expect("a phase");
            (name.to_owned(), time.parse().expect("a time"))
        };
        header.split(',').map(phase).collect()
    };
    let cold = app.invoke("echo", &json!({})).await;
    let (cold_phases, warm) = (phases(&cold), app.invoke("echo", &json!({})).await);
    let names: Vec<_> = cold_phases.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["download", "environment", "init", "handler"]);
    assert!(cold_phases.iter().all(|(_, time)| *time > 0.0), "{cold_phases:?}");
    let warm_phases = phases(&warm);
    assert!(warm_phases[..3].iter().all(|(_, time)| *time == 0.0) && warm_phases[3].1 > 0.0, "{warm_phases:?}");
    assert_eq!(warm.header("x-plinth-function-version"), Some("1"));
    assert_ne!(cold.header("x-request-id"), warm.header("x-request-id"));
    for refused in [app.nobody().get("/functions/v1/echo").await, app.anon().get("/functions/v1/none").await] {
        assert_eq!(phases(&refused).len(), 4);
        assert!(refused.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn a_key_or_a_token_is_needed_unless_the_function_says_otherwise() {
    let app = TestApp::start().await;
    app.deploy("closed", ECHO, json!({})).await;
    app.deploy("open", ECHO, json!({ "verify_jwt": false })).await;
    app.nobody().get("/functions/v1/closed").await.assert_status(401).problem();
    app.nobody().get("/functions/v1/open").await.assert_status(200);
    let forged = app.bearer("eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.");
    forged.get("/functions/v1/closed").await.assert_status(401).problem();
    forged.get("/functions/v1/open").await.assert_status(200);
    app.anon().get("/functions/v1/closed").await.assert_status(200);
    let ada = app.sign_up("ada@example.com").await;
    ada.get("/functions/v1/closed").await.assert_status(200);
    ada.post("/auth/v1/logout").await.assert_status(204);
    ada.get("/functions/v1/closed").await.assert_status(401).problem();
}

#[tokio::test]
async fn the_service_key_never_reaches_a_function() {
    let app = TestApp::start().await;
    app.deploy("mirror", MIRROR, json!({})).await;
    let key = app.key("service_key").to_owned();
    let everywhere = app.service().get(&format!("/functions/v1/mirror?apikey={key}&x=1")).header("x-copy", &key).await;
    let seen = everywhere.assert_status(203);
    assert!(!seen.text().contains(&key), "{}", seen.text());
    assert_eq!(seen.json()["query"], "?x=1");
    assert_eq!(seen.json()["claims"]["role"], "service_role");
    let as_user = app.anon().get("/functions/v1/mirror").header("x-copy", &key).await;
    assert!(!as_user.text().contains(&key));
    assert!(as_user.text().contains(app.key("anon_key")));
}

#[tokio::test]
async fn browsers_of_any_origin_may_call() {
    let app = TestApp::start().await;
    app.deploy("mirror", MIRROR, json!({})).await;
    let own = "export default () => new Response('x', { headers: { 'access-control-allow-origin': 'https://a.example' } })";
    app.deploy("own", own, json!({})).await;
    let preflight = app.nobody().request(reqwest::Method::OPTIONS, "/functions/v1/mirror").header("origin", "https://b.example");
    let preflight =
        preflight.header("access-control-request-method", "POST").header("access-control-request-headers", "x-a").await;
    preflight.assert_status(204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-a"));
    let plain = app.nobody().request(reqwest::Method::OPTIONS, "/functions/v1/mirror").await;
    plain.assert_status(401);
    assert_eq!(plain.header("access-control-allow-origin"), Some("*"));
    let options = app.anon().request(reqwest::Method::OPTIONS, "/functions/v1/mirror").await;
    assert_eq!(options.assert_status(203).json()["method"], "OPTIONS");
    assert_eq!(options.header("access-control-allow-origin"), Some("*"));
    assert_eq!(app.anon().get("/functions/v1/own").await.header("access-control-allow-origin"), Some("https://a.example"));
}

#[tokio::test]
async fn what_is_the_servers_to_say_does_not_come_from_the_function() {
    let app = TestApp::start().await;
    let source = "export const handler = async () => ({ statusCode: 200, body: 'four', headers: {
        'x-request-id': 'mine', 'content-length': '9', 'transfer-encoding': 'chunked', connection: 'close', 'server-timing': 'x;dur=1',
        'x-plinth-function-version': '9', 'x-own': 'kept' }, cookies: ['a=1', 'b=2'] });";
    app.deploy("f", source, json!({})).await;
    let answer = app.anon().get("/functions/v1/f").await;
    assert_eq!((answer.assert_status(200).text(), answer.header("x-own")), ("four".to_owned(), Some("kept")));
    assert_eq!(answer.header("x-plinth-function-version"), Some("1"));
    assert_ne!(answer.header("x-request-id"), Some("mine"));
    assert!(answer.header("server-timing").is_some_and(|timing| timing.starts_with("download")));
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
    app.anon().head("/functions/v1/f").await.assert_status(200);
}

#[tokio::test]
async fn answers_that_are_no_http_become_502() {
    let app = TestApp::start().await;
    for (name, answer) in [
        ("status", json!({ "statusCode": 99, "body": "x" })),
        ("name", json!({ "statusCode": 200, "headers": { "a b": "c" } })),
        ("value", json!({ "statusCode": 200, "headers": { "a": "b\nc: d" } })),
    ] {
        app.deploy(name, &format!("export const handler = async () => ({answer});"), json!({})).await;
        let refused = app.anon().get(&format!("/functions/v1/{name}")).await;
        assert_eq!(refused.assert_status(502).header("x-amz-function-error"), Some("Unhandled"));
        assert!(refused.json()["errorType"].is_string());
    }
}

#[tokio::test]
async fn bodies_are_passed_as_they_are_up_to_the_limit() {
    let app = TestApp::start().await;
    let source = "export default async (req) => new Response(await req.arrayBuffer())";
    app.deploy("bytes", source, json!({ "timeout_s": 30, "memory_mb": 512 })).await;
    let bytes: Vec<u8> = (0..6 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    let whole = app.anon().post("/functions/v1/bytes").body(bytes.clone()).await;
    assert!(whole.assert_status(200).bytes() == bytes, "6 MiB come back as they went");
    let mut longer = bytes;
    longer.push(0);
    app.deploy("event", ECHO, json!({})).await;
    let refused = app.anon().post("/functions/v1/event").body(longer).await;
    assert!(refused.assert_status(413).problem()["detail"].as_str().unwrap_or_default().contains("6291456"));
}

#[tokio::test]
async fn variables_are_the_functions_own_and_nothing_else_is_there() {
    let app = TestApp::start().await;
    let source = "export const handler = async () => ({ ...process.env });";
    app.deploy("env", source, json!({ "env": { "GREETING": "grüß dich" } })).await;
    let env: Value = app.invoke("env", &json!({})).await.json();
    assert_eq!(env["GREETING"], "grüß dich");
    assert_eq!(env.get("PLINTH_CONFIG"), None);
    assert_eq!(env.get("PATH"), None);
}
