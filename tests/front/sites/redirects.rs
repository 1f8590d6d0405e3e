//! Where redirects lead, and what a path cannot make of them.

use plinth::front::untrusted::redirect;
use proptest::prelude::*;

use super::{raw_get, sites, write};

const SITES: &str = r#"
[[sites]]
hosts = ["a.example", "b.example"]
root = "ROOT"

[[sites.routes]]
path = "/old"
redirect = "/new/${rest}"
status = 301

[[sites.routes]]
regex = '^/posts/(?P<year>\d{4})/(.+)$'
redirect = "https://blog.example/${year}?slug=$2"
status = 308

[[sites.routes]]
regex = "^/raw(.*)$"
redirect = "/$1"

[[sites.routes]]
regex = "^/away(.*)$"
redirect = "https://other.example$1"

[[sites.routes]]
path = "/secure"
redirect = "https://${host}${uri}"
status = 307

[[sites.routes]]
exact = "/drop"
redirect = "/bare?"
status = 303
"#;

#[tokio::test]
async fn redirects_fill_in_what_the_path_had() {
    let (app, _folder) = sites(SITES, |root| write(root, "index.html", "x")).await;
    let nobody = app.nobody();
    for (path, status, location) in [
        ("/old", 301, "/new/"),
        ("/old/a/b", 301, "/new/a/b"),
        ("/old/a?q=1", 301, "/new/a?q=1"),
        ("/old/a%20b", 301, "/new/a%20b"),
        ("/old/a%3Fb", 301, "/new/a%3Fb"),
        ("/posts/2026/hello?x=1", 308, "https://blog.example/2026?slug=hello"),
        ("/posts/2026/a&b", 308, "https://blog.example/2026?slug=a%26b"),
        ("/secure/x?y=1", 307, "https://a.example/secure/x?y=1"),
        ("/drop?y=1", 303, "/bare"),
        // A redirect cannot be led to another host.
        ("/raw/evil.example", 302, "/evil.example"),
        ("/rawevil.example", 302, "/evil.example"),
        ("/away.evil.example", 302, "https://other.example/.evil.example"),
        ("/away@evil.example", 302, "https://other.example/@evil.example"),
        ("/away/x", 302, "https://other.example/x"),
    ] {
        let answer = nobody.get(path).header("host", "a.example").await;
        assert_eq!(answer.assert_status(status).header("location"), Some(location), "{path}");
    }
    let folder = nobody.get("/").header("host", "a.example").await;
    folder.assert_status(200);
}

#[tokio::test]
async fn no_path_breaks_the_head_of_an_answer() {
    let (app, _folder) = sites(SITES, |root| write(root, "dir/index.html", "x")).await;
    for target in [
        "/old/%0d%0aset-cookie:%20a=b",
        "/old/a%0ab",
        "/raw/%0d%0a%0d%0a<script>",
        "/posts/2026/%0D%0AX:1",
        "/secure/%0d%0aX:1",
        "/dir%0d%0aX:1",
        "/old/%E5%98%8A%E5%98%8Dset-cookie:a",
        "/old/%C0%8D",
    ] {
        let answer = raw_get(&app, "a.example", target);
        let head = answer.text.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
        assert!(!head.contains("\nset-cookie") && !head.contains("\nx:"), "{target}: {head}");
        assert!(matches!(answer.status, 301 | 302 | 307 | 308 | 400 | 404), "{target}: {}", answer.status);
    }
    // Two slashes before a folder's name are not the start of another host's.
    let answer = raw_get(&app, "a.example", "//dir");
    assert!(!answer.text.to_lowercase().contains("location: //"), "{}", answer.text);
}

proptest! {
    #[test]
    fn a_redirect_is_one_line_and_stays_with_its_host(
        path in "(/|//|%2f|%5c|;|@|:|[.]|\\?|#|%23|%3f|%0d%0a|%0a|evil|[.]evil[.]example|é|%E5%98%8A|.){0,12}",
        target in prop::sample::select(vec!["/$1", "/to/$1", "https://good.example$1", "https://good.example/$1", "/q?a=$1", "https://good.example?a=$1"]),
    ) {
        if let Some(location) = redirect("^/(.*)$", target, &format!("/{path}")) {
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
            let stays = if target.starts_with('/') {
                location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\")
            } else {
                location.strip_prefix("https://good.example").is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            };
            prop_assert!(stays, "{location:?}");
        }
    }
}
