//! What a function may not reach.

use serde_json::json;

use super::upstream::Upstream;
use super::{deploy, run};
use crate::functions::streaming::logged;
use crate::support::TestApp;

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!("public")).await;
    let port = upstream.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let got = run(&app, &format!("return await fetch('http://{host}:{port}/hello')")).await;
        assert_eq!(got["error"], "TypeError", "{host}: {got}");
        let message = got["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("fetch failed: ") && message.contains(" ("), "{host}: {message}");
    }
    assert_eq!(upstream.count(|seen| &seen.connections), 0, "nothing arrived");
    let line = logged(&app, "run", "an outbound request was refused: localhost").await;
    assert!(line.contains("set `network: [\"localhost\"]`"), "{line}");
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://localhost/"] {
        let got = run(&app, &format!("return await fetch('{url}')")).await;
        assert!(got["message"].as_str().is_some_and(|message| message.contains("is not http: or https:")), "{url}: {got}");
    }
    let metrics = app.service().get("/metrics").await.text();
    assert!(metrics.contains("plinth_function_fetches_total{outcome=\"refused\"}"), "{metrics}");
}

#[tokio::test]
async fn a_redirect_does_not_lead_past_the_rules() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost"])).await;
    let port = upstream.address.port();
    for target in
        [format!("http://127.0.0.1:{port}/hello"), "http://169.254.169.254/".to_owned(), format!("http://[::1]:{port}/")]
    {
        let got = run(&app, &format!("return await fetch('{}')", upstream.url(&format!("/redirect?to={target}")))).await;
        assert_eq!(got["error"], "TypeError", "{target}: {got}");
    }
    assert_eq!(upstream.count(|seen| &seen.requests), 0);
}

#[tokio::test]
async fn the_network_setting_is_what_it_says() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    let (hello, port) = (upstream.url("/hello"), upstream.address.port());
    let code = format!("return await (await fetch('{hello}')).text()");
    deploy(&app, json!("none")).await;
    let got = run(&app, &code).await;
    assert!(got["message"].as_str().is_some_and(|message| message.contains("network: \"none\"")), "{got}");
    deploy(&app, json!(["example.com"])).await;
    let got = run(&app, &code).await;
    assert!(got["message"].as_str().is_some_and(|message| message.contains("not in the function's list")), "{got}");
    for (list, works) in [
        (json!([format!("localhost:{port}")]), true),
        (json!(["localhost:1"]), false),
        (json!(["LocalHost"]), true),
        (json!(["*.localhost"]), false),
        (json!([]), false),
    ] {
        deploy(&app, list.clone()).await;
        let got = run(&app, &code).await;
        assert_eq!(got == "hello", works, "{list}: {got}");
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_with_its_host() {
    let app = TestApp::start().await;
    deploy(&app, json!(["localhost", "nowhere.invalid"])).await;
    for (url, host) in [
        ("http://localhost:9/", "blocked"),
        ("http://localhost:59/", "localhost: "),
        ("http://nowhere.invalid/", "nowhere.invalid: "),
    ] {
        let got = run(&app, &format!("return await fetch('{url}')")).await;
        assert_eq!(got["error"], "TypeError", "{url}: {got}");
        assert!(got["message"].as_str().is_some_and(|message| message.contains(host)), "{url}: {got}");
    }
}
