//! What operators see and change over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

const CONFIG: &str = "
[[upstreams]]
name = \"api\"
servers = [\"127.0.0.1:9001\", { address = \"127.0.0.1:9002\", weight = 3, backup = true }]
slow_start = \"1h\"

[[upstreams]]
name = \"kept\"
servers = [\"127.0.0.1:9003\"]
keep_changes = true

[[sites]]
hosts = [\"www.example.com\"]

[[sites.routes]]
path = \"/api\"
methods = \"GET\"
upstream = \"api\"
";

fn addresses(upstream: &Value) -> Vec<&str> {
    upstream["backends"].as_array().unwrap().iter().map(|backend| backend["address"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_the_front_and_change_its_upstreams() {
    let app = TestApp::start_with(CONFIG).await;
    let service = app.service();

    let front = service.get("/admin/v1/front").await.assert_status(200).json();
    assert_eq!(front["sites"][0]["hosts"], json!(["www.example.com"]));
    assert_eq!(
        front["sites"][0]["routes"],
        json!([{"matches": "prefix", "path": "/api", "methods": ["GET"], "action": "upstream api"}])
    );
    let api = &front["upstreams"][0];
    assert_eq!((api["name"].as_str(), api["balance"].as_str()), (Some("api"), Some("round_robin")));
    let backup = &api["backends"][1];
    let expected = json!({
        "address": "127.0.0.1:9002", "name": "127.0.0.1:9002", "state": "well", "why": null, "ejected_until": null,
        "checked_at": null, "weight": 3, "share_percent": 100, "max_connections": 0, "backup": true, "draining": false,
        "origin": "configuration", "connections": 0, "requests": 0, "failures": 0, "latency_ms": null,
    });
    assert_eq!(backup, &expected);

    let added = service.post("/admin/v1/front/upstreams/api/backends").json(&json!({"address": "[::1]:80", "weight": 2})).await;
    let added = added.assert_status(201).json();
    assert_eq!(added["lasts"], "until_reload");
    assert_eq!(addresses(&added["upstream"]), ["127.0.0.1:9001", "127.0.0.1:9002", "[::1]:80"]);
    assert_eq!(added["upstream"]["backends"][2]["share_percent"], 1);

    let path = "/admin/v1/front/upstreams/api/backends/127.0.0.1:9001";
    let drained = service.request(Method::PATCH, path).json(&json!({"drain": true, "weight": 5})).await;
    let drained = drained.assert_status(200).json()["upstream"]["backends"][0].clone();
    assert_eq!((&drained["state"], &drained["weight"], &drained["origin"]), (&json!("draining"), &json!(5), &json!("changed")));

    let removed = service.delete("/admin/v1/front/upstreams/api/backends/%5B::1%5D:80").await;
    let removed = removed.assert_status(200).json();
    assert_eq!(addresses(&removed["upstream"]), ["127.0.0.1:9001", "127.0.0.1:9002"]);
    let kept = service.delete("/admin/v1/front/upstreams/kept/backends/127.0.0.1:9003").await;
    assert_eq!(kept.assert_status(200).json()["lasts"], "until_restart");

    let metrics = app.nobody().get("/metrics").await.text();
    let up = "plinth_upstream_backend_up{upstream=\"api\",backend=\"127.0.0.1:9002\"} 1";
    assert!(metrics.contains(up), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_changed_is_told_why() {
    let app = TestApp::start_with(CONFIG).await;
    let service = app.service();
    let backends = "/admin/v1/front/upstreams/api/backends";
    let refused = service.post(backends).json(&json!({"address": "nowhere", "weight": 0})).await;
    let errors = refused.assert_status(400).problem()["errors"].clone();
    let fields: Vec<_> = errors.as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["weight", "address"]);
    let again = service.post(backends).json(&json!({"address": "127.0.0.1:9001"})).await;
    let detail = again.assert_status(409).problem()["detail"].clone();
    assert_eq!(detail, "the upstream api has the server 127.0.0.1:9001 already");
    let unknown = service.request(Method::PATCH, &format!("{backends}/127.0.0.1:1")).json(&json!({"drain": true})).await;
    unknown.assert_status(404).problem();
    let nothing = service.request(Method::PATCH, &format!("{backends}/127.0.0.1:9001")).json(&json!({})).await;
    nothing.assert_status(400).problem();
    let extra = service.request(Method::PATCH, &format!("{backends}/127.0.0.1:9001")).json(&json!({"wieght": 2})).await;
    extra.assert_status(400).problem();
    service.delete("/admin/v1/front/upstreams/none/backends/127.0.0.1:1").await.assert_status(404).problem();
    for path in ["/admin/v1/front", backends] {
        app.nobody().get(path).await.assert_status(if path == backends { 404 } else { 401 });
    }
    app.anon().get("/admin/v1/front").await.assert_status(403);
    app.anon().delete(&format!("{backends}/127.0.0.1:9001")).await.assert_status(403);
    app.nobody().post(backends).json(&json!({"address": "127.0.0.1:9"})).await.assert_status(401);
}
