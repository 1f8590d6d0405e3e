//! Whose site a request is for.

use super::{raw, sites, write};

const SITES: &str = r#"
[site]
root = "ROOT/default"

[[sites]]
hosts = ["www.example.com", "example.com"]
root = "ROOT/exact"

[[sites]]
hosts = "*.example.com"
root = "ROOT/wildcard"

[[sites]]
hosts = "*.deep.example.com"
root = "ROOT/deep"

[[sites]]
hosts = "with-apis.example.org"
root = "ROOT/exact"
apis = true

[[sites]]
hosts = "[::1]"
root = "ROOT/address"
"#;

fn fill(root: &std::path::Path) {
    for name in ["default", "exact", "wildcard", "deep", "address"] {
        write(root, &format!("{name}/index.html"), name);
    }
}

#[tokio::test]
async fn a_host_is_found_whole_then_by_the_longest_wildcard_then_by_default() {
    let (app, _folder) = sites(SITES, fill).await;
    for (host, served) in [
        ("example.com", "exact"),
        ("WWW.Example.COM", "exact"),
        ("www.example.com:8443", "exact"),
        ("www.example.com.", "exact"),
        ("www.example.com.:80", "exact"),
        ("a.example.com", "wildcard"),
        ("a.b.example.com", "wildcard"),
        ("a.deep.example.com", "deep"),
        ("a.b.deep.example.com", "deep"),
        ("deep.example.com", "wildcard"),
        ("notexample.com", "default"),
        ("example.com.evil.org", "default"),
        ("127.0.0.1", "default"),
        ("[::1]:80", "address"),
        ("under_score.org", "default"),
    ] {
        let answer = app.nobody().get("/").header("host", host).await;
        assert_eq!(answer.assert_status(200).text(), served, "{host}");
    }
}

#[tokio::test]
async fn the_host_is_what_the_request_itself_says() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |target: &str, headers: &str| raw(&app, &format!("GET {target} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"));
    for headers in [
        "",
        "host:\r\n",
        "host: a.example.com\r\nhost: a.example.com\r\n",
        "host: a.example.com\r\nhost: example.com\r\n",
        "host: user@example.com\r\n",
        "host: example.com/path\r\n",
        "host: example.com:port\r\n",
        "host: example.com:80:80\r\n",
        "host: exa mple.com\r\n",
        "host: a,b\r\n",
        "host: [::1\r\n",
        "host: [::1]x\r\n",
        "host: .\r\n",
        "host: \u{e9}.example.com\r\n",
        "host: example.com\t\u{b}\r\n",
    ] {
        let answer = get("/", headers);
        assert_eq!(answer.status, 400, "{headers:?}: {}", answer.text);
    }
    // What a proxy says about the host is no address of anything.
    let forwarded = get("/", "host: example.com\r\nx-forwarded-host: a.example.com\r\nforwarded: host=a.example.com\r\n");
    assert!(forwarded.text.ends_with("exact"), "{}", forwarded.text);
    // A target with a host of its own must not differ from the header.
    assert!(get("http://example.com/", "host: example.com\r\n").text.ends_with("exact"));
    assert_eq!(get("http://a.example.com/", "host: example.com\r\n").status, 400);
    let old = raw(&app, "GET / HTTP/1.0\r\n\r\n");
    assert!(old.text.ends_with("default"), "HTTP/1.0 needs no host: {}", old.text);
}

#[tokio::test]
async fn the_apis_answer_where_a_site_says_so() {
    let (app, _folder) = sites(SITES, fill).await;
    let at = |path: &'static str, host: &'static str| app.nobody().get(path).header("host", host);
    at("/health/ready", "nobody.example.net").await.assert_status(200);
    at("/health/ready", "with-apis.example.org").await.assert_status(200);
    for path in ["/health/ready", "/admin/v1/status", "/rest/v1/", "/metrics", "/openapi.json", "/docs/"] {
        let answer = at(path, "www.example.com").await;
        assert!(answer.assert_status(404).text().contains("<html"), "{path} is the site's");
    }
    // A malformed host reaches no API either.
    assert_eq!(raw(&app, "GET /health/ready HTTP/1.1\r\nhost: a@b\r\nconnection: close\r\n\r\n").status, 400);
}
