//! The way to HTTPS, and that browsers stay there.

use rustls::version::TLS13;

use super::pki::{connect, issue, trusting};
use super::{listeners, raw};
use crate::support::TestApp;

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.split("\r\n").take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_requests_are_sent_on_and_answers_by_tls_keep_browsers() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    std::fs::create_dir_all(site.join(".well-known/acme-challenge")).unwrap();
    std::fs::write(site.join(".well-known/acme-challenge/token"), "proof").unwrap();
    std::fs::write(site.join("index.html"), "home").unwrap();
    let issued = issue(folder.path(), "one", &["a.example"], 90);
    let config = format!(
        "[server]\nhsts = \"1y, includeSubDomains\"\n[site]\nroot = {site:?}\n{}\
         [[listeners]]\naddress = \"127.0.0.1:0\"\n[[listeners]]\naddress = \"127.0.0.1:0\"\ntls = false\nredirect_to_https = true\n",
        issued.table()
    );
    let app = TestApp::start_with(&config).await;
    let listeners = listeners(&app).await;
    let (tls, plain) = (&listeners[0], &listeners[1]);
    let port = tls.rsplit(':').next().unwrap();
    let get = |path: &str, host: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");

    let sent_on = raw::send(plain, get("/deep?q=%0d%0aX: y", "A.example:8080").as_bytes()).await;
    assert_eq!(raw::statuses(&sent_on), [400], "a blank ends the address: {sent_on}");
    let sent_on = raw::send(plain, get("/deep?q=%0d%0aX", "a.example:8080").as_bytes()).await;
    assert_eq!(raw::statuses(&sent_on), [308], "{sent_on}");
    assert_eq!(header(&sent_on, "location"), Some(format!("https://a.example:{port}/deep?q=%0d%0aX").as_str()));
    assert_eq!(header(&sent_on, "strict-transport-security"), None, "not told without TLS");
    let posted = raw::send(plain, b"POST /x HTTP/1.1\r\nhost: [::1]:80\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert_eq!(header(&posted, "location"), Some(format!("https://[::1]:{port}/x").as_str()));
    let bad = raw::send(plain, get("/", "a.example/@evil.example").as_bytes()).await;
    assert_eq!(raw::statuses(&bad), [400], "{bad}");

    let proof = raw::send(plain, get("/.well-known/acme-challenge/token", "a.example").as_bytes()).await;
    assert!(proof.ends_with("proof"), "{proof}");
    // server.listen was not told to, and functions reach their own server by the private listener.
    app.nobody().get("/").await.assert_status(200);

    let client = trusting(&[&issued], &["http/1.1"], &[&TLS13]);
    let mut stream = connect(tls, "a.example", &client).await.unwrap();
    let answer = raw::exchange(&mut stream, get("/", "a.example").as_bytes()).await;
    assert_eq!(raw::statuses(&answer), [200]);
    assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_begins_and_ends_it() {
    let app = TestApp::start_with("[server]\nredirect_to_https = false\n").await;
    app.nobody().get("/").await.assert_status(200);
    app.configure("[server]\nredirect_to_https = true\ntrusted_proxies = [\"127.0.0.1\"]\n");
    app.service().post("/admin/v1/reload").await.assert_status(200);
    let sent_on = app.nobody().get("/x").header("host", "www.example.com").await;
    assert_eq!(sent_on.assert_status(308).header("location"), Some("https://www.example.com/x"));
    // A proxy that is trusted, and spoke TLS with the client, is not sent there again.
    app.nobody().get("/").header("x-forwarded-proto", "https").await.assert_status(200);
    app.configure("[server]\nredirect_to_https = false\n");
    app.service().post("/admin/v1/reload").header("x-forwarded-proto", "https").await.assert_status(200);
    app.nobody().get("/").await.assert_status(200);
}

#[test]
fn what_hsts_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let checks = |value: &str| {
        std::fs::write(folder.path().join("plinth.toml"), format!("[server]\nhsts = {value:?}\n")).unwrap();
        crate::support::run_plinth(folder.path(), &["check"], &[]).status.success()
    };
    for good in ["1y", "180d", "0s", "1y, includeSubDomains", "2y, includeSubDomains, preload"] {
        assert!(checks(good), "{good}");
    }
    for bad in ["1", "y", "1y preload", "1y, preload", "1d, includeSubDomains, preload", "1y, \r\nx: y", "999999999999y"] {
        assert!(!checks(bad), "{bad}");
    }
}
