//! What goes along with answers, and who is let in.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;

use super::{sites, write};
use crate::support::{TestApp, eventually};

const SITES: &str = r#"
[[sites]]
hosts = "a.example"
root = "ROOT/site"
headers = { x-frame-options = "DENY", x-both = "site", etag = "" }
cache = [{ path = "/assets/", value = "public, max-age=31536000, immutable" }, { path = "/assets", value = "no" }]
cache_control = "no-cache"
cors = { origins = ["https://app.example"], credentials = true, expose = ["etag"], max_age = "10m" }

[[sites.routes]]
path = "/route"
headers = { x-both = "route", x-frame-options = "" }
cache_control = "private"
cors = { origins = "*", headers = ["x-a", "x-b"], methods = ["GET"] }
status = 200
body = "route"

[[sites.routes]]
path = "/denied"
access = ["deny 127.0.0.0/8", "allow all"]
status = 200

[[sites.routes]]
path = "/allowed"
access = ["allow 127.0.0.1", "deny all"]
status = 200

[[sites.routes]]
path = "/others"
access = ["allow 10.0.0.0/8", "allow ::1", "deny all"]
status = 200

[[sites]]
hosts = "locked.example"
root = "ROOT/site"
auth_file = "ROOT/users"
auth_realm = "Back office"
cors = { origins = ["https://app.example"], credentials = true }

[[sites.routes]]
path = "/open"
auth_file = "off"
status = 200
"#;

/// Each has the password "secret"; the hashes are those of crypt(3) and `openssl passwd -apr1`.
const USERS: &str = "# people\nada:$2y$05$EvwBz6uTRvObdbGPUPgbz.cBYfbDAz68AzOr6DLiunLD2kdN.Nxnq\nsha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\napr:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0\n";

fn fill(root: &std::path::Path) {
    write(root, "site/index.html", "start");
    write(root, "site/assets/a.js", "a");
    write(root, "users", USERS);
}

#[tokio::test]
async fn headers_and_cache_rules_go_along_with_answers() {
    let (app, _folder) = sites(SITES, fill).await;
    let get = |path: &'static str| app.nobody().get(path).header("host", "a.example");
    let page = get("/").await;
    assert_eq!(page.assert_status(200).header("cache-control"), Some("no-cache"));
    assert_eq!((page.header("x-frame-options"), page.header("x-both"), page.header("etag")), (Some("DENY"), Some("site"), None));
    let asset = get("/assets/a.js").await;
    assert_eq!(asset.assert_status(200).header("cache-control"), Some("public, max-age=31536000, immutable"));
    let missing = get("/assets/b.js").await;
    assert_eq!(missing.assert_status(404).header("cache-control"), None, "an error is not to be kept");
    assert_eq!(missing.header("x-frame-options"), Some("DENY"));
    let route = get("/route").await;
    assert_eq!(
        (route.header("x-both"), route.header("x-frame-options"), route.header("cache-control")),
        (Some("route"), None, Some("private"))
    );
}

#[tokio::test]
async fn scripts_of_other_origins_ask_as_far_as_they_may() {
    let (app, _folder) = sites(SITES, fill).await;
    let from = |method: Method, path: &str, origin: &str| {
        app.nobody().request(method, path).header("host", "a.example").header("origin", origin)
    };
    let good = from(Method::GET, "/", "https://app.example").await;
    assert_eq!(good.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(
        (good.header("access-control-allow-credentials"), good.header("access-control-expose-headers")),
        (Some("true"), Some("etag"))
    );
    assert_eq!(good.header("vary"), Some("origin"));
    let bad = from(Method::GET, "/", "https://app.example.evil").await;
    assert_eq!((bad.assert_status(200).header("access-control-allow-origin"), bad.header("vary")), (None, Some("origin")));
    let preflight = from(Method::OPTIONS, "/", "https://app.example").header("access-control-request-method", "PUT").await;
    assert_eq!(preflight.assert_status(204).header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(preflight.header("access-control-max-age"), Some("600"));
    let refused = from(Method::OPTIONS, "/", "https://evil.example").header("access-control-request-method", "PUT").await;
    assert_eq!(refused.assert_status(403).header("access-control-allow-origin"), None);
    let any = from(Method::OPTIONS, "/route", "https://evil.example").header("access-control-request-method", "GET").await;
    assert_eq!(
        (any.header("access-control-allow-origin"), any.header("access-control-allow-headers")),
        (Some("*"), Some("x-a, x-b"))
    );
    assert_eq!((any.header("access-control-allow-methods"), any.header("access-control-allow-credentials")), (Some("GET"), None));
    from(Method::OPTIONS, "/", "https://app.example").await.assert_status(405);
}

#[tokio::test]
async fn addresses_are_let_in_by_the_first_entry_that_fits() {
    let (app, _folder) = sites(SITES, fill).await;
    for (path, status) in [("/denied", 403), ("/allowed", 200), ("/others", 403)] {
        let answer = app.nobody().get(path).header("host", "a.example").header("x-forwarded-for", "10.1.1.1").await;
        answer.assert_status(status);
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

async fn status_of(app: &TestApp, path: &str, authorization: &str) -> u16 {
    app.nobody().get(path).header("host", "locked.example").header("authorization", authorization).await.status()
}

#[tokio::test]
async fn names_and_passwords_of_a_file_are_asked_for() {
    let (app, folder) = sites(SITES, fill).await;
    let nobody = app.nobody();
    let asked = nobody.get("/").header("host", "locked.example").await;
    assert_eq!(asked.assert_status(401).header("www-authenticate"), Some("Basic realm=\"Back office\", charset=\"UTF-8\""));
    for (name, password, status) in [
        ("ada", "secret", 200),
        ("sha", "secret", 200),
        ("apr", "secret", 200),
        ("ada", "Secret", 401),
        ("sha", "", 401),
        ("apr", "secre", 401),
        ("eve", "secret", 401),
        ("", "secret", 401),
        ("# people", "", 401),
    ] {
        assert_eq!(status_of(&app, "/", &basic(name, password)).await, status, "{name}:{password}");
        assert_eq!(status_of(&app, "/", &basic(name, password)).await, status, "{name}:{password}, remembered");
    }
    for header in ["Basic", "Basic !!!", "Bearer abc", &format!("Basic {}", "A".repeat(2000)), &STANDARD.encode("ada:secret")] {
        assert_eq!(status_of(&app, "/", header).await, 401, "{header}");
    }
    assert_eq!(status_of(&app, "/open", "Bearer x").await, 200);
    // A browser asks without a password whether it may ask with one.
    let preflight = nobody
        .request(Method::OPTIONS, "/")
        .header("host", "locked.example")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .await;
    preflight.assert_status(204);
    std::fs::write(folder.path().join("users"), "eve:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n").unwrap();
    for name in ["ada", "sha"] {
        eventually("the changed file's being used", Duration::from_secs(20), async || {
            (status_of(&app, "/", &basic(name, "secret")).await == 401).then_some(())
        })
        .await;
    }
    eventually("the new name's being let in", Duration::from_secs(20), async || {
        (status_of(&app, "/", &basic("eve", "secret")).await == 200).then_some(())
    })
    .await;
}
