//! Functions behind routes.

use reqwest::Method;
use serde_json::{Value, json};

use super::{sites, write};

const SITES: &str = r#"
[[sites]]
hosts = "a.example"
headers = { x-site = "a" }

[[sites.routes]]
path = "/api/locked"
function = "locked"

[[sites.routes]]
path = "/api"
function = "echo"

[[sites.routes]]
path = "/v1"
rewrite = { "^/v1/(.*)$" = "/other/$1?from=v1" }
function = "echo"

[[sites.routes]]
path = "/none"
function = "none"

[[sites]]
hosts = "pages.example"
root = "ROOT"
error_pages = { 500 = "/500.html" }

[[sites.routes]]
path = "/caught"
function = "echo"
intercept_errors = true

[[sites.routes]]
path = "/passed"
function = "echo"
"#;

const ECHO: &str = r#"
    export default { async fetch(request) {
        const body = await request.text();
        return Response.json({ method: request.method, url: request.url, path: request.url.replace(/^https?:\/\/[^/]*/, ""), body,
            custom: request.headers.get("x-custom") }, { status: Number(request.headers.get("x-status") ?? 200), headers: { "retry-after": "7" } });
    } };
"#;

#[tokio::test]
async fn a_route_calls_a_function_with_the_request_as_it_came() {
    let (app, _folder) = sites(SITES, |_| {}).await;
    app.deploy("echo", ECHO, json!({ "verify_jwt": false })).await;
    app.deploy("locked", ECHO, json!({})).await;
    let at = |method: Method, path: &str| app.nobody().request(method, path).header("host", "a.example");
    let answer = at(Method::POST, "/api/x%20y?q=1&r").header("x-custom", "yes").body("the body").await;
    let seen: Value = answer.assert_status(200).json();
    assert_eq!(
        seen,
        json!({ "method": "POST", "url": "http://a.example/api/x%20y?q=1&r", "path": "/api/x%20y?q=1&r", "body": "the body", "custom": "yes" })
    );
    assert_eq!((answer.header("x-site"), answer.header("access-control-allow-origin")), (Some("a"), None));
    assert!(answer.header("server-timing").is_some());
    let rewritten = at(Method::GET, "/v1/x%20y?q=1").await.json();
    assert_eq!(rewritten["path"], "/other/x%20y?from=v1&q=1");
    at(Method::GET, "/none").await.assert_status(404);
    // A function that needs a token needs it here, too.
    at(Method::GET, "/api/locked").await.assert_status(401);
    let key = format!("Bearer {}", app.key("anon_key"));
    at(Method::GET, "/api/locked").header("authorization", &key).await.assert_status(200);
}

#[tokio::test]
async fn a_long_body_goes_through_whole() {
    let (app, _folder) = sites(SITES, |_| {}).await;
    let source = "export default { async fetch(request) { return new Response(request.body, { headers: { 'content-type': 'text/plain' } }); } };";
    app.deploy("echo", source, json!({ "verify_jwt": false })).await;
    let body: String = (0..200_000).map(|line| format!("{line}\n")).collect();
    let answer = app.nobody().post("/api").header("host", "a.example").body(body.clone()).await;
    assert!(answer.assert_status(200).text() == body, "what came back is not what was sent");
}

#[tokio::test]
async fn error_pages_stand_for_a_functions_errors_where_the_route_says_so() {
    let (app, _folder) = sites(SITES, |root| write(root, "500.html", "sorry")).await;
    app.deploy("echo", ECHO, json!({ "verify_jwt": false })).await;
    let at = |path: &str, status: &str| app.nobody().get(path).header("host", "pages.example").header("x-status", status);
    let caught = at("/caught", "500").await;
    assert_eq!((caught.assert_status(500).text().as_str(), caught.header("retry-after")), ("sorry", Some("7")));
    assert_eq!(caught.header("content-type"), Some("text/html; charset=utf-8"));
    for (path, status) in [("/caught", "503"), ("/caught", "200"), ("/passed", "500")] {
        let answer = at(path, status).await;
        assert_eq!(answer.assert_status(status.parse().unwrap()).json()["method"], "GET", "{path} {status}");
    }
}
