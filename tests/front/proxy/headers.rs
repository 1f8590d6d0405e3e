//! Headers that cross, headers that do not, and those that say who asks.

use super::{Talk, Upstream, header, proxied};
use crate::support::{Client, TestApp};

/// The head that the upstream sees of a request written like this.
async fn seen_of(app: &TestApp, request: &str) -> String {
    let mut client = Talk::with(&app.url()).await;
    client.say(request).await;
    let head = client.head().await.unwrap();
    String::from_utf8(client.body(&head).await.unwrap()).unwrap()
}

async fn echoed(client: &Client, path: &str) -> String {
    client.get(path).await.assert_status(200).text()
}

#[tokio::test]
async fn headers_of_one_connection_do_not_cross() {
    let upstream = Upstream::start(|mut talk| async move {
        while let Some(head) = talk.head().await {
            talk.say(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: keep-alive, X-Mine\r\nkeep-alive: timeout=5\r\nx-mine: 1\r\n\
                 proxy-authenticate: Basic\r\nupgrade: h2c\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-other: 1\r\n\r\n{head}",
                head.len()
            ))
            .await;
        }
    })
    .await;
    let app = proxied(&upstream, "").await;
    let mut client = Talk::with(&app.url()).await;
    client
        .say(
            "GET /p HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, X-Private ,x-second\r\nx-private: 1\r\nx-second: 2\r\nte: trailers\r\n\
             keep-alive: 5\r\nproxy-connection: x\r\nproxy-authorization: secret\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\nx-kept: 1\r\n\
             \r\n",
        )
        .await;
    let head = client.head().await.unwrap();
    let seen = String::from_utf8(client.body(&head).await.unwrap()).unwrap();
    for gone in [
        "connection",
        "x-private",
        "x-second",
        "te",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
        "http2-settings",
    ] {
        assert_eq!(header(&seen, gone), None, "{gone} reached the upstream");
    }
    assert_eq!(header(&seen, "x-kept"), Some("1"));
    for gone in ["x-mine", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert_eq!(header(&head, gone), None, "{gone} reached the client");
    }
    assert_eq!(header(&head, "x-other"), Some("1"));
    assert_eq!(head.matches("set-cookie: ").count(), 2);
}

#[tokio::test]
async fn the_upstream_is_told_who_asks() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    let request = "GET /p HTTP/1.1\r\nhost: www.example.com:81\r\nx-forwarded-for: 6.6.6.6\r\nx-forwarded-proto: https\r\n\
                   x-forwarded-host: evil\r\nforwarded: for=6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\nvia: 1.0 fred\r\n\r\n";
    let seen = seen_of(&app, request).await;
    assert_eq!(header(&seen, "host"), Some("www.example.com:81"));
    assert_eq!(header(&seen, "x-forwarded-for"), Some("127.0.0.1"), "what a client says of itself is not believed");
    assert_eq!(header(&seen, "x_forwarded_for"), None);
    assert_eq!(header(&seen, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(&seen, "x-forwarded-host"), Some("www.example.com:81"));
    assert_eq!(header(&seen, "forwarded"), Some("for=127.0.0.1;proto=http;host=\"www.example.com:81\""));
    assert_eq!(header(&seen, "via"), Some("1.0 fred, 1.1 plinth"));
    assert_eq!(header(&seen, "x-plinth-hops"), Some("1"));
}

#[tokio::test]
async fn the_host_is_the_configured_one() {
    let upstream = Upstream::echo().await;
    let server = proxied(&upstream, "host = \"server\"").await;
    assert_eq!(header(&echoed(&server.nobody(), "/p").await, "host"), Some(upstream.address.to_string().as_str()));
    let fixed = proxied(&upstream, "host = \"api.example.com\"").await;
    assert_eq!(header(&echoed(&fixed.nobody(), "/p").await, "host"), Some("api.example.com"));
}

#[tokio::test]
async fn request_headers_are_set_and_taken_away() {
    let upstream = Upstream::echo().await;
    let route = "request_headers = { x-real-ip = \"$remote_addr\", x-url = \"$scheme://${host}$request_uri\", cookie = \"\", \
                 x-id = \"$request_id\", x-agent = \"<$http_user_agent>\", x-price = \"1$$\" }";
    let app = proxied(&upstream, route).await;
    let mut client = Talk::with(&app.url()).await;
    client
        .say("GET /p?q=1 HTTP/1.1\r\nhost: example.com:80\r\nuser-agent: me\r\ncookie: a=b\r\nx-real-ip: 6.6.6.6\r\n\r\n")
        .await;
    let head = client.head().await.unwrap();
    let seen = String::from_utf8(client.body(&head).await.unwrap()).unwrap();
    assert_eq!(header(&seen, "x-real-ip"), Some("127.0.0.1"));
    assert_eq!(header(&seen, "x-url"), Some("http://example.com/p?q=1"));
    assert_eq!(header(&seen, "cookie"), None);
    assert_eq!(header(&seen, "x-id"), header(&head, "x-request-id"));
    assert_eq!(header(&seen, "x-agent"), Some("<me>"));
    assert_eq!(header(&seen, "x-price"), Some("1$"));
}

#[tokio::test]
async fn a_request_that_comes_round_again_is_ended() {
    let upstream = Upstream::echo().await;
    let app = proxied(&upstream, "").await;
    let seen = seen_of(&app, "GET /p HTTP/1.1\r\nhost: a\r\nx-plinth-hops: 9\r\n\r\n").await;
    assert_eq!(header(&seen, "x-plinth-hops"), Some("10"));
    for hops in ["10", "255", "many", "-1"] {
        let refused = app.nobody().get("/p").header("x-plinth-hops", hops).await;
        assert_eq!(refused.assert_status(508).problem()["type"], "/problems/loop_detected", "{hops}");
    }
    assert_eq!(upstream.heads().len(), 1);
}

#[tokio::test]
async fn redirects_are_passed_on_and_never_followed() {
    let victim = Upstream::echo().await;
    let location = format!("http://{}/secret", victim.address);
    let upstream = Upstream::answering(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
    let app = proxied(&upstream, "rewrite_location = true").await;
    let answer = app.nobody().get("/p").await;
    assert_eq!(answer.assert_status(302).header("location"), Some(location.as_str()), "another server's address stays as it is");
    assert_eq!(victim.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_the_upstream_itself_leads_to_the_clients_address() {
    let upstream = Upstream::start(|mut talk| async move {
        while let Some(head) = talk.head().await {
            let host = header(&head, "host").unwrap();
            talk.say(format!("HTTP/1.1 301 Moved\r\nlocation: http://{host}/p/new?a#b\r\ncontent-length: 0\r\n\r\n")).await;
        }
    })
    .await;
    let plain = proxied(&upstream, "host = \"server\"").await;
    let expected = format!("http://{}/p/new?a#b", upstream.address);
    assert_eq!(plain.nobody().get("/p").await.header("location"), Some(expected.as_str()));
    let rewritten = proxied(&upstream, "host = \"server\"\nrewrite_location = true").await;
    let expected = format!("{}/p/new?a#b", rewritten.url());
    assert_eq!(rewritten.nobody().get("/p").await.header("location"), Some(expected.as_str()));
}
